"""What those who decide hand in about themselves: who looks after a request, whose interest stands against it."""

from __future__ import annotations

from keyholder.refusals import Refusal
from keyholder.requests import commands as ask
from keyholder.requests.codes import RecuseReason
from keyholder.requests.desk.core import Call, Desk, Done
from keyholder.vocabulary import DomainId, RequestId


class Handling(Desk):
    """A request is claimed and handed back; conflicts of interest are declared."""

    def claim(self, call: Call, request: RequestId, domain: DomainId) -> Done | Refusal:
        """Tell the others that one looks after it for a domain. Nobody else is kept from deciding."""
        return self.carry_out(call, request, ask.Claim(domain))

    def hand_back(self, call: Call, request: RequestId, domain: DomainId) -> Done | Refusal:
        return self.carry_out(call, request, ask.HandBack(domain))

    def declare_no_conflict(self, call: Call, request: RequestId) -> Done | Refusal:
        """Opens what is confidential in the revision that stands, and the way to decide on it."""
        return self.carry_out(call, request, ask.DeclareNoConflict())

    def recuse(self, call: Call, request: RequestId, reason: RecuseReason) -> Done | Refusal:
        """Step aside from the request, for good."""
        return self.carry_out(call, request, ask.Recuse(reason))
