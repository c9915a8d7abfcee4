"""What callers are answered about the service itself; as in `answers`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict

from keyholder.edge.answers.form import Answer, Success


class Status(Answer):
    """It answers."""

    status: Literal["ok"]


class Description(BaseModel):
    """An OpenAPI 3.1 document."""

    model_config = ConfigDict(extra="allow")

    openapi: Literal["3.1.0"]
    info: dict[str, object]
    paths: dict[str, object]
    components: dict[str, object]


SUCCESSES: Mapping[str, Success] = {
    "GET /v1/openapi.json": Success(Description),
    "GET /v1/status": Success(Status),
}
"""By route."""
