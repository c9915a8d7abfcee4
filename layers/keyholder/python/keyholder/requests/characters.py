"""Characters that no free text may hold: looked for before anything is stored."""

from __future__ import annotations

import re
from collections.abc import Iterator

from keyholder.refusals import Refusal, RefusalKind

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")
"""Control characters but tab and line ends; what turns the direction of writing round, so that a text reads otherwise
than it is stored (CVE-2021-42574); and what is no character at all."""

CONTROL_ADVICE = "Take out the control character; line ends and tabs may stay."
CONTROL_IN_TEXT = Refusal("CONTROL_IN_TEXT", RefusalKind.INVALID, CONTROL_ADVICE)


def control_faults(text: str, pointer: str) -> Iterator[Refusal]:
    """A refusal for the first of these characters: where it stands (RFC 5147), not what it is."""
    found = _CONTROL.search(text)
    if found:
        place = f"{pointer}#char={found.start()},{found.end()}"
        yield Refusal(CONTROL_IN_TEXT.code, CONTROL_IN_TEXT.kind, CONTROL_ADVICE, place)


def has_control(text: str) -> bool:
    """Whether one of these characters is in it."""
    return _CONTROL.search(text) is not None
