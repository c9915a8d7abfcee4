"""Keyholder's API, one method a route. The routes and bodies are described at `/v1/openapi.json`."""

from __future__ import annotations

from keyholder.canonical import JsonObject
from keyholder.client.agreeing import Agreements
from keyholder.client.answers import Reader
from keyholder.client.auditing import Audit
from keyholder.client.deciding import Decisions
from keyholder.client.governing import Policy
from keyholder.client.pseudonyms import Pseudonyms
from keyholder.client.registering import Registry
from keyholder.client.requesting import Requests


class Keyholder(Requests, Decisions, Agreements, Pseudonyms, Audit, Registry, Policy):
    """One person's access to one Keyholder.

    Every method raises `KeyholderError` (a subclass says what to do next) and `AnswerError` for an answer this client
    does not understand. A call is retried with its own Idempotency-Key where Keyholder says "later" or does not answer.
    """

    def openapi(self) -> JsonObject:
        """The API's own description."""
        return Reader.of(self._get("/v1/openapi.json")).raw

    def status(self) -> JsonObject:
        """Whether Keyholder answers."""
        return Reader.of(self._get("/v1/status")).raw
