"""Findings of the rule check (cdk-nag) that are accepted, each where it arises and with its reason."""

from __future__ import annotations

from aws_cdk import Acknowledgment, Validations
from constructs import IConstruct


def accept(construct: IConstruct, rule: str, reason: str) -> None:
    """Accept one rule's finding on one construct. The reason is kept in the template's metadata."""
    Validations.of(construct).acknowledge(Acknowledgment(id=rule, reason=reason))
