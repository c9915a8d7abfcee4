"""The whole stack on the embedded engine, started once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.embedded.stack import EmbeddedStack

HERE = Path(__file__).parent


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All system tests share one stack: with `--dist loadgroup` they run in one worker."""
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.system)
            item.add_marker(pytest.mark.xdist_group("system"))


@pytest.fixture(scope="session")
def stack() -> Iterator[EmbeddedStack]:
    """Keyholder, deployed from the templates, with engine and issuer on loopback."""
    with EmbeddedStack() as running:
        yield running
