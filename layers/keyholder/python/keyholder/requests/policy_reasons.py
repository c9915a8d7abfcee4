"""The policy's no to a whole request, in words: its field, what would make it allowed, and who can do that."""

from __future__ import annotations

from collections.abc import Mapping

from keyholder.policy.vocabulary import Reason
from keyholder.refusals import Refusal, RefusalKind
from keyholder.requests.reasons import policy_refusal


def _no(reason: Reason, field: str, advice: str) -> Refusal:
    return Refusal(reason.value, RefusalKind.FORBIDDEN, advice, field)


_REFUSALS = (
    _no(
        Reason.PURPOSE_PROHIBITED,
        "/purpose",
        "Nobody can allow this purpose, and no approval sets it aside; the policy page cites why. Ask for another only "
        "if it is the true one.",
    ),
    _no(Reason.BASIS_MISSING, "/legal_basis", "Name a legal basis that the policy page lists."),
    _no(
        Reason.ROLE_NOT_PERMITTED,
        "/capacity",
        "This legal basis is for another capacity: ask in one that the policy page lists for it. An operator registers "
        "the capacities of people.",
    ),
    _no(
        Reason.BASIS_PURPOSE_MISMATCH,
        "/legal_basis",
        "This legal basis does not cover the purpose: name one that does, as the policy page's matrix shows.",
    ),
    _no(
        Reason.BASIS_EVIDENCE_MISSING,
        "/references",
        "Cite the paper that the legal basis rests on, as it is on file with the project; an operator puts it on file.",
    ),
    _no(
        Reason.BASIS_EXPIRED,
        "/references",
        "What the legal basis rests on has ended: once it is renewed, an operator puts the new one on file, and the "
        "request cites that.",
    ),
    _no(
        Reason.BASIS_SCOPE,
        "/references",
        "What is on file does not permit re-identification for this. Whoever gave it can extend it; then an operator "
        "puts that on file.",
    ),
    _no(
        Reason.REC_MISSING,
        "/references/rec",
        "Cite the favourable opinion of a research ethics committee that is on file with the project; an operator puts "
        "it on file.",
    ),
    _no(
        Reason.REQUESTER_NOT_ACCREDITED,
        "/accredited_until",
        "Renew your accreditation and ask an operator to register it.",
    ),
    _no(
        Reason.DSA_EXPIRED,
        "/project",
        "The project has no data sharing agreement in force: once it is renewed, an operator puts it on file.",
    ),
)
_OF_REASON: Mapping[str, Refusal] = {refusal.code: refusal for refusal in _REFUSALS}


def request_refusal(reason: str) -> Refusal:
    """The refusal of a request under the policy's own reason code."""
    return _OF_REASON.get(reason, policy_refusal(reason))
