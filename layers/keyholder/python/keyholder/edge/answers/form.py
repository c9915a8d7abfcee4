"""What every answer is built of: the closed model, the spellings of references and hashes, and what a route answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from keyholder.vocabulary import IdentifierType

Hash = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
"""SHA-256 in hexadecimal."""
PersonReference = Annotated[str, StringConstraints(pattern=r"^person/[0-9a-f]{32}$")]
Ulid = Annotated[str, StringConstraints(pattern=r"^[0-9A-HJKMNP-TV-Z]{26}$")]
RequestReference = Annotated[str, StringConstraints(pattern=r"^REQ-[0-9A-HJKMNP-TV-Z]{26}$")]
ExtractReference = Annotated[str, StringConstraints(pattern=r"^EXT-[0-9A-HJKMNP-TV-Z]{26}$")]
EmergencyReference = Annotated[str, StringConstraints(pattern=r"^EMG-[0-9a-f]{32}-[1-9][0-9]{0,3}$")]
ReleaseReference = Annotated[str, StringConstraints(pattern=r"^REL-[0-9A-HJKMNP-TV-Z]{26}$")]
PolicyChangeReference = Annotated[str, StringConstraints(pattern=r"^PCH-[0-9A-HJKMNP-TV-Z]{26}$")]
SafeCount = Annotated[str, StringConstraints(pattern=r"^(0|1-7|[1-9][0-9]*)$")]
Count = Annotated[int, Field(ge=0)]
Text = Annotated[str, StringConstraints(min_length=1)]
Kinds = list[IdentifierType]


class Answer(BaseModel):
    """Closed: nothing else is ever in it. A field with a default may be absent; every other one is there."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


@dataclass(frozen=True, slots=True)
class Success:
    """What one route answers when it does what was asked: JSON of this model, or an age file where there is none."""

    model: type[BaseModel] | None
    versioned: bool = False
    """It carries an ETag."""
    or_age: bool = False
    """Or an age file."""
