"""What callers are answered about addresses for notices; as in `answers`."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import AwareDatetime

from keyholder.edge.answers.form import Answer, PersonReference, Success
from keyholder.notices.contacts import Channel


class ContactView(Answer):
    """That there is an address for notices, since when and by whom. The address itself is never shown."""

    person_id: PersonReference
    channel: Channel | None
    """Null once the address was removed."""
    since: AwareDatetime
    by: PersonReference


SUCCESSES: Mapping[str, Success] = {
    f"{route} /v1/people/{{person_id}}/contact{more}": Success(ContactView, versioned=True)
    for route, more in (("GET", ""), ("POST", ""), ("POST", "/remove"))
}
"""By route."""
