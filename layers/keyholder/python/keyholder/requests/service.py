"""The desk where commands on requests are handed in and requests are read: every topic's part of it in one class."""

from __future__ import annotations

from keyholder.requests.desk.conversing import Conversing
from keyholder.requests.desk.core import Assess, Call, Done, Question
from keyholder.requests.desk.deciding import Deciding
from keyholder.requests.desk.drafting import Drafting
from keyholder.requests.desk.handling import Handling
from keyholder.requests.desk.reading import Page, Reading
from keyholder.requests.desk.releasing import ReleaseSteps
from keyholder.requests.desk.reporting import Reporting
from keyholder.requests.desk.reviewing import Reviewing
from keyholder.requests.desk.standing import UnderStanding
from keyholder.requests.desk.waiting import Waiting

__all__ = ["Assess", "Call", "Done", "Page", "Question", "RequestDesk"]


class RequestDesk(
    Drafting,
    Handling,
    Conversing,
    Deciding,
    Reviewing,
    UnderStanding,
    ReleaseSteps,
    Reporting,
    Waiting,
    Reading,
):
    """Carries out commands on requests. Every method may raise `LedgerUnavailableError`; nothing took effect then.

    A command comes back as `Done`, or as the `Refusal` that is by then in the ledger too.
    """
