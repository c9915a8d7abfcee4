"""The KMS keys: one a purpose, each kept when the stack goes."""

from __future__ import annotations

import re

from aws_cdk import CfnOutput, RemovalPolicy, Stack
from aws_cdk import aws_kms as kms
from constructs import Construct

CHECKPOINT_KEY_SPECS = {
    "ECC_NIST_EDWARDS25519": kms.KeySpec.ECC_NIST_EDWARDS25519,
    "ECC_NIST_P256": kms.KeySpec.ECC_NIST_P256,
}
"""What a checkpoint can be signed with: Ed25519, or P-256 where a region has no Ed25519."""

KMS_KEY_ARN = re.compile(r"arn:aws(-[a-z]+)*:kms:[a-z0-9-]+:[0-9]{12}:key/(mrk-[0-9a-f]{32}|[0-9a-f-]{36})")


def controller_key_arns(scope: Construct) -> tuple[str, ...]:
    """The controllers' own KMS keys that domains may bring: the context value `controller_key_arns`, none by default.

    A list, or one text with commas between. Raises `ValueError` for anything but the ARN of one key: an alias could be
    pointed elsewhere, and a star would let domains use any key.
    """
    given = scope.node.try_get_context("controller_key_arns") or []
    arns = tuple(dict.fromkeys(arn.strip() for arn in (given.split(",") if isinstance(given, str) else given)))
    if not all(KMS_KEY_ARN.fullmatch(arn) for arn in arns):
        raise ValueError("controller_key_arns holds ARNs of KMS keys, arn:aws:kms:<region>:<account>:key/<id>")
    return arns


class KeysStack(Stack):
    """The keys, in a stack of their own so that nothing done to the rest can lose one.

    Each key's policy names the account and nobody else: IAM (`permissions.py`) decides within it.
    """

    def __init__(self, scope: Construct, name: str) -> None:
        super().__init__(scope, name, description="Keyholder: the keys. Deleting one destroys what it protects.")
        self.domain = self._symmetric("Domain", "domain", "Wraps the keys that turn pseudonyms into identifiers.")
        self.digest = self._symmetric(
            "Digest", "digest", "Wraps the keys of the digests that choices are looked up by."
        )
        self.tag = self._symmetric("Tag", "tag", "Wraps the keys of the tags that tell auditors who was re-identified.")
        self.content = self._symmetric("Content", "content", "Wraps the keys of what is asked for, request by request.")
        self.extract = self._symmetric(
            "Extract", "extract", "Encrypts extracts that providers upload, while they are made."
        )
        self.outbox = self._symmetric(
            "Outbox", "outbox", "Wraps the keys of lists of NHS numbers on their way to the opt-out service."
        )
        self.contact = self._symmetric("Contact", "contact", "Seals where people are told.")
        self.checkpoint = self._checkpoint()

    def _symmetric(self, name: str, alias: str, description: str) -> kms.Key:
        return kms.Key(
            self,
            f"{name}Key",
            alias=f"alias/keyholder/{alias}",
            description=description,
            enable_key_rotation=True,
            removal_policy=RemovalPolicy.RETAIN,
        )

    def _checkpoint(self) -> kms.Key:
        spec = self.node.try_get_context("checkpoint_key_spec") or "ECC_NIST_EDWARDS25519"
        if spec not in CHECKPOINT_KEY_SPECS:
            raise ValueError(f"checkpoint_key_spec is one of {', '.join(CHECKPOINT_KEY_SPECS)}")
        key = kms.Key(
            self,
            "CheckpointKey",
            alias="alias/keyholder/checkpoint",
            description="Signs the ledger's checkpoints.",
            key_spec=CHECKPOINT_KEY_SPECS[spec],
            key_usage=kms.KeyUsage.SIGN_VERIFY,
            removal_policy=RemovalPolicy.RETAIN,
        )
        CfnOutput(
            self,
            "CheckpointKeyArn",
            value=key.key_arn,
            description="Its public key is pinned as the parameter LedgerVkey of the other stack.",
        )
        return key
