"""People, projects, domains, their keys and rules, and the texts that people wrote. A method a route."""

from __future__ import annotations

from collections.abc import Sequence

from keyholder.canonical import JsonObject
from keyholder.client.answers import Reader
from keyholder.client.calls import Calls, quoted, request_path


class Registry(Calls):
    """People, projects, domains, their keys and rules, and the texts that people wrote."""

    def add_person(self, body: JsonObject) -> str:
        """Registers a person; the answer is their person id, `person/…`."""
        return Reader.of(self._post("/v1/people", body)).text("person_id")

    def add_project(self, body: JsonObject) -> str:
        """Registers a project."""
        return Reader.of(self._post("/v1/projects", body)).text("project_id")

    def add_domain(self, body: JsonObject) -> JsonObject:
        """Registers a domain and makes its keys."""
        return Reader.of(self._post("/v1/domains", body)).raw

    def person(self, person_id: str) -> JsonObject:
        """What is registered of a person, by their id with or without `person/`."""
        return Reader.of(self._get(f"/v1/people/{quoted(person_id.removeprefix('person/'))}")).raw

    def confirm_roles(self, person_id: str, roles: Sequence[tuple[str, str]]) -> JsonObject:
        """Confirms roles that another person gave somebody: each a role and the organisation it is held for."""
        body: JsonObject = {"roles": [{"role": role, "organisation": organisation} for role, organisation in roles]}
        return Reader.of(self._post(f"/v1/people/{quoted(person_id.removeprefix('person/'))}/confirm", body)).raw

    def set_contact(self, person_id: str, email: str) -> JsonObject:
        """Says where somebody is told. The address is never shown again."""
        return Reader.of(self._post(_contact(person_id), {"email": email})).raw

    def remove_contact(self, person_id: str) -> JsonObject:
        """Erases where somebody is told."""
        return Reader.of(self._post(f"{_contact(person_id)}/remove", {})).raw

    def contact(self, person_id: str) -> JsonObject:
        """Whether somebody can be told, since when and by whom that was set."""
        return Reader.of(self._get(_contact(person_id))).raw

    def project(self, project_id: str) -> JsonObject:
        """What is registered of a project."""
        return Reader.of(self._get(f"/v1/projects/{quoted(project_id)}")).raw

    def domain(self, domain_id: str) -> JsonObject:
        """What is registered of a domain."""
        return Reader.of(self._get(f"/v1/domains/{quoted(domain_id)}")).raw

    def propose_key_change(
        self, domain_id: str, change: str, identifier_types: Sequence[str], reason: str, versions: Sequence[int] = ()
    ) -> JsonObject:
        """Proposes to rotate keys, or to retire or destroy versions of them; the answer has the proposal's id."""
        body: JsonObject = {
            "change": change,
            "identifier_types": list(identifier_types),
            "versions": list(versions),
            "reason": reason,
        }
        return Reader.of(self._post(_key_changes(domain_id), body)).raw

    def confirm_key_change(self, domain_id: str, change_id: str) -> JsonObject:
        """Carries out what another operator proposed."""
        return Reader.of(self._post(f"{_key_changes(domain_id)}/{quoted(change_id)}/confirm", {})).raw

    def withdraw_key_change(self, domain_id: str, change_id: str) -> JsonObject:
        """Takes a proposal back, or refuses it."""
        return Reader.of(self._post(f"{_key_changes(domain_id)}/{quoted(change_id)}/withdraw", {})).raw

    def propose_rule_change(self, domain_id: str, reason: str, wanted: JsonObject) -> JsonObject:
        """Proposes other rules: `wanted` has the fields that change; the answer has the proposal's id."""
        return Reader.of(self._post(_rule_changes(domain_id), {**wanted, "reason": reason})).raw

    def confirm_rule_change(self, domain_id: str, change_id: str) -> JsonObject:
        """Agrees to a proposal, for a domain the caller decides for."""
        return Reader.of(self._post(f"{_rule_changes(domain_id)}/{quoted(change_id)}/confirm", {})).raw

    def withdraw_rule_change(self, domain_id: str, change_id: str) -> JsonObject:
        """Takes a proposal back, or refuses it."""
        return Reader.of(self._post(f"{_rule_changes(domain_id)}/{quoted(change_id)}/withdraw", {})).raw

    def texts(self, request_id: str) -> JsonObject:
        """Which texts a request has, and what becomes of each; never a word of any."""
        return Reader.of(self._get(f"{request_path(request_id)}/texts")).raw

    def erase_text(self, request_id: str, text_sha256: str, reason: str) -> JsonObject:
        """Has a text erased, or proposes it where a decision rests on the text."""
        body: JsonObject = {"text_sha256": text_sha256, "reason": reason}
        return Reader.of(self._post(f"{request_path(request_id)}/texts/erase", body)).raw

    def confirm_erasure(self, request_id: str, text_sha256: str) -> JsonObject:
        """Orders what another proposed. Nothing brings the words back."""
        return Reader.of(
            self._post(f"{request_path(request_id)}/texts/confirm-erasure", {"text_sha256": text_sha256})
        ).raw

    def withdraw_erasure(self, request_id: str, text_sha256: str) -> JsonObject:
        """Stops an erasure that was proposed."""
        return Reader.of(
            self._post(f"{request_path(request_id)}/texts/withdraw-erasure", {"text_sha256": text_sha256})
        ).raw


def _contact(person_id: str) -> str:
    return f"/v1/people/{quoted(person_id.removeprefix('person/'))}/contact"


def _rule_changes(domain_id: str) -> str:
    return f"/v1/domains/{quoted(domain_id)}/rule-changes"


def _key_changes(domain_id: str) -> str:
    return f"/v1/domains/{quoted(domain_id)}/key-changes"
