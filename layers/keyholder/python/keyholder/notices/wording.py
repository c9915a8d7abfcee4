"""The words of a notice: constant sentences, an id, a state, a time and a link. There is no place for anything else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from keyholder.notices.vocabulary import Template

LONDON = ZoneInfo("Europe/London")
KINDS: Mapping[str, tuple[str, str]] = {
    "EMG-": ("Emergency access", "emergency-accesses"),
    "STA-": ("Standing approval", "standing-approvals"),
    "LNK-": ("Linkage agreement", "linkage-agreements"),
    "DLG-": ("Delegation", "delegations"),
}
"""What an id means by how it begins: its name, and where its page is. Any other is a request's."""


@dataclass(frozen=True, slots=True)
class Words:
    """`act` is what the reader must do; `{due}` in it is replaced by the time, or goes with what stands before it."""

    subject: str
    says: str
    act: str = ""


WORDS: Mapping[Template, Words] = {
    Template.REVIEW_WANTED: Words(
        "A request waits for your decision", "A request was checked and is in review.", "Please decide on it"
    ),
    Template.IN_REVIEW: Words(
        "Your request is in review", "The checks of your request are done. Those who decide on it have been told."
    ),
    Template.BLOCKED: Words("Your request can't go on", "The checks of your request left nothing to decide on."),
    Template.DOMAIN_DECIDED: Words(
        "Decided: nothing more is wanted from you",
        "A request that waited for your decision too is decided for your domain.",
    ),
    Template.APPROVAL_TAKEN_BACK: Words(
        "An approval was taken back",
        "Somebody took back their approval of a request that you decide on too.",
        "Please look at it again",
    ),
    Template.RETURNED: Words(
        "A request went back to its author",
        "Somebody asked the author of a request something. Every vote on it is void, and it comes back to you.",
    ),
    Template.RETURNED_TO_AUTHOR: Words(
        "Your request came back with questions",
        "Those who decide on your request ask you something.",
        "Please answer, and submit it again",
    ),
    Template.CONDITIONS_OFFERED: Words(
        "Your request is approved under conditions",
        "Those who decide on your request offer to approve it under conditions.",
        "Please accept them, or withdraw the request",
    ),
    Template.APPROVED: Words("A request is approved", "Everybody who had to agree to the request has approved it."),
    Template.REJECTED: Words("A request is rejected", "The request was rejected."),
    Template.WITHDRAWN: Words("A request was withdrawn", "Its requester withdrew it. Nothing more is wanted from you."),
    Template.REVOKED: Words(
        "An approval was revoked", "The approval of the request was revoked. Nothing is released for it any more."
    ),
    Template.DESTROY: Words(
        "Destroy what was released to you",
        "The approval of your request was revoked after identifiers had been released.",
        "Please destroy every copy",
    ),
    Template.EXPIRED: Words("A request has expired", "A time of the request ran out. Silence never approves."),
    Template.RELEASED: Words("Identifiers were released", "Identifiers were released for the request."),
    Template.RELEASE_FAILED: Words(
        "A release could not be finished", "A release for your request was cut short. You can ask for it again."
    ),
    Template.COLLECTED: Words(
        "A result was collected",
        "The result of a release for your request was collected. If that was nobody you know, tell an operator now.",
    ),
    Template.TAKEN_OVER: Words(
        "Somebody else looks after a request now", "A request that you looked after was taken over."
    ),
    Template.REMINDED: Words(
        "Your request waits for you", "Your request waits for something that you do.", "Please go on with it"
    ),
    Template.CHECKS_STUCK: Words(
        "The checks of a request can't be made",
        "Much of the time of a request has gone by, and its checks could not be made.",
        "Please see why",
    ),
    Template.REMINDED_TO_DECIDE: Words(
        "A request still waits for your decision", "A request waits, and you can decide on it.", "Please decide on it"
    ),
    Template.ESCALATED: Words(
        "A request has waited for long", "Nobody has decided on a request for long, and you can.", "Please decide on it"
    ),
    Template.QUORUM_LOST: Words(
        "Too few people can still approve a request",
        "So few people are left who could approve the request that its quorum can't be met. An operator can register "
        "more.",
    ),
    Template.HELD: Words(
        "A release was held back",
        "A release for your request goes above a limit on volume. Nothing has left.",
    ),
    Template.HELD_DECIDE: Words(
        "A release waits for a controller",
        "A release of an approved request goes above a limit on volume, and nothing has left.",
        "Please let it through, or revoke the approval",
    ),
    Template.LET_THROUGH: Words(
        "Your release was let through", "A controller let your request go above the limit that held it."
    ),
    Template.COMMENT: Words("A comment on your request", "Somebody who decides on your request has written to you."),
    Template.COMMENT_INTERNAL: Words("An internal comment", "Somebody who decides on a request has written to you."),
    Template.REPLY: Words("The requester has replied", "The requester has written to those who decide."),
    Template.ADVICE_ASKED: Words(
        "Your advice is asked", "Somebody who decides on a request asks for your advice.", "Please answer"
    ),
    Template.ADVICE_GIVEN: Words("Advice was given", "Somebody has answered your question about a request."),
    Template.CONSENT_FELL: Words(
        "Consent was withdrawn",
        "People in an approved request have withdrawn their consent. The next release leaves them out; what was "
        "collected before is not called back by this.",
    ),
    Template.REPORTED: Words(
        "The outcome of a request is reported",
        "It is reported what came of a request that was released, and that what was released is destroyed. The request "
        "is closed.",
    ),
    Template.REPORT_OVERDUE: Words(
        "A report is overdue",
        "What was released to you should be destroyed and reported on by now. Until it is, you and the project submit "
        "nothing new.",
        "Please report on it",
    ),
    Template.REPORT_LATE: Words(
        "A report is late",
        "What was released on a request that you approved should be destroyed and reported on by now, and is not. Its "
        "requester and their project submit nothing new until it is.",
    ),
    Template.EMERGENCY_OPENED: Words(
        "Emergency access was opened",
        "A clinician has opened records of a domain that you decide for, without an approval, for somebody's care.",
        "Please review whether it was justified",
    ),
    Template.EMERGENCY_UPHELD: Words(
        "Emergency access was upheld", "Those who reviewed an emergency access found it justified."
    ),
    Template.EMERGENCY_NOT_UPHELD: Words(
        "Emergency access was not upheld", "Of those who reviewed an emergency access not all found it justified."
    ),
    Template.EMERGENCY_OVERDUE: Words(
        "Emergency access was not reviewed in time",
        "An emergency access is not reviewed, and its time is over. Its clinician gets no other.",
        "Please review it now: it was due",
    ),
    Template.DECIDED_FOR_YOU: Words(
        "A decision was made in your place",
        "Whoever decides in your place has decided on a request. If you named nobody, tell an operator now.",
    ),
    Template.DELEGATE_NAMED: Words(
        "You were named to decide in somebody's place",
        "Somebody who decides on requests has named you to decide in their place while they are away. It counts once a "
        "second person has confirmed it; you can withdraw it.",
    ),
    Template.DELEGATION_TO_CONFIRM: Words(
        "A delegation waits for its second person",
        "Somebody who decides on requests has named somebody to decide in their place.",
        "Please see whether that is right, and confirm or withdraw it",
    ),
    Template.DELEGATION_CONFIRMED: Words(
        "A delegation was confirmed",
        "A second person has confirmed that one of you decides in the place of the other, on the days that were named.",
    ),
    Template.DELEGATION_WITHDRAWN: Words(
        "A delegation was withdrawn", "Nobody decides in anybody's place under it any more."
    ),
    Template.STANDING_ASKED: Words(
        "A standing approval waits for your decision",
        "A project asks those who decide for a domain, once, for what it will need again and again.",
        "Please read its bounds, and approve it or end it",
    ),
    Template.STANDING_IN_FORCE: Words(
        "A standing approval is in force",
        "Everybody who had to agree to a standing approval has approved it. Requests within its bounds can use it.",
    ),
    Template.STANDING_ENDED: Words(
        "A standing approval has ended",
        "Somebody who decides refused or ended a standing approval. Nothing is released under it any more.",
    ),
    Template.LINKAGE_PROPOSED: Words(
        "A linkage waits for your decision",
        "Somebody proposes to translate pseudonyms between two domains, for one of which you decide.",
        "Please read its terms, and approve it or end it",
    ),
    Template.LINKAGE_IN_FORCE: Words(
        "A linkage is in force", "Everybody who had to agree to a linkage has approved it. It can be used."
    ),
    Template.LINKAGE_ENDED: Words(
        "A linkage has ended",
        "Somebody who decides refused or ended a linkage. Nothing is translated under it any more.",
    ),
    Template.CONTACT_CHANGED: Words(
        "Your address for notices was changed",
        "Notices of Keyholder go to another address from now on. If you did not ask for that, tell an operator now.",
    ),
}


def kind_of(subject: str) -> tuple[str, str]:
    """The name of what an id means, and where its page is."""
    return KINDS.get(subject[:4], ("Request", "requests"))


@dataclass(frozen=True, slots=True)
class Text:
    """A subject line, and plain text."""

    subject: str
    body: str


def text(template: Template, subject: str, due: datetime | None, link: str) -> Text:
    """The words about `subject` (an id of ours, as it stands in addresses). `link` leads to it, or is empty."""
    words = WORDS[template]
    lines = [words.says]
    if words.act:
        lines.append(f"{words.act} by {when(due)}." if due else f"{words.act}.")
    elif due:
        lines.append(f"Until {when(due)}.")
    if subject:
        lines.append(f"{kind_of(subject)[0]}: {subject}")
    lines.append(link or _WITHOUT_LINK)
    lines.append(_END)
    return Text(f"{words.subject}{f': {subject}' if subject else ''}", "\n\n".join(lines) + "\n")


def when(moment: datetime) -> str:
    """In London time and in UTC: `9 July 2026, 10:00 (09:00 UTC)`."""
    local, utc = moment.astimezone(LONDON), moment.astimezone(ZoneInfo("UTC"))
    return f"{local.day} {local:%B %Y, %H:%M} ({utc:%H:%M} UTC)"


_WITHOUT_LINK = "Sign in to Keyholder to see it."
_END = "Keyholder writes no patient's details in a message, and never asks for a password."
