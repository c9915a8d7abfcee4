"""A small world for the API's tests: registered people, two domains, a project, an extract, its people's choices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from infra.embedded.personas import PERSONAS
from keyholder.ledger.event import rfc3339
from tests.contract.api import SCOPES, Answer, Api
from tests.people import some_nhs_numbers

DOMAIN = "gp-2026"
OTHER_DOMAIN = "hospital-2026"
PROJECT = "heart-2026"
OPTED_OUT = 3
"""The place of the one person who opted out nationally; the next one has a Type 1 opt-out."""
TYPE_1 = 4
UNCHECKED = 5
"""Nobody asked about this person."""
PEOPLE = some_nhs_numbers(8)
RECIPIENT = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"
JUSTIFICATION = "We need to link the heart failure cohort to the national registry."

ROTATION = {"change": "rotate", "identifier_types": ["nhs_number", "postcode"], "reason": "routine"}

STRICTER = {"factors": {"caldicott_guardian": 1}}
"""Rules for a domain that are stricter than those it has."""
ROLE = [{"role": "controller", "organisation": "RX1"}]


@dataclass(frozen=True)
class Extract:
    """One row of an extract for each person: their pseudonyms, and the identifiers these stand for."""

    rows: list[dict[str, Any]]
    identifiers: list[dict[str, str]]
    foreign: dict[str, str]
    """The first person's pseudonyms in another domain."""
    people: dict[str, str]
    """Persona -> person id."""

    def record(self, place: int) -> dict[str, Any]:
        """A record of a request for one row."""
        tokens = self.rows[place]["pseudonyms"]
        kinds = ("nhs_number", "date_of_birth")
        return {"row_id": self.rows[place]["row_id"], "pseudonyms": {kind: tokens[kind] for kind in kinds}}


def settle(api: Api) -> Extract:
    """Registers everything, makes the pseudonyms, loads the choices."""
    people = {}
    for persona in PERSONAS:
        if persona.key == "outsider":
            continue
        body = {
            "subject": persona.subject,
            "roles": [{"role": persona.role.value, "organisation": persona.organisation}],
            "accredited_until": "2027-12-31",
            "capacities": ["researcher"] if persona.role.value == "researcher" else [],
        }
        people[persona.key] = expect(api.post("/v1/people", body, "operator"), 201).json["person_id"]
    for persona in PERSONAS:
        if persona.key in people:
            ready(api, persona.key, people[persona.key])
    for domain in (DOMAIN, OTHER_DOMAIN):
        expect(api.post("/v1/domains", domain_body(domain), "operator"), 201)
    expect(api.post("/v1/projects", project_body(people), "operator"), 201)
    identifiers = [
        {
            "nhs_number": number,
            "date_of_birth": f"19{60 + place}-02-{11 + place}",
            "postcode": f"SW1A {place}AA",
            "gp_local_patient_number": f"LOCAL-PATIENT-{place:05}",
        }
        for place, number in enumerate(PEOPLE)
    ]
    rows = [{"row_id": f"row-{place}", "identifiers": one} for place, one in enumerate(identifiers)]
    made = [
        expect(api.post(f"/v1/domains/{domain}/pseudonyms", {"rows": rows}, "provider"), 200).json["rows"]
        for domain in (DOMAIN, OTHER_DOMAIN)
    ]
    load_opt_outs(api)
    load_type_1(api)
    return Extract(made[0], identifiers, made[1][0]["pseudonyms"], people)


def ready(api: Api, who: str, person_id: str) -> None:
    """A registered persona becomes able to act: a second operator confirms their roles, they accept the terms."""
    confirm(api, person_id)
    if SCOPES[who].startswith("keyholder/request"):
        accept_terms(api, who)


def confirm(api: Api, person_id: str) -> None:
    """A second operator confirms whatever roles of somebody wait for that."""
    path = f"/v1/people/{person_id.removeprefix('person/')}"
    roles = [
        {"role": held["role"], "organisation": held["organisation"]}
        for held in expect(api.get(path, "operator"), 200).json["awaiting"]
    ]
    if roles:
        expect(api.post(f"{path}/confirm", {"roles": roles}, "second-operator"), 200)


def change_person(api: Api, person_id: str, body: dict[str, Any]) -> None:
    """Another record for somebody who is registered; what it gives is confirmed."""
    etag = expect(api.get(f"/v1/people/{person_id.removeprefix('person/')}", "operator"), 200).etag
    expect(api.post("/v1/people", body, "operator", if_match=etag), 201)
    confirm(api, person_id)


def accept_terms(api: Api, who: str, **more: Any) -> None:
    """A persona accepts every text in force."""
    for terms in expect(api.get("/v1/terms", who, **more), 200).json["items"]:
        chosen = {name: terms[name] for name in ("document", "version", "sha256")}
        expect(api.post("/v1/terms/accept", chosen, who, **more), 200)


def domain_body(domain: str) -> dict[str, Any]:
    return {
        "domain_id": domain,
        "controllers": ["RX1", "X26"],
        "identifier_types": ["nhs_number", "postcode", "date_of_birth", "date_of_death", "gp_local_patient_number"],
        "source_dataset": "gp",
    }


def project_body(people: dict[str, str], *more: str) -> dict[str, Any]:
    members = [people[key] for key in ("researcher", "colleague", "controller-on-project", *more)]
    cag = {
        "ref": "25/CAG/0036",
        "status": "supported",
        "next_review_on": "2027-01-31",
        "opt_out_condition": "standard",
        "permits_reidentification": True,
    }
    return {
        "project_id": PROJECT,
        "organisation": "RX1",
        "members": members,
        "domains": [DOMAIN],
        "active_until": "2027-12-31",
        "agreement": {"ref": "DARS-NIC-123456-A1B2C-v1.2", "ends_on": "2027-12-31"},
        "evidence": {"cag": cag, "rec": {"ref": "25/LO/0123", "favourable": True}},
    }


def allow_emergency(api: Api, domain: str) -> None:
    """Registers a domain and has its controllers switch emergency access on."""
    expect(api.post("/v1/domains", domain_body(domain), "operator"), 201)
    changes = f"/v1/domains/{domain}/rule-changes"
    wanted = {"reason": "controller_request", "emergency_access": True}
    change = expect(api.post(changes, wanted, "operator"), 201).json["change_id"]
    for who in ("controller", "second-controller"):
        expect(api.post(f"{changes}/{change}/confirm", {}, who), 200)


def opt_outs_body(api: Api, *opted_out: int, source: str = "mesh-1") -> dict[str, Any]:
    """A request list and the cleaned list that came back: who is not in it has opted out."""
    asked = [number for place, number in enumerate(PEOPLE) if place != UNCHECKED]
    cleaned = [number for number in asked if PEOPLE.index(number) not in opted_out]
    lists = ["".join(f"{number},\n" for number in numbers) for numbers in (asked, cleaned)]
    return {"requested": lists[0], "reply": lists[1], "performed_at": rfc3339(api.clock.now), "source": source}


def type_1_body(api: Api, *opted_out: int, source: str = "gp-1") -> dict[str, Any]:
    rows = "".join(
        f"{number},readv2,9Nu0.,2024-01-01\n" if place in opted_out else f"{number},,,\n"
        for place, number in enumerate(PEOPLE)
    )
    return {
        "rows": "nhs_number,system,code,recorded_on\n" + rows,
        "as_at": rfc3339(api.clock.now),
        "source": source,
    }


def load_opt_outs(api: Api, *opted_out: int) -> None:
    expect(
        api.post("/v1/choices/national-data-opt-outs", opt_outs_body(api, *(opted_out or (OPTED_OUT,))), "operator"),
        201,
    )


def load_type_1(api: Api, *opted_out: int) -> None:
    expect(api.post("/v1/choices/type-1-events", type_1_body(api, *(opted_out or (TYPE_1,))), "operator"), 201)


def request_body(extract: Extract, *records: Any, **other: Any) -> dict[str, Any]:
    """A request for the first three people, or for these records (a number is a person's place)."""
    chosen = [extract.record(one) if isinstance(one, int) else one for one in (records or (0, 1, 2))]
    return {
        "project": PROJECT,
        "purpose": "research",
        "legal_basis": "s251_reg5",
        "capacity": "researcher",
        "references": {"cag": "25/CAG/0036", "rec": "25/LO/0123"},
        "wanted": [
            {"identifier_type": "nhs_number", "need": "linkage"},
            {"identifier_type": "date_of_birth", "need": "linkage"},
        ],
        "justification": JUSTIFICATION,
        "recipient": {"organisation": "RX1", "public_key": RECIPIENT},
        "delivery": "inline",
        "window_days": 30,
        "destroy_by": "2027-06-30",
        "domains": [{"domain": DOMAIN, "records": chosen}],
        **other,
    }


@dataclass
class Asked:
    """One request on its way, with the steps people take."""

    api: Api
    id: str

    @property
    def path(self) -> str:
        return f"/v1/requests/{self.id}"

    def seen(self, who: str = "controller") -> Answer:
        return expect(self.api.get(self.path, who), 200)

    @property
    def state(self) -> str:
        return str(self.seen().json["state"])

    @property
    def content_hash(self) -> str:
        return str(self.seen().json["content_hash"])

    def declare(self, who: str, *, conflict: bool = False, **more: Any) -> Answer:
        return self.api.post(f"{self.path}/declare", {"conflict_of_interest": conflict}, who, **more)

    def opened(self) -> Asked:
        """The two controllers have declared that they have no conflict of interest."""
        for who in ("controller", "second-controller"):
            expect(self.declare(who), 200)
        return self

    def approve(
        self, who: str, *, content_hash: str | None = None, less: dict[str, Any] | None = None, **more: Any
    ) -> Answer:
        """`less` is what narrows the approval, and its conditions."""
        now = self.seen()
        return self.api.post(
            f"{self.path}/approve",
            {
                "domain": DOMAIN,
                "content_hash": content_hash or now.json["content_hash"],
                "no_conflict_of_interest": True,
                **(less or {}),
            },
            who,
            **{"if_match": now.etag, **more},
        )

    def ask_back(self, who: str, text: str = "Why are so many records needed?", **more: Any) -> Answer:
        now = self.seen()
        body = {
            "domain": DOMAIN,
            "content_hash": now.json["content_hash"],
            "questions": [{"about": "records", "text": text}],
        }
        return self.api.post(f"{self.path}/return", body, who, **{"if_match": now.etag, **more})

    def take_back(self, who: str, **more: Any) -> Answer:
        now = self.seen()
        body = {"domain": DOMAIN, "content_hash": now.json["content_hash"]}
        return self.api.post(f"{self.path}/withdraw-vote", body, who, **{"if_match": now.etag, **more})

    def accept(self, who: str = "researcher", conditions_hash: str | None = None, **more: Any) -> Answer:
        now = self.seen("researcher")
        body = {"conditions_hash": conditions_hash or now.json["conditions"]["hash"]}
        return self.api.post(f"{self.path}/accept-conditions", body, who, **{"if_match": now.etag, **more})

    def reject(self, who: str, comment: str = "", **more: Any) -> Answer:
        now = self.seen()
        body = {
            "domain": DOMAIN,
            "content_hash": now.json["content_hash"],
            "reason": "purpose_not_justified",
            "comment": comment,
        }
        return self.api.post(f"{self.path}/reject", body, who, **{"if_match": now.etag, **more})

    def revoke(self, who: str, **more: Any) -> Answer:
        return self.api.post(
            f"{self.path}/revoke", {"reason": "use_not_as_approved"}, who, **{"if_match": self.seen().etag, **more}
        )

    def release(self, who: str = "researcher", *, content_hash: str | None = None, **more: Any) -> Answer:
        return self.api.post(f"{self.path}/release", {"content_hash": content_hash or self.content_hash}, who, **more)


def draft(api: Api, body: dict[str, Any]) -> Asked:
    return Asked(api, expect(api.post("/v1/requests", body, "researcher"), 201).json["id"])


def in_review(api: Api, body: dict[str, Any]) -> Asked:
    """Submitted, its checks made, and the two controllers have declared that they have no conflict of interest."""
    return unread(api, body).opened()


def unread(api: Api, body: dict[str, Any]) -> Asked:
    """Submitted, and its checks made."""
    asked = draft(api, body)
    expect(api.post(f"{asked.path}/submit", {}, "researcher"), 200)
    assert api.deliver() == 1
    assert asked.state == "in_review"
    return asked


def approved(api: Api, body: dict[str, Any]) -> Asked:
    """Approved by one controller of each organisation."""
    asked = in_review(api, body)
    expect(asked.approve("controller"), 200)
    expect(asked.approve("second-controller"), 200)
    assert asked.state == "approved"
    return asked


def expect(answer: Answer, status: int) -> Answer:
    """The answer, which must be of that status."""
    assert answer.status == status, answer.everything
    return answer
