"""The people of the development target. All are invented; none has a password."""

from __future__ import annotations

from dataclasses import dataclass

from infra.routes import Scope
from keyholder.vocabulary import OrganisationCode, Role


@dataclass(frozen=True, slots=True)
class Persona:
    """Somebody to be: a short name to be called by, the subject their tokens carry, and who they are in the story.

    `role` and `organisation` are for the demonstration to register; tokens carry neither (roles are Keyholder's own).
    """

    key: str
    subject: str
    name: str
    role: Role
    organisation: OrganisationCode
    scopes: tuple[Scope, ...]


def _persona(key: str, number: int, name: str, role: Role, organisation: str, *scopes: Scope) -> Persona:
    return Persona(key, f"5550219351{number:02}", name, role, OrganisationCode(organisation), scopes)


_RESEARCHER = (Scope.REQUEST, Scope.RELEASE)
_CONTROLLER = (Scope.REQUEST, Scope.DECIDE)

PERSONAS: tuple[Persona, ...] = (
    _persona("operator", 1, "Olu Adeyemi", Role.OPERATOR, "X26", Scope.OPERATE),
    _persona("researcher", 2, "Ada Okafor", Role.RESEARCHER, "RX1", *_RESEARCHER),
    _persona("colleague", 3, "Grace Lindqvist", Role.RESEARCHER, "RX1", *_RESEARCHER),
    _persona("controller", 4, "Ben Carter", Role.CONTROLLER, "RX1", *_CONTROLLER),
    _persona("second-controller", 5, "Chloe Davies", Role.CONTROLLER, "X26", *_CONTROLLER),
    _persona("controller-on-project", 6, "Priya Shah", Role.CONTROLLER, "RX1", *_CONTROLLER),
    _persona("auditor", 7, "Cho Patel", Role.AUDITOR, "X26", Scope.AUDIT),
    _persona("provider", 8, "Pat Murphy", Role.PROVIDER, "RX1", Scope.PROVIDE),
    _persona("second-operator", 10, "Mina Rossi", Role.OPERATOR, "X26", Scope.OPERATE),
    _persona("caldicott-guardian", 11, "Gail Fraser", Role.CALDICOTT_GUARDIAN, "X26", *_CONTROLLER),
    _persona("data-protection-officer", 12, "Dev Mensah", Role.DATA_PROTECTION_OFFICER, "RX1", *_CONTROLLER),
    _persona("outsider", 9, "Sam Novak", Role.RESEARCHER, "RX2", *_RESEARCHER),
)
"""Sam Novak is registered nowhere; Priya Shah is a controller and on the project, so may not decide on it."""


def persona(key: str) -> Persona:
    """The persona of that short name. Raises `KeyError`."""
    return {known.key: known for known in PERSONAS}[key]
