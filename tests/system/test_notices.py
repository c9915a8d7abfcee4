"""A notice arrives: from the ledger over bus, rule, queue and function to the mail that the engine keeps."""

from __future__ import annotations

import json
import time
from contextlib import suppress

from infra.embedded.personas import persona
from infra.embedded.stack import EmbeddedStack
from infra.routes import Function
from keyholder.client import Changed, Keyholder

WITHIN_SECONDS = 60.0


def test_whose_address_is_set_is_told(stack: EmbeddedStack) -> None:
    operator = Keyholder(stack.base_url, lambda: stack.token("operator"), str(stack.ca_bundle))
    roles = [{"role": "auditor", "organisation": "X26"}]
    first = {"subject": persona("operator").subject, "roles": [{"role": "operator", "organisation": "X26"}]}
    # Another test of this stack may have registered them before.
    with suppress(Changed):
        operator.add_person(first)
    person = operator.add_person({"subject": "somebody to tell", "roles": roles})
    operator.set_contact(person, "tell@keyholder.localhost")
    told = stack.admin("lambda").invoke(FunctionName=stack.deployed.functions[Function.SWEEPER], Payload=b"{}")
    # The engine's own schedule may have announced it a moment before: that it arrives, and once, is what tells.
    assert "FunctionError" not in told
    assert "announced" in json.loads(told["Payload"].read())
    deadline = time.monotonic() + WITHIN_SECONDS
    while time.monotonic() < deadline:
        found = [one for one in stack.messages() if one.to == "tell@keyholder.localhost"]
        if found:
            break
        time.sleep(0.3)
    (message,) = found
    assert message.subject == "Your address for notices was changed"
    assert "tell an operator now" in message.body
