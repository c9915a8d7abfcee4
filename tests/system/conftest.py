"""The whole stack on the embedded engine, started once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from infra.embedded.stack import EmbeddedStack


def pytest_itemcollected(item: pytest.Item) -> None:
    """All system tests share one stack: with `--dist loadgroup` they run in one worker.

    pytest 9.2 made xdist 3.8 forget its groups (pytest-dev/pytest-xdist#1386). Until that is mended every worker starts
    a stack of its own, which is safe and slow: run these tests without `-n`.
    """
    item.add_marker(pytest.mark.system)
    item.add_marker(pytest.mark.xdist_group("system"))


@pytest.fixture(scope="session")
def stack() -> Iterator[EmbeddedStack]:
    """Keyholder, deployed from the templates, with engine and issuer on loopback."""
    with EmbeddedStack() as running:
        yield running
