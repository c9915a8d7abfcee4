"""A synthesised template, as the tests ask it questions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from infra.permissions import Holding
from infra.routes import Function

Resource = dict[str, Any]

KEY_NAMES = {
    "DomainKey": Holding.DOMAIN_KEY,
    "DigestKey": Holding.DIGEST_KEY,
    "TagKey": Holding.TAG_KEY,
    "ContentKey": Holding.CONTENT_KEY,
    "ExtractKey": Holding.EXTRACT_KEY,
    "OutboxKey": Holding.OUTBOX_KEY,
    "ContactKey": Holding.CONTACT_KEY,
    "CheckpointKey": Holding.CHECKPOINT_KEY,
}
RESOURCE_NAMES = {
    "StateSteps": Holding.STEPS,
    "StateKeys": Holding.KEYS,
    "StateCounters": Holding.COUNTERS,
    "LedgerBucket": Holding.LEDGER,
    "StateContent": Holding.CONTENT,
    "StateChoices": Holding.CHOICES,
    "StateResults": Holding.RESULTS,
    "StateExtracts": Holding.EXTRACTS,
    "StateUploads": Holding.UPLOADS,
    "StateView": Holding.VIEW,
    "StateOutbox": Holding.OUTBOX,
    "MeshCredentials": Holding.MESH_SECRET,
    "ChecksQueue": Holding.CHECKS_QUEUE,
    "ExtractsQueue": Holding.EXTRACTS_QUEUE,
    "FilesQueue": Holding.FILES_QUEUE,
    "StateNotices": Holding.NOTICES,
    "StateContacts": Holding.CONTACTS,
    "NoticesNotify": Holding.NOTIFY_SECRET,
    "NoticesTellQueue": Holding.TELL_QUEUE,
    "NoticesBus": Holding.EVENT_BUS,
}


@dataclass(frozen=True)
class Template:
    """One stack's template."""

    raw: dict[str, Any]

    def of_type(self, kind: str) -> dict[str, Resource]:
        """Resources of one type by logical id; never empty, so that no test passes for want of anything to look at."""
        found = {name: resource for name, resource in self.raw["Resources"].items() if resource["Type"] == kind}
        assert found, f"no {kind} in the template"
        return found

    def one(self, kind: str, beginning: str = "") -> tuple[str, Resource]:
        """The only resource of a type whose logical id begins so."""
        found = [(name, found) for name, found in self.of_type(kind).items() if name.startswith(beginning)]
        assert len(found) == 1, f"{len(found)} {kind} beginning with {beginning!r}"
        return found[0]

    def function(self, function: Function) -> tuple[str, Resource]:
        """A Lambda function."""
        return self.one("AWS::Lambda::Function", f"Functions{function.capitalize()}")

    def statements_of(self, function: Function) -> list[dict[str, Any]]:
        """Every statement of every policy attached to a function's role."""
        _, resource = self.function(function)
        role = resource["Properties"]["Role"]["Fn::GetAtt"][0]
        properties = self.raw["Resources"][role]["Properties"]
        assert "ManagedPolicyArns" not in properties
        assert "Policies" not in properties
        return [
            statement
            for policy in self.of_type("AWS::IAM::Policy").values()
            if {"Ref": role} in policy["Properties"]["Roles"]
            for statement in policy["Properties"]["PolicyDocument"]["Statement"]
        ]


def as_list(value: Any) -> list[Any]:
    """CloudFormation and IAM take one thing where a list of one thing is meant."""
    return value if isinstance(value, list) else [value]


def holding_of(resource: Any) -> tuple[Holding, str]:
    """Which holding a policy's resource is, and which part of it."""
    if isinstance(resource, dict) and "Fn::Join" in resource:
        separator, parts = resource["Fn::Join"]
        assert separator == ""
        if parts[-1] == {"Ref": "NoticeIdentity"}:
            assert ":ses:" in parts[2]
            return Holding.SENDER, ""
        base, part = parts
        holding, nothing = holding_of(base)
        assert nothing == ""
        return holding, part
    if "Fn::ImportValue" in resource:
        export = resource["Fn::ImportValue"].removeprefix("KeyholderKeys:ExportsOutputFnGetAtt")
        return _begins(export, KEY_NAMES), ""
    if "Ref" in resource:
        # A secret's Ref is its ARN.
        return _begins(resource["Ref"], RESOURCE_NAMES), ""
    logical, attribute = resource["Fn::GetAtt"]
    assert attribute == "Arn"
    if logical.startswith("Functions") and "Logs" in logical:
        return Holding.LOGS, ""
    return _begins(logical, RESOURCE_NAMES), ""


def _begins(name: str, names: dict[str, Holding]) -> Holding:
    found = [holding for beginning, holding in names.items() if name.startswith(beginning)]
    assert len(found) == 1, name
    return found[0]
