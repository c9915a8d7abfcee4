"""The commands by name."""

from __future__ import annotations

from enum import StrEnum


class CommandName(StrEnum):
    """The commands by name, as routes, answers and the ledger call them."""

    CREATE = "create"
    SAVE = "save"
    DISCARD = "discard"
    SUBMIT = "submit"
    RECORD_CHECKS = "record_checks"
    HOLD_CHECKS = "hold_checks"
    APPROVE = "approve"
    REJECT = "reject"
    RETURN = "return"
    WITHDRAW_VOTE = "withdraw_vote"
    ACCEPT_CONDITIONS = "accept_conditions"
    WITHDRAW = "withdraw"
    REVOKE = "revoke"
    RELEASE = "release"
    RECORD_CHUNK = "record_chunk"
    FINISH_RELEASE = "finish_release"
    FAIL_RELEASE = "fail_release"
    COLLECT = "collect"
    EXPIRE = "expire"
    DECLARE_NO_CONFLICT = "declare_no_conflict"
    RECUSE = "recuse"
    CLAIM = "claim"
    HAND_BACK = "hand_back"
    RECORD_VOLUME = "record_volume"
    LET_THROUGH = "let_through"
    COMMENT = "comment"
    REPLY = "reply"
    NUDGE = "nudge"
    ASK_ADVICE = "ask_advice"
    ADVISE = "advise"
    RECORD_CONSENT_FALL = "record_consent_fall"
    REMIND = "remind"
    ESCALATE = "escalate"
    USE_STANDING_APPROVAL = "use_standing_approval"
