"""Registers of people's choices and row links in S3: each object is written once and only ever read whole.

`national-data-opt-outs/<id>`, `type-1/<id>`, `consents/<id>` and `links/<domain>/<job id>` in the choices bucket; row
links that were joined are `links/<domain>/<hash>.joined`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from keyholder.policy.choices import Choices, ChoicesUnavailableError, Stored
from keyholder.policy.days import london_day
from keyholder.policy.register_form import RegisterKind
from keyholder.policy.registers import ConsentRegister, OptOutRegister, Register, Type1Register
from keyholder.policy.settings import DIRECT_CAP_DAYS
from keyholder.pseudonyms.link_joining import Join, joined_name, to_join
from keyholder.vocabulary import DomainId

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

NEWEST_OPT_OUTS = 100
"""How many answers of the opt-out service are read. Somebody only an older one knows has no check and is held."""

MOST_REGISTERS = 200
"""How many registers of Type 1 events, and of consents, may stand side by side. None may be left out, since an older
one can hold the opt-out or the withdrawal; with more, nothing is read. Each load joins them before it comes so far
(`policy.joining`)."""

_NAME = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,127}")
_TAKEN = "PreconditionFailed"
_TRIES = 3

R = TypeVar("R")


class S3ChoiceStore:
    """A `ChoiceStore` in one bucket."""

    def __init__(self, s3: S3Client, bucket: str) -> None:
        self._s3 = s3
        self._bucket = bucket

    def keep(self, register_id: str, register: Register) -> Stored:
        """Writes a register once. Raises `ChoicesUnavailableError`, `ValueError` for an id out of form."""
        return self._put(f"{_kind_of(register)}/{_checked(register_id)}", register.to_bytes())

    def listed(self, kind: RegisterKind, limit: int) -> Sequence[str]:
        """The newest ids of a kind, newest first. Raises `ChoicesUnavailableError`."""
        prefix = f"{kind}/"
        return [key.removeprefix(prefix) for key in self._keys(prefix)[:limit]]

    def opt_out_register(self, register_id: str) -> OptOutRegister | None:
        """One answer of the opt-out service, whatever its age; None where there is none. Raises as `load`."""
        key = f"{RegisterKind.OPT_OUTS}/{_checked(register_id)}"
        stored = self._found(key)
        return None if stored is None else OptOutRegister.parse(stored)

    def type_1_register(self, register_id: str) -> Type1Register:
        """One register of Type 1 events. Raises as `load`."""
        return Type1Register.parse(self._get(f"{RegisterKind.TYPE1}/{_checked(register_id)}"))

    def consent_register(self, register_id: str) -> ConsentRegister:
        """One register of consents. Raises as `load`."""
        return ConsentRegister.parse(self._get(f"{RegisterKind.CONSENTS}/{_checked(register_id)}"))

    def remove_opt_outs(self, register_id: str) -> None:
        """Deletes one answer of the opt-out service, if it is there. Raises `ChoicesUnavailableError`."""
        self.remove(RegisterKind.OPT_OUTS, register_id)

    def remove(self, kind: RegisterKind, register_id: str) -> None:
        """Deletes one register, if it is there. The bucket keeps no versions. Raises `ChoicesUnavailableError`."""
        self._delete(f"{kind}/{_checked(register_id)}")

    def load(self, now: datetime) -> Choices:
        """The newest answers of the opt-out service, and all Type 1 events and consents.

        Opt-out answers past the cap of 20 days are left out, so that an old one can't be used however the deployment
        is set. Raises `ChoicesUnavailableError`, `RegisterDamagedError`.
        """
        today = london_day(now)
        opt_outs = self._read(self._keys(f"{RegisterKind.OPT_OUTS}/")[:NEWEST_OPT_OUTS], OptOutRegister.parse)
        return Choices(
            opt_outs=tuple(
                register for register in opt_outs if (today - register.header.performed_on).days <= DIRECT_CAP_DAYS
            ),
            type1=self._read(self._all(RegisterKind.TYPE1), Type1Register.parse),
            consents=self._read(self._all(RegisterKind.CONSENTS), ConsentRegister.parse),
        )

    def type_1(self) -> Choices:
        """The Type 1 registers alone: what collection asks. Raises as `load`."""
        return Choices(type1=self._read(self._all(RegisterKind.TYPE1), Type1Register.parse))

    def keep_links(self, domain: DomainId, job_id: str, links: bytes) -> Stored:
        """Writes the row links of one job once, after it has joined those before it where they are many.

        Raises `ChoicesUnavailableError`, `ValueError`.
        """
        prefix = f"links/{_checked(domain)}/"
        key = f"{prefix}{_checked(job_id)}"
        self._join_links(prefix)
        return self._put(key, links)

    def links(self, domain: DomainId) -> Sequence[bytes]:
        """The row links of every job of a domain. Raises `ChoicesUnavailableError`, `ValueError`."""
        prefix = f"links/{_checked(domain)}/"
        for _ in range(_TRIES):
            found = [self._found(key) for key in self._keys(prefix)]
            held = [one for one in found if one is not None]
            # One that is gone was joined, and stands in another that may not have been listed: all are read anew.
            if len(held) == len(found):
                return held
        raise ChoicesUnavailableError("the row links were joined while they were read")

    def _join_links(self, prefix: str) -> None:
        """The joined object is stored before its parts are deleted: both say the same as either."""
        join, parts = Join(), []
        for key in to_join(self._sizes(prefix)):
            stored = self._found(key)
            if stored is None:
                continue
            if not join.takes(stored):
                break
            parts.append(key)
        joined = join.to_bytes()
        whole = f"{prefix}{joined_name(joined)}"
        if len(parts) < 2 or self._put(whole, joined) is not Stored.STORED:
            return
        for key in parts:
            # Where one part said all that the others did, it is the joined object.
            if key != whole:
                self._delete(key)

    def _all(self, kind: RegisterKind) -> list[str]:
        keys = self._keys(f"{kind}/")
        if len(keys) > MOST_REGISTERS:
            raise ChoicesUnavailableError("there are more registers than are read at once")
        return keys

    def _read(self, keys: Sequence[str], parse: Callable[[bytes], R]) -> tuple[R, ...]:
        return tuple(parse(self._get(key)) for key in keys)

    def _put(self, key: str, body: bytes) -> Stored:
        try:
            self._s3.put_object(Bucket=self._bucket, Key=key, Body=body, IfNoneMatch="*", ChecksumAlgorithm="SHA256")
        except ClientError as fault:
            if fault.response["Error"]["Code"] != _TAKEN:
                raise ChoicesUnavailableError("the choices could not be stored") from fault
            # A retry whose first try did arrive meets its own object here.
            return Stored.STORED if self._get(key) == body else Stored.EXISTS
        except BotoCoreError as fault:
            raise ChoicesUnavailableError("the choices could not be stored") from fault
        return Stored.STORED

    def _get(self, key: str) -> bytes:
        try:
            return self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        except (ClientError, BotoCoreError) as fault:
            raise ChoicesUnavailableError("the choices could not be read") from fault

    def _found(self, key: str) -> bytes | None:
        try:
            return self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        except self._s3.exceptions.NoSuchKey:
            return None
        except (ClientError, BotoCoreError) as fault:
            raise ChoicesUnavailableError("the choices could not be read") from fault

    def _delete(self, key: str) -> None:
        try:
            self._s3.delete_object(Bucket=self._bucket, Key=key)
        except (ClientError, BotoCoreError) as fault:
            raise ChoicesUnavailableError("the choices could not be deleted") from fault

    def _keys(self, prefix: str) -> list[str]:
        """All keys under a prefix, newest (the last in order) first. S3 lists in order of UTF-8 bytes."""
        return list(self._sizes(prefix))[::-1]

    def _sizes(self, prefix: str) -> Mapping[str, int]:
        """All keys under a prefix in order, each with its object's bytes."""
        try:
            pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix)
            return {item["Key"]: item["Size"] for page in pages for item in page.get("Contents", ())}
        except (ClientError, BotoCoreError) as fault:
            raise ChoicesUnavailableError("the choices could not be listed") from fault


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError("an id is letters, digits, points, lines and underscores")
    return name


def _kind_of(register: Register) -> RegisterKind:
    if isinstance(register, OptOutRegister):
        return RegisterKind.OPT_OUTS
    return RegisterKind.TYPE1 if isinstance(register, Type1Register) else RegisterKind.CONSENTS
