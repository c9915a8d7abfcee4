"""The life of domain keys on the whole stack: each function under its own role, and KMS keys that are really disabled.

The engine refuses a disabled KMS key as KMS does; moto, which the contract tests use, does not.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from infra.embedded.personas import PERSONAS
from infra.embedded.stack import EmbeddedStack
from infra.permissions import PERMISSIONS, Holding
from infra.routes import Function
from keyholder.canonical import JsonObject
from keyholder.client import Keyholder
from keyholder.client.answers import ReleaseResult
from keyholder.client.problems import Changed, Unavailable
from keyholder.registry.people import APPROVING
from tests.people import some_nhs_numbers

SHARED, OWN = "keys-2026", "own-keys-2026"
PROJECT = "keys"
NUMBERS = list(some_nhs_numbers(420)[400:403])
USES_OWN_KEYS = (Function.RELEASE, Function.PSEUDONYMISE, Function.REGISTRY, Function.SWEEPER)


@dataclass(frozen=True)
class World:
    """Two domains on the running stack, one with its controller's own KMS key."""

    stack: EmbeddedStack
    own_key: str

    def client(self, who: str) -> Keyholder:
        return Keyholder(self.stack.base_url, lambda: self.stack.token(who), str(self.stack.ca_bundle), attempts=1)

    def changed(self, domain: str, change: str, *versions: int) -> None:
        """Proposed by one operator, confirmed by the other."""
        made = self.client("operator").propose_key_change(domain, change, ["nhs_number"], "routine", versions)
        done = self.client("second-operator").confirm_key_change(domain, str(made["change_id"]))
        assert done["state"] == "confirmed"

    def tokens(self, domain: str) -> list[str]:
        rows = [(f"row-{place}", {"nhs_number": number}) for place, number in enumerate(NUMBERS)]
        return [row.pseudonyms["nhs_number"] for row in self.client("provider").pseudonymise(domain, rows)]

    def approved(self, domain: str, tokens: list[str]) -> tuple[str, str]:
        """A request for these tokens, approved by two: its id and content hash."""
        asking = self.client("researcher")
        draft = asking.new_request(_request(domain, tokens))
        asking.submit(draft.id, draft.etag)
        deadline = time.monotonic() + 60
        while (now := self.client("controller").request(draft.id)).state != "in_review":
            assert time.monotonic() < deadline, now.state
            time.sleep(0.2)
        for who in ("controller", "second-controller"):
            now = self.client(who).request(draft.id)
            now = self.client(who).declare(draft.id, now.etag, conflict=False)
            self.client(who).approve(draft.id, domain, str(now.content_hash), now.etag)
        return draft.id, str(now.content_hash)

    def released(self, request: tuple[str, str]) -> ReleaseResult:
        now = self.client("researcher").request(request[0])
        return self.client("researcher").release(request[0], request[1], now.etag)

    def statuses(self, request: tuple[str, str]) -> list[str]:
        return [item.status for item in self.released(request).items]

    @contextmanager
    def disabled(self) -> Iterator[None]:
        kms = self.stack.admin("kms")
        kms.disable_key(KeyId=self.own_key)
        try:
            yield
        finally:
            kms.enable_key(KeyId=self.own_key)


def _request(domain: str, tokens: list[str]) -> JsonObject:
    return {
        "project": PROJECT,
        "purpose": "research",
        "legal_basis": "s251_reg5",
        "capacity": "researcher",
        "references": {"cag": "25/CAG/0036", "rec": "25/LO/0123"},
        "wanted": [{"identifier_type": "nhs_number", "need": "linkage"}],
        "justification": "The registry is linked by the number itself.",
        "recipient": {"organisation": "RX1"},
        "delivery": "inline",
        "window_days": 30,
        "destroy_by": "2099-06-30",
        "domains": [
            {
                "domain": domain,
                "records": [
                    {"row_id": f"row-{place}", "pseudonyms": {"nhs_number": token}}
                    for place, token in enumerate(tokens)
                ],
            }
        ],
    }


@pytest.fixture(scope="module")
def world(stack: EmbeddedStack) -> World:
    """The deployment as it is with the controller's key among `controller_key_arns`."""
    arn = stack.admin("kms").create_key(Description="a controller's own")["KeyMetadata"]["Arn"]
    _deployed_with(stack, arn)
    made = World(stack, arn)
    _register(made)
    return made


def _deployed_with(stack: EmbeddedStack, arn: str) -> None:
    """What that context value adds to the template: a statement for each of three roles, and a setting."""
    functions, iam = stack.admin("lambda"), stack.admin("iam")
    for function in USES_OWN_KEYS:
        name = stack.deployed.functions[function]
        settings = functions.get_function_configuration(FunctionName=name)
        statements = [
            {"Effect": "Allow", "Action": list(statement.actions), "Resource": arn}
            for statement in PERMISSIONS[function]
            if {resource.holding for resource in statement.resources} == {Holding.CONTROLLER_KEYS}
        ]
        assert statements
        iam.put_role_policy(
            RoleName=settings["Role"].rsplit("/", 1)[-1],
            PolicyName="controllers-own-keys",
            PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": statements}),
        )
        variables = {**settings["Environment"]["Variables"], "CONTROLLER_KEY_ARNS": arn}
        functions.update_function_configuration(FunctionName=name, Environment={"Variables": variables})


def _register(world: World) -> None:
    operator = world.client("operator")
    people: dict[str, str] = {}
    for one in PERSONAS:
        if one.key == "outsider":
            continue
        body: dict[str, Any] = {
            "subject": one.subject,
            "roles": [{"role": one.role.value, "organisation": one.organisation}],
            "accredited_until": "2099-12-31",
            "capacities": ["researcher"] if one.role.value == "researcher" else [],
        }
        try:
            people[one.key] = operator.add_person(body)
        except Changed:
            # Another test of this stack registered them.
            people[one.key] = str(world.client(one.key).me()["person_id"])
    for one in PERSONAS:
        if one.role in APPROVING:
            with suppress(Changed):
                world.client("second-operator").confirm_roles(people[one.key], [(one.role, one.organisation)])
        if one.role in APPROVING or one.key == "researcher":
            for terms in world.client(one.key).terms():
                world.client(one.key).accept_terms(
                    str(terms["document"]), int(str(terms["version"])), str(terms["sha256"])
                )
    for domain in (SHARED, OWN):
        body = {
            "domain_id": domain,
            "controllers": ["RX1", "X26"],
            "identifier_types": ["nhs_number"],
            "source_dataset": "hospital",
        }
        operator.add_domain(body | ({"kms_key_arn": world.own_key} if domain == OWN else {}))
    cag = {
        "ref": "25/CAG/0036",
        "status": "supported",
        "opt_out_condition": "standard",
        "permits_reidentification": True,
    }
    operator.add_project(
        {
            "project_id": PROJECT,
            "organisation": "RX1",
            "members": [people["researcher"]],
            "domains": [SHARED, OWN],
            "active_until": "2099-12-31",
            "agreement": {"ref": "DARS-NIC-123456-A1B2C-v1.2", "ends_on": "2099-12-31"},
            "evidence": {"cag": cag, "rec": {"ref": "25/LO/0123", "favourable": True}},
        }
    )
    numbers = "".join(f"{number},\n" for number in NUMBERS)
    performed = {"performed_at": datetime.now(UTC).isoformat(), "source": "keys"}
    operator.load_opt_outs({"requested": numbers, "reply": numbers, **performed})


def test_rotated_retired_destroyed(world: World) -> None:
    """Old tokens open until their version is retired, and say so one by one; new ones go on."""
    old = world.tokens(SHARED)
    world.changed(SHARED, "rotate")
    new = world.tokens(SHARED)
    assert ({token[2:4] for token in old}, {token[2:4] for token in new}) == ({"01"}, {"02"})
    request = world.approved(SHARED, [*old[:2], new[2]])
    result = world.released(request)
    assert [item.identifiers["nhs_number"] for item in result.items] == NUMBERS
    world.changed(SHARED, "retire", 1)
    assert world.statuses(request) == ["key_retired", "key_retired", "released"]
    world.changed(SHARED, "destroy", 1)
    assert world.statuses(request) == ["key_destroyed", "key_destroyed", "released"]
    key = {"pk": {"S": f"domain/{SHARED}/nhs_number"}, "sk": {"S": "000001"}}
    table = world.stack.deployed.environment["KEYS_TABLE"]
    item = world.stack.admin("dynamodb").get_item(TableName=table, Key=key)["Item"]
    assert item == {**key, "state": {"S": "destroyed"}}


def test_with_its_own_key_disabled_nothing_of_a_domain_opens_and_other_domains_go_on(world: World) -> None:
    own, shared = world.tokens(OWN), world.tokens(SHARED)
    requests = {domain: world.approved(domain, tokens) for domain, tokens in ((OWN, own), (SHARED, shared))}
    assert world.statuses(requests[OWN]) == ["released"] * 3
    with world.disabled():
        for call in (
            lambda: world.released(requests[OWN]),
            lambda: world.tokens(OWN),
            lambda: world.changed(OWN, "rotate"),
        ):
            with pytest.raises(Unavailable) as refused:
                call()
            assert refused.value.problem.status == 503
            assert str(refused.value.problem.document["type"]).endswith("/keys-unavailable")
        assert world.statuses(requests[SHARED]) == ["released"] * 3
    events = list(world.client("auditor").events(requests[OWN][0]))
    (failed,) = [event for event in events if event["type"] == "release.failed"]
    assert failed["data"]["code"] == "KEYS_UNAVAILABLE"  # type: ignore[index, call-overload]  # an object
    assert world.statuses(requests[OWN]) == ["released"] * 3
