"""The one list of routes: what is deployed, documented, tested and handled are all read from here.

Only the standard library is imported, so that the deployment can read the list without the functions' dependencies.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import StrEnum

ANY = "$default"
"""API Gateway's own word for the route that takes whatever no other route takes."""


class Function(StrEnum):
    """The Lambda functions: one folder of `functions/`, one role, one log group each."""

    REQUESTS = "requests"
    DECISIONS = "decisions"
    RELEASE = "release"
    PSEUDONYMISE = "pseudonymise"
    AUDIT = "audit"
    REGISTRY = "registry"
    CHOICES = "choices"
    MESH = "mesh"
    SWEEPER = "sweeper"
    NOTIFY = "notify"
    WATCH = "watch"
    REBUILD = "rebuild"
    SERVICE = "service"


class Scope(StrEnum):
    """What a client was allowed to ask for on somebody's behalf. A scope narrows a person's roles; it gives none."""

    REQUEST = "keyholder/request"
    DECIDE = "keyholder/decide"
    RELEASE = "keyholder/release"
    PROVIDE = "keyholder/provide"
    AUDIT = "keyholder/audit"
    OPERATE = "keyholder/operate"


@dataclass(frozen=True, slots=True)
class Route:
    """One method and path, the function that answers it, and the scope its token must carry.

    `or_scope` is another that will do as well. `scope` None means that any of the scopes will do; only a `public` route
    needs no token at all.
    """

    method: str
    path: str
    function: Function
    scope: Scope | None
    public: bool = False
    or_scope: Scope | None = None

    @property
    def key(self) -> str:
        """API Gateway's name of the route: `POST /v1/requests`, or `$default`."""
        return ANY if self.path == ANY else f"{self.method} {self.path}"

    def allows(self, scopes: AbstractSet[str]) -> bool:
        """May a token with these scopes knock here?"""
        return self.public or any(scope in scopes for scope in self.scopes())

    def scopes(self) -> tuple[Scope, ...]:
        """The scopes of which one will do; none for a public route."""
        if self.scope is None:
            return () if self.public else tuple(Scope)
        return (self.scope,) if self.or_scope is None else (self.scope, self.or_scope)


def _request(method: str, path: str) -> Route:
    return Route(method, path, Function.REQUESTS, Scope.REQUEST)


def _reading(path: str) -> Route:
    """Reading is for whoever has a part in a request, whatever the token was issued for; the records decide."""
    return Route("GET", path, Function.REQUESTS, scope=None)


def _decision(command: str) -> Route:
    return Route("POST", f"/v1/requests/{{request_id}}/{command}", Function.DECISIONS, Scope.DECIDE)


def _linkage(method: str, path: str) -> Route:
    return Route(method, path, Function.DECISIONS, Scope.DECIDE)


def _release(command: str) -> Route:
    return Route("POST", f"/v1/requests/{{request_id}}/{command}", Function.RELEASE, Scope.RELEASE)


def _extract(method: str, path: str) -> Route:
    return Route(method, path, Function.PSEUDONYMISE, Scope.PROVIDE)


def _audit(method: str, path: str) -> Route:
    return Route(method, path, Function.AUDIT, Scope.AUDIT)


def _registry(method: str, path: str) -> Route:
    return Route(method, path, Function.REGISTRY, Scope.OPERATE)


def _erasure(command: str) -> Route:
    """By another operator, or by somebody who decides."""
    path = f"/v1/requests/{{request_id}}/texts/{command}-erasure"
    return Route("POST", path, Function.REGISTRY, Scope.OPERATE, or_scope=Scope.DECIDE)


def _choices(path: str) -> Route:
    return Route("POST", path, Function.CHOICES, Scope.OPERATE)


def _service(method: str, path: str) -> Route:
    return Route(method, path, Function.SERVICE, scope=None, public=True)


ROUTES: tuple[Route, ...] = (
    _request("POST", "/v1/requests"),
    _reading("/v1/requests"),
    _reading("/v1/requests/{request_id}"),
    _reading("/v1/requests/{request_id}/content"),
    _reading("/v1/requests/{request_id}/conversation"),
    _reading("/v1/requests/{request_id}/receipts"),
    _reading("/v1/requests/{request_id}/revisions"),
    _reading("/v1/requests/{request_id}/changes"),
    _reading("/v1/requests/{request_id}/records"),
    _request("GET", "/v1/requests/{request_id}/file"),
    _request("POST", "/v1/requests/{request_id}/hand-in-file"),
    _request("POST", "/v1/requests/{request_id}/save"),
    _request("POST", "/v1/requests/{request_id}/submit"),
    _request("POST", "/v1/requests/{request_id}/take-over"),
    _request("POST", "/v1/requests/{request_id}/use-standing-approval"),
    _request("POST", "/v1/requests/{request_id}/accept-conditions"),
    _request("POST", "/v1/requests/{request_id}/withdraw"),
    _request("POST", "/v1/requests/{request_id}/discard"),
    _request("POST", "/v1/requests/{request_id}/reply"),
    _request("POST", "/v1/requests/{request_id}/nudge"),
    _request("POST", "/v1/requests/{request_id}/report-outcome"),
    _reading("/v1/me"),
    _reading("/v1/terms"),
    Route("POST", "/v1/terms/accept", Function.REQUESTS, Scope.REQUEST, or_scope=Scope.DECIDE),
    _decision("declare"),
    _decision("recuse"),
    _decision("claim"),
    _decision("hand-back"),
    _decision("comment"),
    _decision("ask"),
    _decision("advise"),
    _decision("approve"),
    _decision("return"),
    _decision("withdraw-vote"),
    _decision("reject"),
    _decision("revoke"),
    _decision("let-through"),
    _release("release"),
    _release("collect"),
    Route("POST", "/v1/emergency-accesses", Function.RELEASE, Scope.RELEASE),
    _reading("/v1/emergency-accesses"),
    _reading("/v1/emergency-accesses/{access_id}"),
    Route("POST", "/v1/emergency-accesses/{access_id}/review", Function.DECISIONS, Scope.DECIDE),
    Route("POST", "/v1/domains/{domain_id}/pseudonyms", Function.PSEUDONYMISE, Scope.PROVIDE),
    Route("POST", "/v1/domains/{domain_id}/rekeyings", Function.PSEUDONYMISE, Scope.PROVIDE),
    _extract("POST", "/v1/domains/{domain_id}/extracts"),
    _extract("GET", "/v1/extracts/{extract_id}"),
    _extract("POST", "/v1/extracts/{extract_id}/start"),
    _extract("POST", "/v1/extracts/{extract_id}/collect"),
    _extract("POST", "/v1/extracts/{extract_id}/discard"),
    _linkage("POST", "/v1/linkage-agreements"),
    _reading("/v1/linkage-agreements/{agreement_id}"),
    _reading("/v1/domains/{domain_id}/linkage-agreements"),
    _linkage("POST", "/v1/linkage-agreements/{agreement_id}/approve"),
    _linkage("POST", "/v1/linkage-agreements/{agreement_id}/end"),
    Route("POST", "/v1/linkage-agreements/{agreement_id}/translations", Function.PSEUDONYMISE, Scope.PROVIDE),
    _request("POST", "/v1/standing-approvals"),
    _reading("/v1/standing-approvals"),
    _reading("/v1/standing-approvals/{standing_id}"),
    _linkage("POST", "/v1/standing-approvals/{standing_id}/approve"),
    _linkage("POST", "/v1/standing-approvals/{standing_id}/end"),
    Route("POST", "/v1/delegations", Function.DECISIONS, Scope.DECIDE),
    _reading("/v1/delegations"),
    _reading("/v1/delegations/{delegation_id}"),
    Route("POST", "/v1/delegations/{delegation_id}/confirm", Function.DECISIONS, Scope.DECIDE, or_scope=Scope.OPERATE),
    Route("POST", "/v1/delegations/{delegation_id}/withdraw", Function.DECISIONS, Scope.DECIDE, or_scope=Scope.OPERATE),
    _audit("GET", "/v1/audit/events"),
    _audit("GET", "/v1/audit/events/{index}"),
    _audit("GET", "/v1/audit/consistency"),
    _audit("POST", "/v1/audit/subject-searches"),
    _audit("POST", "/v1/audit/exports"),
    _audit("GET", "/v1/audit/exports/{export_id}/objects"),
    _audit("GET", "/v1/audit/reports/{quarter}"),
    _audit("GET", "/v1/audit/volume-reports/{month}"),
    _registry("POST", "/v1/people"),
    _registry("POST", "/v1/projects"),
    _registry("POST", "/v1/domains"),
    Route("GET", "/v1/people/{person_id}", Function.REGISTRY, scope=None),
    Route("POST", "/v1/people/{person_id}/confirm", Function.REGISTRY, Scope.OPERATE, or_scope=Scope.DECIDE),
    _registry("POST", "/v1/people/{person_id}/contact"),
    _registry("POST", "/v1/people/{person_id}/contact/remove"),
    Route("GET", "/v1/people/{person_id}/contact", Function.REGISTRY, scope=None),
    _registry("GET", "/v1/projects/{project_id}"),
    Route("GET", "/v1/domains/{domain_id}", Function.REGISTRY, scope=None),
    Route("GET", "/v1/requests/{request_id}/texts", Function.REGISTRY, scope=None),
    _registry("POST", "/v1/requests/{request_id}/texts/erase"),
    _erasure("confirm"),
    _erasure("withdraw"),
    _registry("POST", "/v1/domains/{domain_id}/key-changes"),
    _registry("POST", "/v1/domains/{domain_id}/key-changes/{change_id}/confirm"),
    _registry("POST", "/v1/domains/{domain_id}/key-changes/{change_id}/withdraw"),
    Route("GET", "/v1/choices/national-data-opt-outs", Function.CHOICES, Scope.OPERATE),
    Route("GET", "/v1/policy", Function.REGISTRY, scope=None),
    Route("GET", "/v1/policy/changes/{change_id}", Function.REGISTRY, scope=None),
    _registry("POST", "/v1/policy/changes"),
    Route("POST", "/v1/policy/changes/{change_id}/confirm", Function.REGISTRY, Scope.DECIDE),
    Route("POST", "/v1/policy/changes/{change_id}/stop", Function.REGISTRY, Scope.DECIDE),
    _registry("POST", "/v1/policy/changes/{change_id}/withdraw"),
    _registry("POST", "/v1/domains/{domain_id}/rule-changes"),
    Route("POST", "/v1/domains/{domain_id}/rule-changes/{change_id}/confirm", Function.REGISTRY, Scope.DECIDE),
    Route(
        "POST",
        "/v1/domains/{domain_id}/rule-changes/{change_id}/withdraw",
        Function.REGISTRY,
        Scope.OPERATE,
        or_scope=Scope.DECIDE,
    ),
    _choices("/v1/choices/national-data-opt-outs"),
    _choices("/v1/choices/type-1-events"),
    _choices("/v1/choices/consents"),
    _choices("/v1/choices/consents/withdrawals"),
    Route("GET", "/v1/choices/consents/{project_id}", Function.CHOICES, Scope.OPERATE),
    # Not a GET: an NHS number is never in an address, and a body is the only other place that no log keeps.
    Route("POST", "/v1/people/choices", Function.CHOICES, Scope.DECIDE),
    _service("GET", "/v1/openapi.json"),
    _service("GET", "/v1/status"),
    _service("ANY", ANY),
)
"""Every route, `$default` last."""


def routes_of(function: Function) -> tuple[Route, ...]:
    """The routes a function answers, in the order of the list."""
    return tuple(route for route in ROUTES if route.function is function)
