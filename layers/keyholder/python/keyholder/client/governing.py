"""The policy in force, and what people chose. A method a route."""

from __future__ import annotations

from keyholder.canonical import JsonObject
from keyholder.client.answers import Reader
from keyholder.client.calls import Calls, quoted

_POLICY_CHANGES = "/v1/policy/changes"


class Policy(Calls):
    """The policy in force, and what people chose."""

    def policy(self) -> JsonObject:
        """The policy's settings in force, and the change that waits."""
        return Reader.of(self._get("/v1/policy")).raw

    def policy_change(self, change_id: str) -> JsonObject:
        """A change of the settings: what differs, and the whole."""
        return Reader.of(self._get(f"{_POLICY_CHANGES}/{quoted(change_id)}")).raw

    def propose_policy_change(self, settings: JsonObject, reason: str) -> JsonObject:
        """Proposes settings; the answer has the proposal's id."""
        return Reader.of(self._post(_POLICY_CHANGES, {"settings": settings, "reason": reason})).raw

    def confirm_policy_change(self, change_id: str) -> JsonObject:
        """Puts into force what an operator proposed."""
        return Reader.of(self._post(f"{_POLICY_CHANGES}/{quoted(change_id)}/confirm", {})).raw

    def stop_policy_change(self, change_id: str) -> JsonObject:
        """Stops a proposal, on the controllers' side."""
        return Reader.of(self._post(f"{_POLICY_CHANGES}/{quoted(change_id)}/stop", {})).raw

    def withdraw_policy_change(self, change_id: str) -> JsonObject:
        """Takes a proposal back, as an operator."""
        return Reader.of(self._post(f"{_POLICY_CHANGES}/{quoted(change_id)}/withdraw", {})).raw

    def load_opt_outs(self, body: JsonObject) -> JsonObject:
        """Loads a reply of the Check for National Data Opt-outs service."""
        return Reader.of(self._post("/v1/choices/national-data-opt-outs", body)).raw

    def opt_out_checks(self) -> tuple[JsonObject, ...]:
        """The checks of the last three weeks, newest first: how far each is, and until when it can be used."""
        reply = Reader.of(self._get("/v1/choices/national-data-opt-outs"))
        return tuple(item.raw for item in reply.objects("items"))

    def load_type_1(self, body: JsonObject) -> JsonObject:
        """Loads Type 1 events (`rows`: CSV), with everybody whose record was read."""
        return Reader.of(self._post("/v1/choices/type-1-events", body)).raw

    def load_consents(self, body: JsonObject) -> JsonObject:
        """Loads FHIR Consents (`resources`: NDJSON)."""
        return Reader.of(self._post("/v1/choices/consents", body)).raw

    def withdraw_consent(self, body: JsonObject) -> JsonObject:
        """Withdraws one person's consent for a project, from a day on."""
        return Reader.of(self._post("/v1/choices/consents/withdrawals", body)).raw

    def consents(self, project_id: str) -> JsonObject:
        """The consents held for a project as they stand today, without whose they are."""
        return Reader.of(self._get(f"/v1/choices/consents/{quoted(project_id)}")).raw

    def choices_of(self, nhs_number: str, domain: str, reason: str) -> JsonObject:
        """One person's choices, for a data protection officer of the domain's controllers."""
        body = {"nhs_number": nhs_number, "domain": domain, "reason": reason}
        return Reader.of(self._post("/v1/people/choices", body)).raw
