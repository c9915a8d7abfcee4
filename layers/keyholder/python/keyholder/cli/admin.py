"""`keyholder admin`: what an operator does."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TextIO

import click

from keyholder.canonical import JsonObject, JsonValue
from keyholder.cli import admin_rules
from keyholder.cli.admin_contact import contact
from keyholder.cli.admin_keys import keys
from keyholder.cli.admin_opt_outs import opt_outs
from keyholder.cli.admin_policy import policy_settings
from keyholder.cli.admin_rebuild import rebuild
from keyholder.cli.admin_texts import texts
from keyholder.cli.options import FACTORS, FILE_IN, SOURCE, factor_count, json_object, moment
from keyholder.cli.session import Session
from keyholder.client.type_1 import Type1File
from keyholder.pseudonyms.token import Scheme
from keyholder.registry.people import Capacity
from keyholder.vocabulary import IdentifierType, Role


@click.group()
def admin() -> None:
    """Register people, projects and domains; change keys and the policy's settings; load opt-outs and consents."""


admin.add_command(keys)
admin.add_command(contact)
admin.add_command(rebuild)
admin.add_command(opt_outs)
admin.add_command(policy_settings)
admin.add_command(texts)


@admin.group()
def person() -> None:
    """People, as the token issuer knows them."""


@person.command(name="add")
@click.option("--subject", required=True, help="The `sub` of their tokens.")
@click.option("--role", "roles", required=True, multiple=True, metavar="ROLE:ORG", help="For example auditor:X26.")
@click.option(
    "--capacity",
    "capacities",
    multiple=True,
    type=click.Choice([each.value for each in Capacity]),
    help="In which a researcher may ask.",
)
@click.option("--machine", is_flag=True, help="A program, not a person.")
@click.option("--accredited-until", help="The last day of a researcher's accreditation (ISO date).")
@click.pass_obj
def add_person(
    session: Session,
    *,
    subject: str,
    roles: tuple[str, ...],
    capacities: tuple[str, ...],
    machine: bool,
    accredited_until: str | None,
) -> None:
    """Register a person with a role for each organisation they act for.

    Roles that decide on requests count once a second person has confirmed them.
    """
    body: dict[str, JsonValue] = {
        "subject": subject,
        "roles": [_membership(role) for role in roles],
        "kind": "machine" if machine else "human",
    }
    if capacities:
        body["capacities"] = list(capacities)
    if accredited_until is not None:
        body["accredited_until"] = accredited_until
    session.show({"person_id": session.keyholder().add_person(body)})


@person.command(name="confirm")
@click.argument("person_id")
@click.option("--role", "roles", required=True, multiple=True, metavar="ROLE:ORG", help="For example controller:X26.")
@click.pass_obj
def confirm_roles(session: Session, person_id: str, roles: tuple[str, ...]) -> None:
    """Confirm roles that another operator gave: they count from then on. Whoever decides for ORG may do that too."""
    session.show(session.keyholder().confirm_roles(person_id, [_role(text) for text in roles]))


@person.command(name="show")
@click.argument("person_id")
@click.pass_obj
def show_person(session: Session, person_id: str) -> None:
    """What is registered of a person, and which of their roles wait to be confirmed."""
    session.show(session.keyholder().person(person_id))


def _membership(text: str) -> JsonObject:
    role, organisation = _role(text)
    return {"role": role, "organisation": organisation}


def _role(text: str) -> tuple[str, str]:
    role, _, organisation = text.partition(":")
    if role not in list(Role) or not organisation:
        raise click.UsageError(f"--role takes ROLE:ORG, ROLE one of {', '.join(Role)}.")
    return role, organisation


@admin.group()
def project() -> None:
    """Projects: their people, their evidence, what they may ask from."""


@project.command(name="add")
@click.argument("file", type=FILE_IN)
@click.pass_obj
def add_project(session: Session, file: Path) -> None:
    """Register the project that FILE (JSON, as the API describes it) holds."""
    session.show({"project_id": session.keyholder().add_project(json_object(file))})


@admin.group()
def domain() -> None:
    """Domains: pseudonym spaces with their own keys, controllers and rules."""


for command in (admin_rules.propose, admin_rules.confirm, admin_rules.withdraw, admin_rules.show):
    domain.add_command(command)


@domain.command(name="add")
@click.argument("domain_id")
@click.option("--controller", "controllers", required=True, multiple=True, help="An organisation's ODS code.")
@click.option("--dataset", required=True, type=click.Choice(["gp", "hospital", "social_care"]))
@click.option(
    "--type",
    "types",
    multiple=True,
    type=click.Choice([kind.value for kind in IdentifierType]),
    help="Identifier types; all of them if none is named.",
)
@click.option(
    "--quorum", default=2, show_default=True, type=click.IntRange(2, 20), help="Controllers who must approve."
)
@FACTORS
@click.option("--kms-key", help="The ARN of the controller's own KMS key, where it brings one.")
@click.option(
    "--scheme",
    "schemes",
    multiple=True,
    metavar="TYPE=SCHEME",
    help="For example nhs_number=ff1: ten digits, not authenticated. It can't be changed later.",
)
@click.option("--collection-began-on", help="The collection's first day (ISO date): who had died before is refused.")
@click.pass_obj
def add_domain(
    session: Session,
    *,
    domain_id: str,
    controllers: tuple[str, ...],
    dataset: str,
    types: tuple[str, ...],
    quorum: int,
    factors: tuple[str, ...],
    kms_key: str | None,
    schemes: tuple[str, ...],
    collection_began_on: str | None,
) -> None:
    """Register a domain and make its keys."""
    body: dict[str, JsonValue] = {
        "domain_id": domain_id,
        "controllers": list(controllers),
        "identifier_types": list(types or [kind.value for kind in IdentifierType]),
        "quorum": quorum,
        "source_dataset": dataset,
    }
    if factors:
        body["factors"] = dict(map(factor_count, factors))
    if kms_key is not None:
        body["kms_key_arn"] = kms_key
    if schemes:
        body["schemes"] = dict(map(_scheme, schemes))
    if collection_began_on is not None:
        body["collection_began_on"] = collection_began_on
    made = session.keyholder().add_domain(body)
    warnings = made.get("warnings")
    for kind, warning in warnings.items() if isinstance(warnings, Mapping) else ():
        session.say(
            f"Warning: {kind} pseudonyms are {str(warning).replace('_', ' ')}; docs/pseudonyms.md says what that means."
        )
    session.show(made)


def _scheme(text: str) -> tuple[str, JsonValue]:
    kind, _, scheme = text.partition("=")
    if kind not in list(IdentifierType) or scheme not in list(Scheme):
        raise click.UsageError(f"--scheme takes TYPE=SCHEME, SCHEME one of {', '.join(Scheme)}.")
    return kind, scheme


@admin.group(name="type-1")
def type_1() -> None:
    """Type 1 opt-outs."""


@type_1.command(name="add")
@click.argument("file", type=FILE_IN)
@click.option("--as-at", help="When the records were read (RFC 3339); now if left out.")
@SOURCE
@click.pass_obj
def add_type_1(session: Session, file: Path, as_at: str | None, source: str) -> None:
    """Load Type 1 events from FILE: everybody whose record was read, and the events found."""
    text = file.read_bytes()
    Type1File.parse(text)
    session.show(session.keyholder().load_type_1({"rows": text.decode(), "as_at": moment(as_at), "source": source}))


@admin.group()
def consents() -> None:
    """Consents of people to one project."""


@consents.command(name="add")
@click.argument("files", nargs=-1, required=True, type=FILE_IN)
@SOURCE
@click.pass_obj
def add_consents(session: Session, files: tuple[Path, ...], source: str) -> None:
    """Load FHIR R4 Consents from FILES of one resource a line (NDJSON)."""
    resources = "".join(file.read_text(encoding="utf-8").rstrip("\n") + "\n" for file in files)
    session.show(session.keyholder().load_consents({"resources": resources, "source": source}))


@consents.command(name="list")
@click.argument("project")
@click.pass_obj
def list_consents(session: Session, project: str) -> None:
    """The consents held for PROJECT as they stand today, without whose they are."""
    session.show(session.keyholder().consents(project))


@consents.command(name="withdraw")
@click.argument("project")
@click.option(
    "--nhs-number-file", required=True, type=click.File("r"), help="A file that holds the NHS number; - reads stdin."
)
@click.option("--on", "withdrawn_on", required=True, help="The day of the withdrawal (ISO).")
@SOURCE
@click.pass_obj
def withdraw_consent(session: Session, project: str, nhs_number_file: TextIO, withdrawn_on: str, source: str) -> None:
    """Withdraw one person's consent for PROJECT. It acts on the next release and brings nothing back.

    The number never stands on a command line.
    """
    body: JsonObject = {
        "nhs_number": nhs_number_file.read().strip(),
        "project": project,
        "withdrawn_on": withdrawn_on,
        "source": source,
    }
    session.show(session.keyholder().withdraw_consent(body))
