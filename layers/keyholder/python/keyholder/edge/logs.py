"""Log lines are codes with constant messages: no free text, so no patient, can get into one.

An operator greps for a code; `docs/operations.md` says what each means and what to do.
"""

from __future__ import annotations

import logging
from enum import Enum

from aws_lambda_powertools import Logger

# Powertools logs every exception that leaves a handler, with its text and traceback, past our codes (api_gateway.py:
# _call_route); on Lambda the root logger writes that to the function's log. Texts of exceptions may quote data.
logging.getLogger("aws_lambda_powertools").setLevel(logging.CRITICAL + 1)


class LogCode(Enum):
    """(code, level, message)."""

    ANSWERED = ("EDGE001", "INFO", "answered")
    NOT_SIGNED_IN = ("EDGE002", "WARNING", "refused a missing or invalid token")
    FAULT = ("EDGE004", "ERROR", "failed; the exception's type and place follow")
    LEDGER_UNAVAILABLE = ("EDGE005", "ERROR", "the ledger could not be written; nothing took effect")
    ISSUER_UNREACHABLE = ("EDGE006", "ERROR", "the token issuer's keys could not be read")
    CHECKS_DONE = ("REL001", "INFO", "checks recorded")
    CHECKS_SKIPPED = ("REL002", "INFO", "checks not needed any more")
    CHECKS_HELD = ("REL004", "WARNING", "a controller has switched its own key off; checks wait for it")
    RELEASED = ("REL003", "INFO", "release finished")
    FILE_DONE = ("REQ001", "INFO", "a file of records was read, or refused")
    FILE_SKIPPED = ("REQ002", "INFO", "no file waits to be read")
    RELEASE_SKIPPED = ("REL008", "INFO", "a release is over, or another call is at it")
    RELEASE_STOPPED = ("REL009", "WARNING", "a release off the queue was stopped; the request says why")
    EXTRACT_DONE = ("PSE001", "INFO", "work on an extract ended")
    EXTRACT_SKIPPED = ("PSE002", "INFO", "an extract needs no work, or another is at it")
    EXTRACT_HELD = ("PSE003", "WARNING", "a key is not to be had; an extract waits for it")
    EXTRACT_HANDED_OVER = ("PSE004", "INFO", "work on an extract had no time left; it goes on in another call")
    EMERGENCY = ("REL006", "WARNING", "an emergency access was opened; its controllers are told and review it")
    ALERT_LATE = ("REL007", "ERROR", "controllers could not be told at once; the sweeper tells them within minutes")
    PEOPLE_LISTED = ("REL005", "INFO", "people to ask the opt-out service about are listed")
    SWEPT = ("SWP001", "INFO", "sweep finished")
    KEYS_HELD = ("SWP004", "WARNING", "a controller has switched its own key off; a key change waits for it")
    SWEEP_FAILED = ("SWP002", "ERROR", "sweep could not finish")
    VIEW_FAILED = ("SWP003", "ERROR", "a view could not be brought up to date")
    ANNOUNCE_FAILED = ("SWP005", "ERROR", "committed events could not be announced; the next sweep goes on")
    NOTIFIED = ("NOT001", "INFO", "people were told of an event")
    NOTICES_OFF = ("NOT002", "WARNING", "no channel is set up for notices; nobody is told")
    NOTICE_LATE = ("NOT003", "WARNING", "an event is too old to tell anybody")
    NOTIFY_FAILED = ("NOT004", "ERROR", "somebody could not be told; it comes again")
    WATCHED = ("WAT001", "INFO", "the ledger was looked at")
    LEDGER_SPOILT = ("WAT002", "ERROR", "the ledger bucket holds what it must not")
    WATCH_FAILED = ("WAT003", "ERROR", "the ledger could not be looked at")
    MESH_DONE = ("MSH001", "INFO", "opt-outs were asked for and collected")
    MESH_OFF = ("MSH002", "INFO", "MESH is not connected; what is past its time was removed")
    MESH_BUSY = ("MSH003", "INFO", "another round with the mailbox has not ended")
    MESH_FAILED = ("MSH004", "ERROR", "the round with the mailbox could not finish; the next one goes on")
    REMOVAL_FAILED = ("MSH005", "ERROR", "something past its time could not be removed")
    REBUILD_LOOKED = ("RBD001", "INFO", "the tables were compared with the journal")
    REBUILT = ("RBD002", "WARNING", "tables and views were made again from the journal")
    REBUILD_REFUSED = ("RBD003", "WARNING", "refused to rebuild")
    REBUILD_FAILED = ("RBD004", "ERROR", "a rebuild could not finish; it can be begun again")
    LEDGER_NOT_WHOLE = ("RBD005", "ERROR", "the ledger is not whole; nothing was compared with it, nor changed")
    WITNESSED = ("WIT001", "INFO", "the ledger was witnessed")
    DISAGREED = ("WIT002", "ERROR", "the ledger is not what it was, or not what it must be; nothing was cosigned")
    STAMPED = ("WIT004", "INFO", "the day's checkpoint was time-stamped")
    STAMP_FAILED = ("WIT005", "WARNING", "no time-stamp was to be had; the next round asks again")
    WITNESS_FAILED = ("WIT003", "ERROR", "the ledger could not be witnessed")

    def __init__(self, code: str, level: str, message: str) -> None:
        self.code = code
        self.level = level
        self.message = message


class Log:
    """Writes coded lines as JSON. Fields are counts, codes and request ids only."""

    def __init__(self, function: str) -> None:
        self._logger = Logger(service=function, log_uncaught_exceptions=False)

    def write(self, code: LogCode, **fields: str | int) -> None:
        """One line. `fields` never hold what a caller sent or what a patient is."""
        line = {"INFO": self._logger.info, "WARNING": self._logger.warning, "ERROR": self._logger.error}[code.level]
        line(code.message, extra={"code": code.code, **fields})

    def fault(self, code: LogCode, fault: BaseException, **fields: str | int) -> None:
        """One line with the exception's type and the place it came from; its text may quote data and stays out."""
        place = fault.__traceback__
        while place is not None and place.tb_next is not None:
            place = place.tb_next
        where = f"{place.tb_frame.f_code.co_qualname}:{place.tb_lineno}" if place is not None else "unknown"
        self.write(code, exception=type(fault).__name__, where=where, **fields)
