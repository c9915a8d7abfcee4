"""The product in process, from the same templates that are deployed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.api import Api, Snapshot, running, snapshot
from tests.contract.linked import in_force, linked
from tests.contract.settled import Asked, Extract, expect, in_review, request_body, settle
from tests.unit.infra.conftest import assembly

__all__ = ["assembly"]


@pytest.fixture(scope="session")
def settled_snapshot(assembly: Path) -> Snapshot:
    """Once a worker: both stacks, people, domains, a project, pseudonyms, choices."""
    with running(assembly) as api:
        return snapshot(api, {"extract": settle(api)})


@pytest.fixture(scope="session")
def reviewed_snapshot(settled_snapshot: Snapshot) -> Snapshot:
    """Once a worker: and a request in review, for three people, to be answered inline."""
    with running(settled_snapshot) as api:
        asked = in_review(api, request_body(settled_snapshot.known["extract"]))
        return snapshot(api, {"request": asked.id})


@pytest.fixture(scope="session")
def cleared_snapshot(reviewed_snapshot: Snapshot) -> Snapshot:
    """Once a worker: and two controllers have approved it."""
    with running(reviewed_snapshot) as api:
        asked = Asked(api, reviewed_snapshot.known["request"])
        for who in ("controller", "second-controller"):
            expect(asked.approve(who), 200)
        return snapshot(api, {"request": asked.id})


@pytest.fixture(scope="session")
def linked_snapshot(settled_snapshot: Snapshot) -> Snapshot:
    """Once a worker: the settled world with a second domain, and an agreement between both that is in force."""
    with running(settled_snapshot) as api:
        linked(api)
        return snapshot(api, {"path": in_force(api)})


@pytest.fixture
def api(settled_snapshot: Snapshot) -> Iterator[Api]:
    """The settled world, a fresh copy for each test."""
    with running(settled_snapshot) as running_api:
        yield running_api


@pytest.fixture
def reviewed(reviewed_snapshot: Snapshot) -> Iterator[Asked]:
    """A request in review, in a world of its own."""
    with running(reviewed_snapshot) as running_api:
        yield Asked(running_api, reviewed_snapshot.known["request"])


@pytest.fixture
def cleared(cleared_snapshot: Snapshot) -> Iterator[Asked]:
    """An approved request, in a world of its own."""
    with running(cleared_snapshot) as running_api:
        yield Asked(running_api, cleared_snapshot.known["request"])


@pytest.fixture
def extract(settled_snapshot: Snapshot) -> Extract:
    """What the settled world's people are and are called."""
    found = settled_snapshot.known["extract"]
    assert isinstance(found, Extract)
    return found
