"""What a function is told by its environment: one frozen contract, checked when the function starts."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache


class SettingMissingError(Exception):
    """A variable of the contract is not set: the function refuses to start."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Names of what the function uses. `infra/functions.py` sets every one; nothing here is secret."""

    steps_table: str
    keys_table: str
    counters_table: str
    ledger_bucket: str
    content_bucket: str
    choices_bucket: str
    results_bucket: str
    extracts_bucket: str
    uploads_bucket: str
    """Where files of records wait to be read."""
    view_bucket: str
    domain_key_arn: str
    digest_key_arn: str
    tag_key_arn: str
    content_key_arn: str
    checkpoint_key_arn: str
    ledger_origin: str
    ledger_vkey: str
    ledger_retention_days: str
    token_issuer: str
    token_audience: str
    checks_queue_url: str
    extracts_queue_url: str
    files_queue_url: str
    bootstrap_operator: str
    release_assurance: str
    """How strongly somebody must have signed in before identifiers are handed out: `AAL2` or `AAL3`."""
    controller_key_arns: str
    """The controllers' own KMS keys that domains may bring, separated by spaces."""
    outbox_bucket: str
    outbox_key_arn: str
    mesh_url: str
    mesh_mailbox: str
    """Empty where MESH is not connected: opt-out answers are then loaded by an operator."""
    mesh_recipient: str
    mesh_senders: str
    """The mailboxes whose answers count, separated by spaces; empty for the recipient alone."""
    mesh_workflow: str
    mesh_secret_arn: str
    event_bus: str
    tell_queue_url: str
    notices_table: str
    contacts_table: str
    contact_key_arn: str
    notice_channel: str
    """How people are told: `ses`, `govuk-notify`, or `none`."""
    notice_sender: str
    """The address that notices by SES come from."""
    notify_secret_arn: str
    console_url: str
    """What goes before `/requests/<id>` in the address of a request's page; empty where there are no pages."""

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Settings:
        """Raises `SettingMissingError` naming the first variable that is absent."""
        return cls(**_values(cls, environment))


@dataclass(frozen=True, slots=True)
class WitnessSettings:
    """What the witness, in its own account, is told. `infra/witness.py` sets every one; nothing here is secret."""

    ledger_bucket: str
    ledger_vkey: str
    witness_bucket: str
    witness_name: str
    witness_key_arn: str
    witness_retention_days: str
    witness_lock_mode: str
    tsa_url: str
    """Empty where checkpoints are not time-stamped."""
    tsa_root: str
    """The authority's root certificate: DER in base64, as the lines of a PEM file make it when joined."""

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> WitnessSettings:
        """Raises `SettingMissingError` naming the first variable that is absent."""
        return cls(**_values(cls, environment))


def _values(contract: type[Settings | WitnessSettings], environment: Mapping[str, str]) -> dict[str, str]:
    values = {}
    for field in fields(contract):
        name = field.name.upper()
        if name not in environment:
            raise SettingMissingError(name)
        values[field.name] = environment[name]
    return values


@cache
def settings() -> Settings:
    """The running function's settings."""
    return Settings.of(os.environ)
