"""The array lanes are tested only where numpy is: without it their tests would silently be none."""

from __future__ import annotations

import importlib.util


def test_numpy_is_installed_for_the_tests() -> None:
    assert importlib.util.find_spec("numpy") is not None
