"""Every route of the API, once: read by the infrastructure, the functions, the API description and the tests."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import StrEnum


class Access(StrEnum):
    """The OAuth scope a route asks for. It opens the door to a function; Keyholder's own records decide the rest."""

    PUBLIC = "public"
    MEMBER = "member"
    """A token with any of the scopes."""
    REQUEST = "keyholder/request"
    DECIDE = "keyholder/decide"
    RELEASE = "keyholder/release"
    PROVIDE = "keyholder/provide"
    AUDIT = "keyholder/audit"
    OPERATE = "keyholder/operate"


SCOPES = frozenset(access.value for access in Access) - {Access.PUBLIC, Access.MEMBER}


@dataclass(frozen=True, slots=True)
class Route:
    """One method on one path, the function that answers it, and who may knock."""

    method: str
    path: str
    function: str
    access: Access
    operation: str
    """The operation's name in the API description."""

    @property
    def key(self) -> str:
        """As API Gateway names it: `POST /v1/requests`, or `$default`."""
        return self.path if self.path == "$default" else f"{self.method} {self.path}"

    @property
    def scope(self) -> str | None:
        """The scope by name, or None where any or none will do."""
        return self.access.value if self.access.value in SCOPES else None

    def allows(self, scopes: AbstractSet[str]) -> bool:
        """May a token with these scopes knock here?"""
        if self.access is Access.PUBLIC:
            return True
        if self.access is Access.MEMBER:
            return bool(SCOPES & scopes)
        return self.access.value in scopes


ROUTES: tuple[Route, ...] = (
    Route("GET", "/v1/me", "requests", Access.MEMBER, "showMyself"),
    Route("POST", "/v1/requests", "requests", Access.REQUEST, "createRequest"),
    Route("GET", "/v1/requests", "requests", Access.MEMBER, "listRequests"),
    Route("GET", "/v1/requests/{request_id}", "requests", Access.MEMBER, "showRequest"),
    Route("GET", "/v1/requests/{request_id}/content", "requests", Access.MEMBER, "showRequestContent"),
    Route("POST", "/v1/requests/{request_id}/save", "requests", Access.REQUEST, "saveRequest"),
    Route("POST", "/v1/requests/{request_id}/submit", "requests", Access.REQUEST, "submitRequest"),
    Route("POST", "/v1/requests/{request_id}/withdraw", "requests", Access.REQUEST, "withdrawRequest"),
    Route("POST", "/v1/requests/{request_id}/discard", "requests", Access.REQUEST, "discardRequest"),
    Route("POST", "/v1/requests/{request_id}/approve", "decisions", Access.DECIDE, "approveRequest"),
    Route("POST", "/v1/requests/{request_id}/reject", "decisions", Access.DECIDE, "rejectRequest"),
    Route("POST", "/v1/requests/{request_id}/revoke", "decisions", Access.DECIDE, "revokeRequest"),
    Route("POST", "/v1/requests/{request_id}/release", "release", Access.RELEASE, "releaseRequest"),
    Route("POST", "/v1/requests/{request_id}/collect", "release", Access.RELEASE, "collectResult"),
    Route("POST", "/v1/domains/{domain_id}/pseudonyms", "pseudonymise", Access.PROVIDE, "pseudonymise"),
    Route("GET", "/v1/audit/events", "audit", Access.AUDIT, "listEvents"),
    Route("POST", "/v1/audit/subject-searches", "audit", Access.AUDIT, "searchSubject"),
    Route("POST", "/v1/audit/exports", "audit", Access.AUDIT, "beginExport"),
    Route("GET", "/v1/audit/exports/{export_id}/objects", "audit", Access.AUDIT, "readExport"),
    Route("POST", "/v1/people", "registry", Access.OPERATE, "registerPerson"),
    Route("GET", "/v1/people/{person_id}", "registry", Access.OPERATE, "showPerson"),
    Route("POST", "/v1/projects", "registry", Access.OPERATE, "registerProject"),
    Route("GET", "/v1/projects/{project_id}", "registry", Access.OPERATE, "showProject"),
    Route("POST", "/v1/domains", "registry", Access.OPERATE, "registerDomain"),
    Route("GET", "/v1/domains/{domain_id}", "registry", Access.MEMBER, "showDomain"),
    Route("POST", "/v1/choices/national-data-opt-outs", "choices", Access.OPERATE, "loadNationalDataOptOuts"),
    Route("POST", "/v1/choices/type-1-events", "choices", Access.OPERATE, "loadType1Events"),
    Route("POST", "/v1/choices/consents", "choices", Access.OPERATE, "loadConsents"),
    Route("GET", "/v1/openapi.json", "service", Access.PUBLIC, "describeApi"),
    Route("GET", "/v1/status", "service", Access.PUBLIC, "showStatus"),
    Route("ANY", "$default", "service", Access.PUBLIC, "refuseUnknown"),
)
