"""The routes, read from the layer so that what is deployed and what the functions answer cannot differ."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LAYER = ROOT / "layers" / "keyholder" / "python"

if str(LAYER) not in sys.path:
    sys.path.insert(0, str(LAYER))

from keyholder.edge.routes import ANY, ROUTES, Function, Route, Scope, routes_of  # noqa: E402 - after the path is set

__all__ = ["ANY", "LAYER", "ROOT", "ROUTES", "Function", "Route", "Scope", "check", "routes_of"]


def check(routes: tuple[Route, ...] = ROUTES) -> None:
    """Raises `ValueError` for a list nobody should deploy: a route twice, a folder that is not there, an open door."""
    twice = [key for key, count in Counter(route.key for route in routes).items() if count > 1]
    if twice:
        raise ValueError(f"routes appear twice: {', '.join(twice)}")
    for function in Function:
        if not (ROOT / "functions" / function / "handler.py").is_file():
            raise ValueError(f"functions/{function}/handler.py is missing")
    for route in routes:
        if route.public and route.function is not Function.SERVICE:
            raise ValueError(f"{route.key} is public but answered by {route.function}")
        if route.path != ANY and not route.path.startswith("/v1/"):
            raise ValueError(f"{route.key} is outside /v1")
    if not any(route.path == ANY for route in routes):
        raise ValueError("without $default, API Gateway answers an unknown route with a body of its own")
