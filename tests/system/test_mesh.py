"""Opt-outs asked for over NHS Digital's MESH server by the deployed functions, each under its own role."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from infra.embedded.personas import PERSONAS
from infra.embedded.stack import EmbeddedStack
from infra.routes import Function
from keyholder.client import Keyholder
from keyholder.client.problems import Changed
from tests.fakes.mesh import CORRESPONDENCE
from tests.mesh.sandbox import MeshSandbox
from tests.people import some_nhs_numbers

DOMAIN, PROJECT = "mesh-2026", "mesh"
NUMBERS = list(some_nhs_numbers(440)[430:433])
WITHIN = 60


class World:
    """One approved request on the running stack, whose mailbox is on the sandbox."""

    def __init__(self, stack: EmbeddedStack, sandbox: MeshSandbox) -> None:
        self.stack = stack
        self.sandbox = sandbox

    def client(self, who: str) -> Keyholder:
        return Keyholder(self.stack.base_url, lambda: self.stack.token(who), str(self.stack.ca_bundle), attempts=1)

    def round(self) -> dict[str, int]:
        """The function, called as the schedule calls it."""
        name = self.stack.deployed.functions[Function.MESH]
        answer = self.stack.admin("lambda").invoke(FunctionName=name, Payload=b"{}")
        body: dict[str, int] = json.loads(answer["Payload"].read())
        assert "FunctionError" not in answer, body
        return body

    def objects(self, setting: str, prefix: str = "") -> list[bytes]:
        s3, bucket = self.stack.admin("s3"), self.stack.deployed.environment[setting]
        keys = [one["Key"] for one in s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", ())]
        return [s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys]

    def until(self, setting: str, prefix: str = "") -> list[bytes]:
        """The objects, once there are any: the queue delivers when it does."""
        deadline = time.monotonic() + WITHIN
        while not (found := self.objects(setting, prefix)):
            assert time.monotonic() < deadline
            time.sleep(0.2)
        return found


@pytest.fixture(scope="module")
def world(stack: EmbeddedStack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The deployment as it is with the parameters of MESH, and somebody's credentials in its secret."""
    with MeshSandbox(Path(tmp_path_factory.mktemp("mesh"))) as sandbox:
        sandbox.plan(opted_out=[NUMBERS[1]])
        made = World(stack, sandbox)
        _connected(made)
        _registered(made)
        yield made
        _disconnected(made)


def _settings(world: World, **settings: str) -> None:
    functions, name = world.stack.admin("lambda"), world.stack.deployed.functions[Function.MESH]
    variables = functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    functions.update_function_configuration(FunctionName=name, Environment={"Variables": {**variables, **settings}})


def _connected(world: World) -> None:
    to, secret = CORRESPONDENCE, json.dumps(asdict(world.sandbox.credentials))
    arn = world.stack.deployed.environment["MESH_SECRET_ARN"]
    world.stack.admin("secretsmanager").put_secret_value(SecretId=arn, SecretString=secret)
    _settings(world, MESH_URL=world.sandbox.url, MESH_MAILBOX=to.mailbox, MESH_RECIPIENT=to.recipient)


def _disconnected(world: World) -> None:
    _settings(world, MESH_MAILBOX="")


def _registered(world: World) -> None:
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
    operator.add_domain(
        {
            "domain_id": DOMAIN,
            "controllers": ["RX1", "X26"],
            "identifier_types": ["nhs_number"],
            "source_dataset": "hospital",
        }
    )
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
            "domains": [DOMAIN],
            "active_until": "2099-12-31",
            "agreement": {"ref": "DARS-NIC-123456-A1B2C-v1.2", "ends_on": "2099-12-31"},
            "evidence": {"cag": cag, "rec": {"ref": "25/LO/0123", "favourable": True}},
        }
    )


def _approved(world: World) -> str:
    """A request for the three people, approved by two."""
    rows = [(f"row-{place}", {"nhs_number": number}) for place, number in enumerate(NUMBERS)]
    made = world.client("provider").pseudonymise(DOMAIN, rows)
    records = [{"row_id": row.row_id, "pseudonyms": {"nhs_number": row.pseudonyms["nhs_number"]}} for row in made]
    asking = world.client("researcher")
    draft = asking.new_request(
        {
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
            "domains": [{"domain": DOMAIN, "records": records}],
        }
    )
    asking.submit(draft.id, draft.etag)
    deadline = time.monotonic() + WITHIN
    while (now := world.client("controller").request(draft.id)).state != "in_review":
        assert time.monotonic() < deadline, now.state
        time.sleep(0.2)
    for who in ("controller", "second-controller"):
        now = world.client(who).request(draft.id)
        now = world.client(who).declare(draft.id, now.etag, conflict=False)
        world.client(who).approve(draft.id, DOMAIN, str(now.content_hash), now.etag)
    return draft.id


def _statuses(world: World, request: str) -> list[str]:
    asking = world.client("researcher")
    now = asking.request(request)
    return [item.status for item in asking.release(request, str(now.content_hash), now.etag).items]


def test_from_approval_to_the_services_answer(world: World) -> None:
    request = _approved(world)
    assert _statuses(world, request) == ["pending"] * 3
    assert world.round()["listed"] >= 1
    (sealed,) = world.until("OUTBOX_BUCKET")
    assert world.round()["sent"] == 1
    assert not world.objects("OUTBOX_BUCKET")
    (sent,) = world.sandbox.sent()
    assert sorted(sent["body"].replace(",", "").split()) == sorted(NUMBERS)
    done = world.round()
    assert (done["jobs_created"], done["answered"]) == (1, 1)
    assert _statuses(world, request) == ["released", "not_available", "released"]
    # The engine leaves no trace of the numbers either, but for where they were sent to.
    stored = [sealed, *world.objects("CHOICES_BUCKET"), *world.objects("LEDGER_BUCKET", "journal/")]
    assert not [number for number in NUMBERS for body in stored if number.encode() in body]


def test_without_the_right_password_a_round_fails_and_nothing_is_lost(world: World) -> None:
    arn = world.stack.deployed.environment["MESH_SECRET_ARN"]
    secrets = world.stack.admin("secretsmanager")
    wrong = json.dumps({**asdict(world.sandbox.credentials), "password": "wrong"})
    secrets.put_secret_value(SecretId=arn, SecretString=wrong)
    name = world.stack.deployed.functions[Function.MESH]
    answer = world.stack.admin("lambda").invoke(FunctionName=name, Payload=b"{}")
    body = answer["Payload"].read().decode()
    assert "FunctionError" in answer
    assert "wrong" not in body
    secrets.put_secret_value(SecretId=arn, SecretString=json.dumps(asdict(world.sandbox.credentials)))
    assert "answered" in world.round()
