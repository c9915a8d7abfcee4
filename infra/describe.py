"""Write what is generated from the code: `make generated`.

The description that `GET /v1/openapi.json` serves, the two tables of `docs/api.md`, and the pages of the tables that
are enforced: `docs/permissions.md` and `docs/policy.md`. The tests fail when one is not what this would write.
"""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from infra.routes import ROOT, ROUTES, Function, Route, Scope, routes_of
from keyholder.edge.description import as_text, describe
from keyholder.edge.problems import ProblemType
from keyholder.edge.service import Service
from keyholder.policy import page as policy_page
from keyholder.requests import page as permissions_page

OPENAPI = ROOT / "functions" / "service" / "openapi.json"
PAGE = ROOT / "docs" / "api.md"
PERMISSIONS_PAGE = ROOT / "docs" / "permissions.md"
POLICY_PAGE = ROOT / "docs" / "policy.md"


def services() -> tuple[Service, ...]:
    """The service of every function that has routes. No AWS and no environment is needed to load one."""
    return tuple(_load(function) for function in Function if routes_of(function))


def openapi() -> str:
    """The description's text."""
    return as_text(describe(services()))


def page(text: str) -> str:
    """`docs/api.md` with its tables written anew. Raises `ValueError` where a table's place is not marked."""
    return _filled(_filled(text, "routes", _routes()), "problems", _problems())


def written() -> Mapping[Path, str]:
    """Every generated file, and what has to be in it."""
    return {
        OPENAPI: openapi(),
        PAGE: page(PAGE.read_text(encoding="utf-8")),
        PERMISSIONS_PAGE: permissions_page.render(),
        POLICY_PAGE: policy_page.render(),
    }


def main() -> None:
    """Write them all and say which."""
    for path, text in written().items():
        path.write_text(text, encoding="utf-8")
        print(path.relative_to(ROOT))


def _load(function: Function) -> Service:
    name = f"keyholder_described_{function}"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, ROOT / "functions" / function / "handler.py")
        if spec is None or spec.loader is None:
            raise ImportError(f"functions/{function}/handler.py can't be loaded")
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    service = sys.modules[name].service
    if not isinstance(service, Service):
        raise TypeError(f"functions/{function}/handler.py has no service")
    return service


def _filled(text: str, name: str, lines: Iterable[str]) -> str:
    parts = re.split(rf"(?<=<!-- {name} -->\n)|(?=<!-- /{name} -->)", text)
    if len(parts) != 3:
        raise ValueError(f"docs/api.md has no single place for the table of {name}")
    return parts[0] + "".join(f"{line}\n" for line in lines) + parts[2]


def _routes() -> Iterable[str]:
    yield "| route | answers | scope |"
    yield "|---|---|---|"
    for route in ROUTES:
        yield f"| `{route.key}` | {route.function} | {_scope(route)} |"


def _scope(route: Route) -> str:
    if route.public:
        return "none: public"
    return " or ".join(f"`{scope}`" for scope in route.scopes()) if route.scope else f"any of the {len(Scope)}"


def _problems() -> Iterable[str]:
    yield "| type | status | title | what to do |"
    yield "|---|---|---|---|"
    for problem in sorted(ProblemType, key=lambda problem: problem.status):
        yield f"| `{problem.slug}` | {problem.status} | {problem.title} | {problem.advice} |"


if __name__ == "__main__":
    main()
