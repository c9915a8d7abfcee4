"""The product in process, from the same templates that are deployed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.api import Api, Snapshot, running, snapshot
from tests.contract.settled import Extract, settle
from tests.unit.infra.conftest import assembly


__all__ = ["assembly"]


@pytest.fixture(scope="session")
def settled_snapshot(assembly: Path) -> Snapshot:
    """Once a worker: both stacks, people, domains, a project, pseudonyms, choices."""
    with running(assembly) as api:
        extract = settle(api)
        return snapshot(api, {"extract": extract})


@pytest.fixture
def api(settled_snapshot: Snapshot) -> Iterator[Api]:
    """The settled world, a fresh copy for each test."""
    with running(settled_snapshot) as running_api:
        yield running_api


@pytest.fixture
def extract(settled_snapshot: Snapshot) -> Extract:
    """What the settled world's people are and are called."""
    found = settled_snapshot.known["extract"]
    assert isinstance(found, Extract)
    return found
