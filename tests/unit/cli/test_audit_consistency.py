"""`audit consistency`: a kept checkpoint or receipt, the log's proof, and what an auditor is told of them."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import Result

from keyholder.ledger.consistency import ConsistencyProof
from keyholder.ledger.receipts import Proof
from keyholder.ledger.tiles import TiledTree
from tests.unit.cli.test_audit_commands import query, run
from tests.unit.client.fake_api import FakeApi, ok, problem
from tests.unit.ledger.test_consistency import FORK, LOG, VIEW, proof


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "key").write_text(LOG.signer.vkey() + "\n")
    (tmp_path / "kept").write_bytes(LOG.notes[4])
    (tmp_path / "forked").write_bytes(FORK.notes[4])
    receipt = Proof.from_tiles(TiledTree(4, VIEW.get), 1, LOG.notes[4])
    (tmp_path / "leaf-1.tlog-proof").write_text(receipt.encode())
    return tmp_path


def ask(folder: Path, since: str, made: ConsistencyProof, *more: str) -> tuple[Result, FakeApi]:
    api = FakeApi([ok({"proof": made.encode()})])
    key = str(folder / "key")
    return run("audit", "consistency", "--since", str(folder / since), "--key", key, *more, api=api), api


@pytest.mark.parametrize("since", ["kept", "leaf-1.tlog-proof"])
def test_a_ledger_that_continues_what_was_kept(folder: Path, since: str) -> None:
    out, newer = folder / "proof", folder / "newer"
    result, api = ask(folder, since, proof(4, 317), "--out", str(out), "--checkpoint", str(newer))
    assert (result.exit_code, query(api.asked[0].path)) == (0, {"first": "4"}), result.stderr
    assert result.stdout.startswith("consistent: the ledger of 317 events")
    assert newer.read_bytes() == LOG.notes[317]
    for remembered, code in ((since, 0), ("forked", 6)):
        more = ["--since", str(folder / remembered), "--key", str(folder / "key")]
        assert run("audit", "check-consistency", str(out), *more, api=FakeApi([])).exit_code == code


def test_a_ledger_that_does_not(folder: Path) -> None:
    out = folder / "proof"
    result, _ = ask(folder, "forked", proof(4, 317), "--out", str(out))
    assert (result.exit_code, out.exists()) == (6, False)
    assert result.stderr == "broken: the later ledger does not continue the one remembered\n"


def test_a_size_that_the_ledger_never_signed_is_broken_too(folder: Path) -> None:
    api = FakeApi([problem(422, code="UNKNOWN_TREE")])
    more = ["--since", str(folder / "kept"), "--key", str(folder / "key")]
    result = run("audit", "consistency", *more, api=api)
    assert (result.exit_code, "rewritten or cut off" in result.stderr) == (6, True)


def test_what_is_not_signed_by_the_key_is_not_even_asked_about(folder: Path) -> None:
    (folder / "kept").write_bytes(LOG.notes[4].replace(b"\n4\n", b"\n5\n"))
    result, api = ask(folder, "kept", proof(4, 317))
    assert (result.exit_code, api.asked) == (2, [])
