"""Who may touch what: the deployed policies are `permissions.py`, and `permissions.py` is what the design says."""

from __future__ import annotations

import json

import pytest
from aws_cdk import App, Stack

from infra.functions import SIZES, policy_statement
from infra.keys import controller_key_arns
from infra.permissions import PERMISSIONS, Holding, Resource, allowed
from infra.routes import Function
from keyholder.rebuilding.rebuilding import LONGEST_CALL
from tests.unit.infra.template import Template, as_list, holding_of

OWN_KEYS = {Resource(Holding.CONTROLLER_KEYS)}
"""What a statement names that is left out of a deployment whose domains bring no keys of their own."""

every_function = pytest.mark.parametrize("function", list(Function))


@every_function
def test_the_deployed_policy_is_the_table(template: Template, function: Function) -> None:
    deployed = [
        (
            statement["Sid"],
            statement["Effect"],
            frozenset(as_list(statement["Action"])),
            frozenset(holding_of(resource) for resource in as_list(statement["Resource"])),
            frozenset(statement) - {"Sid", "Effect", "Action", "Resource"},
        )
        for statement in template.statements_of(function)
    ]
    written = [
        (
            statement.sid,
            "Allow",
            frozenset(statement.actions),
            frozenset((resource.holding, resource.part) for resource in statement.resources),
            frozenset(),
        )
        for statement in PERMISSIONS[function]
        if set(statement.resources) != OWN_KEYS
    ]
    assert sorted(deployed, key=str) == sorted(written, key=str)


@every_function
def test_a_function_writes_only_its_own_log(template: Template, function: Function) -> None:
    _, resource = template.function(function)
    group = resource["Properties"]["LoggingConfig"]["LogGroup"]["Ref"]
    logs = [as_list(s["Resource"]) for s in template.statements_of(function) if s["Sid"] == "OwnLogs"]
    assert logs == [[{"Fn::GetAtt": [group, "Arn"]}]]


def test_every_function_has_its_own_role(template: Template) -> None:
    roles = [resource["Properties"]["Role"]["Fn::GetAtt"][0] for _, resource in map(template.function, Function)]
    assert len(set(roles)) == len(Function) == len(template.of_type("AWS::IAM::Role"))
    for policy in template.of_type("AWS::IAM::Policy").values():
        assert len(policy["Properties"]["Roles"]) == 1
    for role in template.of_type("AWS::IAM::Role").values():
        (statement,) = role["Properties"]["AssumeRolePolicyDocument"]["Statement"]
        assert statement == {
            "Action": "sts:AssumeRole",
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
        }


@every_function
def test_no_function_has_a_wildcard(template: Template, function: Function) -> None:
    for statement in template.statements_of(function):
        assert "NotAction" not in statement
        assert "NotResource" not in statement
        assert not [action for action in as_list(statement["Action"]) if "*" in action]
        for resource in as_list(statement["Resource"]):
            assert resource != "*"
            _, part = holding_of(resource)
            assert part.count("*") <= 1
            assert "*" not in part or part.endswith("/*")


def test_only_two_functions_can_use_the_domain_keys(template: Template, keys_template: Template) -> None:
    users = {
        (function, action)
        for function in Function
        for statement in template.statements_of(function)
        for action in as_list(statement["Action"])
        for resource in as_list(statement["Resource"])
        if holding_of(resource)[0] is Holding.DOMAIN_KEY
    }
    assert users == {
        (Function.RELEASE, "kms:Decrypt"),
        (Function.PSEUDONYMISE, "kms:Decrypt"),
        # Makes a key nobody has seen: the wrapped form only.
        (Function.REGISTRY, "kms:GenerateDataKeyWithoutPlaintext"),
        (Function.SWEEPER, "kms:GenerateDataKeyWithoutPlaintext"),
    }
    for key in keys_template.of_type("AWS::KMS::Key").values():
        (statement,) = key["Properties"]["KeyPolicy"]["Statement"]
        assert statement["Effect"] == "Allow"
        # The account, which lets IAM decide: no role, user, service or other account is named.
        root = ["arn:", {"Ref": "AWS::Partition"}, ":iam::", {"Ref": "AWS::AccountId"}, ":root"]
        assert statement["Principal"] == {"AWS": {"Fn::Join": ["", root]}}


OWN = [
    f"arn:aws:kms:eu-west-2:{account}:key/0a1b2c3d-0000-4000-8000-0123456789ab"
    for account in (1111_2222_3333, 4444_5555_6666)
]


def statements_about(keys: object, function: Function) -> list[tuple[str, list[str]]]:
    """Which actions a function's policy allows on the controllers' own keys that the context names."""
    app = App(context={"controller_key_arns": keys})
    stack = Stack(app, "Stack")
    own = controller_key_arns(stack)
    written = [statement for statement in PERMISSIONS[function] if set(statement.resources) == OWN_KEYS]
    made = [policy_statement(statement, {Holding.CONTROLLER_KEYS: own}) for statement in written]
    return [
        (as_json["Action"], as_list(as_json["Resource"]))
        for as_json in (statement.to_statement_json() for statement in made if statement is not None)
    ]


@pytest.mark.parametrize("given", [OWN, f"{OWN[0]}, {OWN[1]}"], ids=["a list", "a text"])
def test_controllers_own_keys_are_named_one_by_one(given: object) -> None:
    for function in (Function.RELEASE, Function.PSEUDONYMISE):
        assert statements_about(given, function) == [("kms:Decrypt", OWN)]
    for function in (Function.REGISTRY, Function.SWEEPER):
        assert statements_about(given, function) == [("kms:GenerateDataKeyWithoutPlaintext", OWN)]
    for function in set(Function) - {Function.RELEASE, Function.PSEUDONYMISE, Function.REGISTRY, Function.SWEEPER}:
        assert not statements_about(given, function)


def test_without_keys_of_their_own_there_is_no_statement_about_them(template: Template) -> None:
    sids = {statement["Sid"] for function in Function for statement in template.statements_of(function)}
    assert not sids & {"OpenOwnKeys", "NewOwnKeys"}
    assert not statements_about([], Function.RELEASE)


@pytest.mark.parametrize(
    "given", ["*", "arn:aws:kms:eu-west-2:111122223333:key/*", "arn:aws:kms:eu-west-2:111122223333:alias/mine", [""]]
)
def test_only_the_arn_of_one_key_is_taken(given: object) -> None:
    with pytest.raises(ValueError, match="controller_key_arns"):
        statements_about(given, Function.RELEASE)


@pytest.mark.parametrize(
    ("action", "holding", "part", "functions"),
    [
        ("kms:Decrypt", Holding.DOMAIN_KEY, "", "release pseudonymise"),
        ("kms:Decrypt", Holding.DIGEST_KEY, "", "release pseudonymise choices mesh"),
        ("kms:GenerateDataKey", Holding.OUTBOX_KEY, "", "release"),
        ("kms:Decrypt", Holding.OUTBOX_KEY, "", "mesh"),
        ("s3:PutObject", Holding.OUTBOX, "/lists/a", "release"),
        ("s3:GetObject", Holding.OUTBOX, "/lists/a", "mesh"),
        ("s3:DeleteObject", Holding.OUTBOX, "/lists/a", "mesh"),
        ("s3:DeleteObject", Holding.CHOICES, "/national-data-opt-outs/a", "mesh"),
        ("s3:DeleteObject", Holding.CHOICES, "/type-1/a", "choices"),
        ("s3:DeleteObject", Holding.CHOICES, "/links/a", "pseudonymise"),
        ("s3:GetObject", Holding.CHOICES, "/links/a", "release pseudonymise"),
        ("secretsmanager:GetSecretValue", Holding.MESH_SECRET, "", "mesh"),
        ("kms:Decrypt", Holding.TAG_KEY, "", "release audit"),
        ("kms:Decrypt", Holding.CONTENT_KEY, "", "requests decisions release"),
        ("kms:GenerateDataKey", Holding.CONTENT_KEY, "", "requests"),
        ("kms:Encrypt", Holding.CONTENT_KEY, "", "requests"),
        ("kms:Encrypt", Holding.TAG_KEY, "", "audit"),
        ("kms:Encrypt", Holding.DOMAIN_KEY, "", ""),
        ("kms:GenerateDataKey", Holding.DOMAIN_KEY, "", ""),
        ("dynamodb:GetItem", Holding.KEYS, "", "release pseudonymise audit choices mesh"),
        ("dynamodb:PutItem", Holding.KEYS, "", "registry sweeper"),
        ("dynamodb:UpdateItem", Holding.KEYS, "", "registry sweeper rebuild"),
        ("dynamodb:DeleteItem", Holding.KEYS, "", ""),
        ("kms:Decrypt", Holding.CONTROLLER_KEYS, "", "release pseudonymise"),
        ("kms:GenerateDataKey", Holding.CONTROLLER_KEYS, "", ""),
        ("kms:GenerateDataKeyWithoutPlaintext", Holding.CONTROLLER_KEYS, "", "registry sweeper"),
        ("dynamodb:DeleteItem", Holding.STEPS, "", "rebuild"),
        ("dynamodb:Scan", Holding.STEPS, "", "rebuild"),
        ("dynamodb:Scan", Holding.KEYS, "", "rebuild"),
        ("dynamodb:Query", Holding.STEPS, "/index/due", "mesh sweeper"),
        ("s3:PutObject", Holding.CONTENT, "/a", "requests decisions"),
        ("s3:DeleteObject", Holding.CONTENT, "/requests/a", "sweeper"),
        ("s3:GetObject", Holding.RESULTS, "/a", "release"),
        ("s3:GetObject", Holding.VIEW, "/tile/0/000", "audit sweeper rebuild"),
        ("s3:PutObject", Holding.VIEW, "/tile/0/000", "sweeper rebuild"),
        ("s3:DeleteObject", Holding.VIEW, "/tile/0/000", "sweeper rebuild"),
        ("s3:PutObject", Holding.CHOICES, "/consents/a", "choices"),
        ("s3:PutObject", Holding.CHOICES, "/links/a", "pseudonymise"),
        ("s3:GetObject", Holding.CHOICES, "/national-data-opt-outs/a", "release pseudonymise choices mesh"),
        ("s3:GetObjectVersion", Holding.LEDGER, "/journal/a", "audit rebuild"),
        ("s3:ListBucketVersions", Holding.LEDGER, "", "audit watch rebuild"),
        ("s3:DeleteObject", Holding.LEDGER, "/journal/a", ""),
        ("s3:PutObject", Holding.LEDGER, "/elsewhere/a", ""),
        ("kms:Decrypt", Holding.EXTRACT_KEY, "", "pseudonymise"),
        ("kms:GenerateDataKey", Holding.EXTRACT_KEY, "", "pseudonymise"),
        ("kms:GenerateDataKeyWithoutPlaintext", Holding.EXTRACT_KEY, "", ""),
        ("s3:GetObject", Holding.EXTRACTS, "/uploads/a", "pseudonymise"),
        ("s3:PutObject", Holding.EXTRACTS, "/uploads/a", "pseudonymise"),
        ("s3:GetObject", Holding.EXTRACTS, "/parts/a", "pseudonymise"),
        ("s3:DeleteObject", Holding.EXTRACTS, "/parts/a", "pseudonymise"),
        ("s3:PutObject", Holding.EXTRACTS, "/elsewhere/a", ""),
        ("sqs:SendMessage", Holding.EXTRACTS_QUEUE, "", "pseudonymise sweeper"),
        ("sqs:ReceiveMessage", Holding.EXTRACTS_QUEUE, "", "pseudonymise"),
        ("s3:GetObject", Holding.UPLOADS, "/records/a", "requests"),
        ("s3:PutObject", Holding.UPLOADS, "/records/a", "requests"),
        ("s3:PutObject", Holding.UPLOADS, "/elsewhere/a", ""),
        ("sqs:SendMessage", Holding.FILES_QUEUE, "", "requests sweeper"),
        ("sqs:ReceiveMessage", Holding.FILES_QUEUE, "", "requests"),
        ("sqs:SendMessage", Holding.CHECKS_QUEUE, "", "requests release choices mesh sweeper"),
        ("dynamodb:PutItem", Holding.COUNTERS, "", "release"),
        ("dynamodb:DeleteItem", Holding.COUNTERS, "", "release"),
        ("sqs:ReceiveMessage", Holding.CHECKS_QUEUE, "", "release"),
        ("sqs:ReceiveMessage", Holding.TELL_QUEUE, "", "notify"),
        ("sqs:SendMessage", Holding.TELL_QUEUE, "", "release"),
        ("events:PutEvents", Holding.EVENT_BUS, "", "sweeper"),
        ("ses:SendEmail", Holding.SENDER, "", "notify"),
        ("secretsmanager:GetSecretValue", Holding.NOTIFY_SECRET, "", "notify"),
        ("kms:Decrypt", Holding.CONTACT_KEY, "", "notify"),
        ("kms:Encrypt", Holding.CONTACT_KEY, "", "registry"),
        ("dynamodb:GetItem", Holding.CONTACTS, "", "notify registry"),
        ("dynamodb:PutItem", Holding.CONTACTS, "", "registry"),
        ("dynamodb:DeleteItem", Holding.CONTACTS, "", "registry"),
        ("dynamodb:UpdateItem", Holding.NOTICES, "", "notify"),
        ("dynamodb:PutItem", Holding.NOTICES, "", "sweeper"),
    ],
)
def test_the_table_is_the_design(action: str, holding: Holding, part: str, functions: str) -> None:
    assert {function.value for function in Function if allowed(function, action, holding, part)} == set(
        functions.split()
    )


def test_who_watches_the_ledger_can_only_read() -> None:
    actions = {action for statement in PERMISSIONS[Function.WATCH] for action in statement.actions}
    assert actions == {
        *("dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query"),
        *("s3:GetObject", "s3:ListBucket", "s3:ListBucketVersions"),
        *("logs:CreateLogStream", "logs:PutLogEvents"),
    }


def test_who_tells_people_can_only_read_the_ledger_and_open_addresses() -> None:
    about: dict[Holding, set[str]] = {}
    for statement in PERMISSIONS[Function.NOTIFY]:
        for resource in statement.resources:
            about.setdefault(resource.holding, set()).update(statement.actions)
    assert about[Holding.STEPS] == {"dynamodb:Query"}
    assert {holding for holding, actions in about.items() if "kms:Decrypt" in actions} == {Holding.CONTACT_KEY}
    assert not {Holding.LEDGER, Holding.CONTENT, Holding.VIEW, Holding.CHECKPOINT_KEY, Holding.KEYS} & set(about)


def test_who_rebuilds_can_open_no_key_and_make_none(template: Template) -> None:
    """And nothing calls it: no route, no schedule, no queue, no policy of its own that lets somebody in."""
    actions = {action for statement in PERMISSIONS[Function.REBUILD] for action in statement.actions}
    assert {action for action in actions if action.startswith("kms:")} == {"kms:Sign"}
    assert not allowed(Function.REBUILD, "dynamodb:PutItem", Holding.KEYS)
    logical, _ = template.function(Function.REBUILD)
    mentions = [name for name, one in template.raw["Resources"].items() if logical in json.dumps(one.get("Properties"))]
    assert all(template.raw["Resources"][name]["Type"] == "AWS::CloudWatch::Alarm" for name in mentions)


def test_a_rebuild_waits_longer_than_any_call_that_somebody_waits_for_and_any_sweep() -> None:
    workers = {Function.REBUILD, Function.REQUESTS, Function.RELEASE, Function.PSEUDONYMISE, Function.MESH}
    assert max(size.seconds for name, size in SIZES.items() if name not in workers) < LONGEST_CALL.seconds
