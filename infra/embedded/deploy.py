"""Deploy the synthesised templates, unmodified, to the engine."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from infra.embedded.engine import ACCOUNT, REGION, Engine, EngineError
from infra.embedded.repairs import repair
from infra.embedded.synthesise import KEYS_STACK, STACK, WITNESS_STACK, assets_of, body_of
from infra.routes import Function
from keyholder.ledger.note import vkey

ASSETS_BUCKET = f"cdk-hnb659fds-assets-{ACCOUNT}-{REGION}"
BOOTSTRAP_VERSION = ("/cdk-bootstrap/hnb659fds/version", "28")
LEDGER_ORIGIN = "keyholder.localhost/ledger"
MAIL_DOMAIN = "keyholder.localhost"
"""Notices come from here; the engine keeps them instead of sending them."""


@dataclass(frozen=True, slots=True)
class Deployed:
    """What is there now.

    `names` gives each logical id of the main template its physical one, `functions` each function its name and
    `environment` what all functions are told; `repaired` lists the properties the engine had left out.
    """

    api_id: str
    names: Mapping[str, str]
    functions: Mapping[Function, str]
    environment: Mapping[str, str]
    repaired: tuple[str, ...]


def deploy(engine: Engine, assembly: Path, *, issuer: str, audience: str, operator: str) -> Deployed:
    """Both stacks, with the checkpoint key's public half pinned. Raises `EngineError` when either does not complete."""
    _bootstrap(engine)
    for stack in (KEYS_STACK, STACK):
        _upload(engine, assembly, stack)
    keys = _create(engine, assembly, KEYS_STACK, {})
    public_key = engine.client("kms").get_public_key(KeyId=keys["CheckpointKeyArn"])["PublicKey"]
    parameters = {
        "TokenIssuer": issuer,
        "TokenAudience": audience,
        "LedgerOrigin": LEDGER_ORIGIN,
        "LedgerVkey": vkey(LEDGER_ORIGIN, public_key),
        "BootstrapOperator": operator,
        "NoticeChannel": "ses",
        "NoticeSender": f"notices@{MAIL_DOMAIN}",
        "NoticeIdentity": MAIL_DOMAIN,
    }
    engine.client("sesv2").create_email_identity(EmailIdentity=MAIL_DOMAIN)
    outputs = _create(engine, assembly, STACK, parameters)
    template = json.loads((assembly / f"{STACK}.template.json").read_text())
    names = _names(engine, STACK)
    repaired = repair(engine, template, names, _defaults(template) | parameters, _exports(assembly, KEYS_STACK, keys))
    functions, environment = _functions(engine, template, names)
    return Deployed(outputs["ApiId"], names, functions, environment, tuple(repaired))


def deploy_witness(engine: Engine, assembly: Path, parameters: Mapping[str, str]) -> dict[str, str]:
    """The witness's stack, in the same account, for the engine has one. Returns its outputs and `WitnessFunction`."""
    _upload(engine, assembly, WITNESS_STACK)
    outputs = _create(engine, assembly, WITNESS_STACK, parameters)
    template = json.loads((assembly / f"{WITNESS_STACK}.template.json").read_text())
    names = _names(engine, WITNESS_STACK)
    repair(engine, template, names, _defaults(template) | parameters, {})
    (function,) = [name for name, one in template["Resources"].items() if one["Type"] == "AWS::Lambda::Function"]
    return outputs | {"WitnessFunction": names[function]}


def _bootstrap(engine: Engine) -> None:
    """What `cdk bootstrap` leaves in an account, as far as the templates look at it."""
    engine.client("s3").create_bucket(Bucket=ASSETS_BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    name, version = BOOTSTRAP_VERSION
    engine.client("ssm").put_parameter(Name=name, Value=version, Type="String")


def _upload(engine: Engine, assembly: Path, stack: str) -> None:
    scratch = engine.work / "assets"
    scratch.mkdir(exist_ok=True)
    s3 = engine.client("s3")
    for asset in assets_of(assembly, stack):
        with body_of(asset, scratch).open("rb") as body:
            s3.put_object(Bucket=ASSETS_BUCKET, Key=asset.key, Body=body)


def _create(engine: Engine, assembly: Path, stack: str, parameters: Mapping[str, str]) -> dict[str, str]:
    """Create a stack from its uploaded template and return its outputs."""
    template = next(asset for asset in assets_of(assembly, stack) if asset.source.name == f"{stack}.template.json")
    cloudformation = engine.client("cloudformation")
    cloudformation.create_stack(
        StackName=stack,
        TemplateURL=f"{engine.url}/{ASSETS_BUCKET}/{template.key}",
        Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()],
        Capabilities=["CAPABILITY_IAM"],
    )
    waiter = cloudformation.get_waiter("stack_create_complete")
    waiter.config.delay = 0.1
    waiter.config.max_attempts = 300
    waiter.wait(StackName=stack)
    outputs = cloudformation.describe_stacks(StackName=stack)["Stacks"][0].get("Outputs", [])
    return {output["OutputKey"]: output["OutputValue"] for output in outputs}


def _defaults(template: Mapping[str, Mapping[str, Mapping[str, object]]]) -> dict[str, str]:
    return {name: str(spec["Default"]) for name, spec in template["Parameters"].items() if "Default" in spec}


def _exports(assembly: Path, stack: str, outputs: Mapping[str, str]) -> dict[str, str]:
    """What a stack exports, by the name it is imported by."""
    template = json.loads((assembly / f"{stack}.template.json").read_text())
    return {
        output["Export"]["Name"]: outputs[name]
        for name, output in template["Outputs"].items()
        if "Export" in output and name in outputs
    }


def _names(engine: Engine, stack: str) -> dict[str, str]:
    pages = engine.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=stack)
    return {
        summary["LogicalResourceId"]: summary["PhysicalResourceId"]
        for page in pages
        for summary in page["StackResourceSummaries"]
    }


def _functions(
    engine: Engine, template: Mapping[str, Mapping[str, Mapping[str, object]]], names: Mapping[str, str]
) -> tuple[dict[Function, str], dict[str, str]]:
    """Function names, and the part of their environment that is the same for all."""
    lambda_ = engine.client("lambda")
    found: dict[Function, str] = {}
    shared: dict[str, str] = {}
    for logical, resource in template["Resources"].items():
        if resource["Type"] != "AWS::Lambda::Function":
            continue
        variables = lambda_.get_function_configuration(FunctionName=names[logical])["Environment"]["Variables"]
        function = Function(variables.pop("POWERTOOLS_SERVICE_NAME"))
        found[function] = names[logical]
        if shared and variables != shared:
            raise EngineError(f"functions/{function} is told something else than the others")
        shared = variables
    return found, shared
