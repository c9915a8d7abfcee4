"""NHS Digital's own MESH server, once a run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.mesh.sandbox import MeshSandbox


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MeshSandbox]:
    """On loopback, over mutual TLS."""
    with MeshSandbox(Path(tmp_path_factory.mktemp("mesh"))) as running:
        yield running


@pytest.fixture
def sandbox(server: MeshSandbox) -> MeshSandbox:
    """With empty mailboxes, and a service that answers at once that nobody opted out."""
    server.plan()
    return server
