"""How the witness is put together: it runs in another account and shares nothing with the service but code."""

from __future__ import annotations

import base64
import os
from datetime import timedelta
from functools import cache, cached_property
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

from keyholder.adapters.checkpoint_key import KmsCheckpointKey
from keyholder.adapters.clock import SystemClock
from keyholder.adapters.ledger_objects import BucketObjects
from keyholder.adapters.storage_faults import storage_faults
from keyholder.adapters.time_stamps import HttpTimeStampAuthority
from keyholder.adapters.worm import S3Worm
from keyholder.edge.settings import WitnessSettings
from keyholder.ledger.cosignature import Cosigner, cosigner_vkey, parse_cosigner
from keyholder.ledger.note import parse_vkey
from keyholder.witness.witnessing import Witness

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient
    from mypy_boto3_s3.literals import ObjectLockModeType

    from keyholder.timestamps.daily import DailyStamp

_PATIENT = Config(retries={"total_max_attempts": 3, "mode": "standard"}, connect_timeout=2, read_timeout=10)
"""A PUT that botocore repeats may find its own success; the witness then compares bytes, so it does not mind."""


class WitnessAssembly:
    """The witness's parts. Raises `ValueError` for a lock mode that S3 does not have."""

    def __init__(self, settings: WitnessSettings) -> None:
        if settings.witness_lock_mode not in ("COMPLIANCE", "GOVERNANCE"):
            raise ValueError("a lock mode is COMPLIANCE or GOVERNANCE")
        self._mode: ObjectLockModeType = "COMPLIANCE" if settings.witness_lock_mode == "COMPLIANCE" else "GOVERNANCE"
        self.settings = settings
        self.clock = SystemClock()

    @cached_property
    def witness(self) -> Witness:
        s3 = boto3.client("s3", config=_PATIENT)
        return Witness(
            log=(parse_vkey(self.settings.ledger_vkey),),
            ledger=BucketObjects(s3, self.settings.ledger_bucket),
            own=self.own,
            cosigner=self.cosigner,
            signer=KmsCheckpointKey(self._kms, self.settings.witness_key_arn),
            clock=self.clock,
        )

    @cached_property
    def daily_stamp(self) -> DailyStamp | None:
        """None where the deployment names no authority. Raises `StampError` or `ValueError` for one that can't be."""
        if not self.settings.tsa_url:
            return None
        from keyholder.timestamps.daily import DailyStamp
        from keyholder.timestamps.stamps import Trust

        trust = Trust.read(base64.b64decode(self.settings.tsa_root))
        return DailyStamp(HttpTimeStampAuthority(self.settings.tsa_url), trust, self.own, self.clock)

    @cached_property
    def own(self) -> S3Worm:
        retention = timedelta(days=int(self.settings.witness_retention_days))
        s3 = boto3.client("s3", config=_PATIENT)
        return S3Worm(s3, self.settings.witness_bucket, retention, self.clock, mode=self._mode)

    @cached_property
    def cosigner(self) -> Cosigner:
        """The witness's own public key; whoever relies on it pins it (`docs/ledger.md`)."""
        with storage_faults():
            answer = self._kms.get_public_key(KeyId=self.settings.witness_key_arn)
        return parse_cosigner(cosigner_vkey(self.settings.witness_name, answer["PublicKey"]))

    @cached_property
    def _kms(self) -> KMSClient:
        return boto3.client("kms", config=_PATIENT)


@cache
def witness_assembly() -> WitnessAssembly:
    """The running function's parts. Raises `SettingMissingError` where the environment is not complete."""
    return WitnessAssembly(WitnessSettings.of(os.environ))
