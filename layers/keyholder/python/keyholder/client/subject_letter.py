"""What a person is given who asks who looked up their identity (UK GDPR Article 15).

When, for which organisation and project, in what capacity, for what purpose and on which legal basis, and which kinds
of identifiers. No name and no id of a member of staff, nobody else's data, and nothing that identifies the person: who
sends it knows whom they send it to.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from keyholder.client.answers import Reader, SubjectSearch
from keyholder.policy.tables import REASONS
from keyholder.policy.vocabulary import LegalBasis

_BASES = {
    LegalBasis.EXPLICIT_CONSENT.value: "your own consent",
    LegalBasis.S251_REG5.value: "support under section 251 of the NHS Act 2006",
    LegalBasis.S251_REG2.value: "support under section 251 of the NHS Act 2006, for cancer",
    LegalBasis.COPI_REG3.value: "protection of public health, regulation 3 of the COPI Regulations 2002",
    LegalBasis.STATUTORY_DIRECTION.value: "a direction that the law allows to be given",
    LegalBasis.COURT_ORDER.value: "an order of a court",
    LegalBasis.OVERRIDING_PUBLIC_INTEREST.value: "an overriding public interest in one case",
    LegalBasis.IMPLIED_CONSENT_DIRECT_CARE.value: "your own care",
}
_WHY = {row.reason.value: row.when for row in REASONS}
_LONDON = ZoneInfo("Europe/London")

_BEGINNING = """\
Who has asked for your identity

Data about your care is used under codes. Keyholder is the service that can turn such a code back into your NHS number,
date of birth, postcode or similar, and it writes down each time before it does so. This is what is written down."""


def subject_letter(search: SubjectSearch) -> str:
    """The text. Raises `AnswerError` for an answer that lacks what it is made from."""
    found = [Reader(hit.document) for hit in search.found]
    given = [hit for hit in found if hit.flag("disclosed")]
    kept = [hit for hit in found if not hit.flag("disclosed")]
    parts = [_BEGINNING, _counted("Your identity was given to others", given)]
    parts += [_entry(hit) for hit in given]
    parts.append(_counted("Your code was looked up, and nothing was given", kept))
    parts += [_entry(hit) for hit in kept]
    parts.append(_ending(search))
    return "\n\n".join(parts) + "\n"


def _counted(words: str, hits: list[Reader]) -> str:
    if not hits:
        return f"{words}: never."
    return f"{words}: once." if len(hits) == 1 else f"{words}: {len(hits)} times."


def _entry(hit: Reader) -> str:
    return "\n".join(f"  {name:<18} {value}" for name, value in _lines(hit))


def _lines(hit: Reader) -> Iterator[tuple[str, str]]:
    moment = datetime.fromisoformat(hit.text("at")).astimezone(_LONDON)
    yield "when", f"{moment:%d %B %Y, %H:%M}, London time"
    yield "data from", hit.text("domain")
    yield "project", hit.text("project")
    yield (
        "asked for by",
        f"{_words(hit.text('capacity'))}, for a project of {_organisation(hit, 'organisation')}",
    )
    yield "to be received by", _organisation(hit, "recipient")
    yield "purpose", _words(hit.text("purpose"))
    yield "legal basis", _plain(_BASES, hit.text("legal_basis"))
    if hit.flag("disclosed"):
        kinds = [_words(str(kind)) for kind in hit.sequence("identifier_types")]
        yield "identifiers", f"at most {', '.join(kinds)}"
    yield "reason", _plain(_WHY, hit.text("outcome"))
    yield "request", hit.text("request")
    yield "ledger entry", str(hit.number("index"))


def _plain(words: Mapping[str, str], code: str) -> str:
    """In plain English, and the code it was decided under."""
    return f"{words[code]} ({code})" if code in words else code


def _organisation(hit: Reader, name: str) -> str:
    return f"organisation {hit.text_or_none(name) or 'unknown'}"


def _words(code: str) -> str:
    return code.replace("_", " ").replace("nhs number", "NHS number").replace("gp local", "GP local")


def _ending(search: SubjectSearch) -> str:
    how = (
        "Every entry of the ledger was read and checked for this answer."
        if search.proven
        else "The answer was looked up in an index of the ledger. You may ask for every entry to be read and checked."
    )
    return (
        f"{how}\nThe ledger had {search.size} entries; their fingerprint (root) is\n{search.root}.\n"
        "Organisations are named by their codes; https://odsportal.digital.nhs.uk shows who they are. An entry is\n"
        "written before anything is given, so after a technical failure the ledger may say more than was given, never\n"
        "less."
    )
