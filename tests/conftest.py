"""For all tests: Hypothesis without deadlines and, in CI, without chance; no sockets for unit tests."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings
from pytest_socket import disable_socket, enable_socket

settings.register_profile("local", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "local")

SOCKETLESS = ("unit", "contract", "simulation")
"""Folders of tests that need nothing but this process."""


@pytest.fixture(autouse=True)
def no_sockets(request: pytest.FixtureRequest) -> Iterator[None]:
    """A unit, contract or simulation test that opens a socket fails there and then."""
    if request.path.relative_to(request.config.rootpath / "tests").parts[0] not in SOCKETLESS:
        yield
        return
    disable_socket(allow_unix_socket=True)
    yield
    enable_socket()
