"""Who acts in the demonstration and what the operator has on file about them and their project."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Protocol

from infra.embedded.demo.data import PROJECT
from infra.embedded.personas import PERSONAS, Persona
from keyholder.canonical import JsonObject, JsonValue
from keyholder.client import Keyholder
from keyholder.vocabulary import IdentifierType, Role

DOMAIN = "gp-2026"
OTHER_DOMAIN = "hes-2026"
CONTROLLERS = ("RX1", "X26")
UNREGISTERED = {"outsider"}
TOLD = ("researcher", "controller", "second-controller")
"""Whose address for notices is known."""
ON_THE_PROJECT = ("researcher", "colleague", "controller-on-project")

CAG = "22/CAG/0129"
REC = "21/LO/0123"
IRAS = "229300"
DSA = "DARS-NIC-00574-V2H1F-v4.2"


class Stage(Protocol):
    """Where the play is given: one running Keyholder with an issuer of tokens."""

    @property
    def base_url(self) -> str: ...

    @property
    def ca_bundle(self) -> object: ...

    def token(self, key: str) -> str: ...


class Cast:
    """A client for every persona, each with real tokens of their own."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._known: dict[tuple[str, int], Keyholder] = {}

    def __getitem__(self, key: str) -> Keyholder:
        return self.trying(key, 4)

    def trying(self, key: str, attempts: int) -> Keyholder:
        """The persona's client, which sends a call up to `attempts` times."""
        known = self._known.get((key, attempts))
        if known is None:
            known = Keyholder(
                self._stage.base_url, lambda: self._stage.token(key), str(self._stage.ca_bundle), attempts=attempts
            )
            self._known[key, attempts] = known
        return known


def today() -> date:
    """The day the demonstration runs."""
    return datetime.now(UTC).date()


def now() -> str:
    """The moment, RFC 3339."""
    return datetime.now(UTC).isoformat()


def registered() -> tuple[Persona, ...]:
    """Everybody who gets a membership, the operator first: the deployment named them, and they register themselves."""
    everybody = [who for who in PERSONAS if who.key not in UNREGISTERED]
    return tuple(sorted(everybody, key=lambda who: who.role is not Role.OPERATOR))


def person_body(who: Persona) -> JsonObject:
    """The registration of a persona."""
    body: dict[str, JsonValue] = {
        "subject": who.subject,
        "roles": [{"role": who.role.value, "organisation": who.organisation}],
    }
    if who.role is Role.RESEARCHER:
        body["accredited_until"] = (today() + timedelta(days=365)).isoformat()
        body["capacities"] = ["researcher"]
    return body


def project_body(person_ids: Mapping[str, str], project: str) -> JsonObject:
    """A project with section 251 support, an ethics opinion and a data sharing agreement on file."""
    until = (today() + timedelta(days=365)).isoformat()
    return {
        "project_id": project,
        "organisation": "RX1",
        "members": [person_ids[key] for key in ON_THE_PROJECT],
        "domains": [DOMAIN, OTHER_DOMAIN],
        "active_until": until,
        "agreement": {"ref": DSA, "ends_on": until},
        "evidence": {
            "cag": {
                "ref": CAG,
                "status": "supported",
                "next_review_on": until,
                "opt_out_condition": "standard",
                "exemption_letter_on_file": False,
                "permits_reidentification": True,
            },
            "rec": {"ref": REC, "favourable": True},
        },
    }


def domain_body(domain: str) -> JsonObject:
    """A domain of GP data with all five identifier types and two controllers' organisations."""
    return {
        "domain_id": domain,
        "controllers": list(CONTROLLERS),
        "identifier_types": [kind.value for kind in IdentifierType],
        "quorum": 2,
        "source_dataset": "gp",
    }


def request_body(
    records: list[JsonValue],
    public_key: str,
    *,
    legal_basis: str,
    delivery: str,
    wanted: Mapping[str, str],
    justification: str,
) -> JsonObject:
    """A request of the researcher: `wanted` gives each identifier type the code of why it is needed."""
    return {
        "project": PROJECT,
        "purpose": "research",
        "legal_basis": legal_basis,
        "references": {"cag": CAG, "rec": REC, "iras": IRAS, "dsa": DSA},
        "capacity": "researcher",
        "wanted": [{"identifier_type": kind, "need": need} for kind, need in wanted.items()],
        "justification": justification,
        "recipient": {"public_key": public_key, "organisation": "RX1"},
        "delivery": delivery,
        "window_days": 30,
        "destroy_by": (today() + timedelta(days=180)).isoformat(),
        "domains": [{"domain": DOMAIN, "records": records}],
    }
