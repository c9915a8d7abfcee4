"""The list of routes, and what is refused of one."""

from __future__ import annotations

import pytest

from infra.routes import ANY, ROUTES, Function, Route, Scope, check, routes_of


def test_the_list_can_be_deployed() -> None:
    check()


@pytest.mark.parametrize(
    ("routes", "fault"),
    [
        ((*ROUTES, ROUTES[0]), "twice"),
        ((*ROUTES, Route("GET", "/v1/x", Function.RELEASE, Scope.RELEASE, public=True)), "public"),
        ((*ROUTES, Route("GET", "/v2/x", Function.SERVICE, None, public=True)), "outside /v1"),
        (tuple(route for route in ROUTES if route.path != ANY), r"\$default"),
    ],
)
def test_a_list_nobody_should_deploy(routes: tuple[Route, ...], fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        check(routes)


def test_only_the_service_is_public() -> None:
    assert {route.key for route in ROUTES if route.public} == {"GET /v1/openapi.json", "GET /v1/status", ANY}


def test_a_route_without_a_scope_only_reads() -> None:
    assert {route.method for route in ROUTES if route.scope is None and not route.public} == {"GET"}


def test_a_token_needs_one_of_the_route_s_scopes() -> None:
    for route in ROUTES:
        for scope in Scope:
            assert route.allows({scope}) == (route.public or scope in route.scopes())
        assert route.allows({"openid"}) == route.public
    (either,) = [route for route in ROUTES if route.path == "/v1/terms/accept"]
    assert [scope for scope in Scope if either.allows({scope})] == [Scope.REQUEST, Scope.DECIDE]


def test_what_the_schedule_or_an_operator_calls_answers_nobody() -> None:
    called = {Function.SWEEPER, Function.WATCH, Function.MESH, Function.REBUILD, Function.NOTIFY}
    assert not [route for function in called for route in routes_of(function)]
    assert {route.function for route in ROUTES} == set(Function) - called
