"""Whoever wrote a request may not go on with it, for the API's tests."""

from __future__ import annotations

from tests.contract.api import SUBJECTS, Api
from tests.contract.settled import Asked, Extract, change_person, draft, expect, request_body


def left(api: Api, extract: Extract) -> Asked:
    """A draft of the researcher's, whose accreditation is over."""
    asked = draft(api, request_body(extract))
    accredited(api, extract, "2026-01-01")
    return asked


def accredited(api: Api, extract: Extract, until: str = "2027-12-31") -> None:
    """How long the researcher is."""
    body = {
        "subject": SUBJECTS["researcher"],
        "roles": [{"role": "researcher", "organisation": "RX1"}],
        "accredited_until": until,
        "capacities": ["researcher"],
    }
    change_person(api, extract.people["researcher"], body)


def taken_over(api: Api, extract: Extract) -> Asked:
    """Such a draft in the hands of a colleague, and the researcher accredited again."""
    asked = left(api, extract)
    taken = expect(api.post(f"{asked.path}/take-over", {}, "colleague"), 200).json
    assert taken["requester"] == extract.people["colleague"]
    accredited(api, extract)
    return asked
