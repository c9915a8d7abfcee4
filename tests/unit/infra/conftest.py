"""The synthesised templates, once for all tests of a run."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from infra.routes import ROOT
from tests.unit.infra.template import Template


@pytest.fixture(scope="session")
def assembly(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """The folder a synthesis wrote, cdk-nag passed; with empty layers, which no template shows.

    Under xdist the workers share one synthesis.
    """
    base = tmp_path_factory.getbasetemp()
    shared = (base if worker_id == "master" else base.parent) / "assembly"
    shared.mkdir(exist_ok=True)
    with (shared / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        written = shared / "cdk.out"
        if not (written / "manifest.json").exists():
            _synthesise(shared, written)
    return written


def _synthesise(folder: Path, into: Path) -> None:
    for layer in ("keyholder", "dependencies", "mesh", "timestamps"):
        (folder / "layers" / layer / "python").mkdir(parents=True, exist_ok=True)
        (folder / "layers" / layer / "python" / "marker").write_text(layer)
    done = subprocess.run(
        [sys.executable, "-m", "infra.app"],
        cwd=ROOT,
        env={**os.environ, "CDK_OUTDIR": str(into), "KEYHOLDER_LAYERS": str(folder / "layers")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="session")
def template(assembly: Path) -> Template:
    """The main stack."""
    return Template(json.loads((assembly / "Keyholder.template.json").read_text()))


@pytest.fixture(scope="session")
def keys_template(assembly: Path) -> Template:
    """The stack of the keys."""
    return Template(json.loads((assembly / "KeyholderKeys.template.json").read_text()))


@pytest.fixture(scope="session")
def witness_template(assembly: Path) -> Template:
    """The witness's stack, for another account."""
    return Template(json.loads((assembly / "KeyholderWitness.template.json").read_text()))
