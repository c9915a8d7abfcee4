"""The parts of the embedded target that need no engine."""

from __future__ import annotations

import ssl
import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from infra import build_layers
from infra.embedded.certificate import Certificate, make_certificate
from infra.embedded.condition_keys import lock_keys
from infra.embedded.dev_issuer import DevelopmentIssuer
from infra.embedded.engine import Engine, EngineError
from infra.embedded.personas import PERSONAS, persona
from infra.embedded.repairs import repair
from infra.routes import Scope

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("until", "days"),
    [
        (NOW + timedelta(days=10), "10"),
        (NOW + timedelta(days=10, seconds=-1), "9"),
        (NOW - timedelta(seconds=1), "-1"),
    ],
)
def test_remaining_days_are_whole_ones(until: datetime, days: str) -> None:
    headers = {"X-Amz-Object-Lock-Retain-Until-Date": until.isoformat(), "If-None-Match": "*"}
    assert lock_keys(headers, NOW) == {"s3:if-none-match": "*", "s3:object-lock-remaining-retention-days": days}


def test_an_unconditional_write_has_no_condition_keys() -> None:
    assert lock_keys({"content-type": "text/plain"}, NOW) == {}


def test_an_unreadable_date_is_no_retention() -> None:
    headers = {"x-amz-object-lock-retain-until-date": "soon", "x-amz-object-lock-mode": "COMPLIANCE"}
    assert lock_keys(headers, NOW) == {
        "s3:object-lock-mode": "COMPLIANCE",
        "s3:object-lock-remaining-retention-days": "0",
    }


@pytest.mark.parametrize("address", ["192.0.2.1", "::", "10.0.0.1"])
def test_the_issuer_serves_loopback_only(address: str, tmp_path: Path) -> None:
    nowhere = Certificate(tmp_path, tmp_path, tmp_path)
    with pytest.raises(ValueError, match="loopback"):
        DevelopmentIssuer(nowhere, "keyholder-api", address=address)


def test_the_certificates_key_is_the_owners_alone(tmp_path: Path) -> None:
    made = make_certificate(tmp_path / "tls")
    assert made.key.stat().st_mode & 0o077 == 0
    assert "PRIVATE" not in made.bundle.read_text() + made.chain.read_text()
    assert len(ssl.create_default_context(cafile=str(made.bundle)).get_ca_certs()) == 1


class _NoEngine:
    def client(self, service: str) -> Any:
        raise AssertionError(service)


def _bucket(properties: Mapping[str, object]) -> dict[str, object]:
    return {"Resources": {"B": {"Type": "AWS::S3::Bucket", "Properties": properties}}}


def test_a_property_nobody_handles_is_an_error() -> None:
    engine = cast("Engine", _NoEngine())
    with pytest.raises(EngineError, match=r"B\.ReplicationConfiguration"):
        repair(engine, _bucket({"ReplicationConfiguration": {}}), {"B": "bucket"}, {}, {})


def test_a_property_that_does_not_read_back_is_an_error() -> None:
    class Forgetful:
        def put_bucket_encryption(self, **_: object) -> None: ...

        def get_bucket_encryption(self, **_: object) -> dict[str, object]:
            return {"ServerSideEncryptionConfiguration": {"Rules": []}}

    class WithForgetful:
        def client(self, service: str) -> Forgetful:
            assert service == "s3"
            return Forgetful()

    wanted = {"ServerSideEncryptionConfiguration": [{"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]}
    with pytest.raises(EngineError, match="AES256"):
        repair(cast("Engine", WithForgetful()), _bucket({"BucketEncryption": wanted}), {"B": "bucket"}, {}, {})


def test_personas_are_different_people() -> None:
    assert len({who.subject for who in PERSONAS}) == len({who.key for who in PERSONAS}) == len(PERSONAS)
    assert persona("controller").organisation != persona("second-controller").organisation
    assert {scope for who in PERSONAS for scope in who.scopes} == set(Scope)


def test_layers_are_shipped_with_byte_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tmp_path / "source"
    (source / "package").mkdir(parents=True)
    (source / "package" / "__init__.py").write_text("VALUE = 1\n")
    monkeypatch.setattr(build_layers, "LAYER", source)
    first, second = (tmp_path / name for name in ("first", "second"))
    for folder in (first, second):
        build_layers._keyholder(folder, sys.executable)
    (compiled,) = first.rglob("*.pyc")
    assert compiled.parent == first / "python" / "package" / "__pycache__"
    # PEP 552: hash-based (1), not checked against the source (2): no time stamp that an archive would change.
    assert int.from_bytes(compiled.read_bytes()[4:8], "little") == 0b01
    assert compiled.read_bytes() == (second / compiled.relative_to(first)).read_bytes()
