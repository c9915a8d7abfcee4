"""What may be sent about addresses for notices; as in `bodies`."""

from __future__ import annotations

from typing import Annotated

from pydantic import StringConstraints

from keyholder.edge.bodies import Body
from keyholder.notices.contacts import LONGEST_ADDRESS


class ContactBody(Body):
    """Where somebody is told. It is kept apart from everything else, sealed, and can be removed."""

    email: Annotated[str, StringConstraints(min_length=3, max_length=LONGEST_ADDRESS)]
