"""Keyholder as a client sees it, without a network: answers as told, and remembers what it was asked."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from keyholder.client import Keyholder
from keyholder.client.transport import NoAnswerError, Reply

URL = "https://keyholder.test/base"


@dataclass
class Asked:
    """One HTTP request as it was sent."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: object


Answer = Reply | NoAnswerError
Answering = Callable[[Asked], Answer]


@dataclass
class FakeApi:
    """Answers by a function, or with a list of answers in turn."""

    answers: list[Answer] | Answering
    asked: list[Asked] = field(default_factory=list)

    def send(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> Reply:
        asked = Asked(method, url.removeprefix(URL), headers, None if body is None else json.loads(body))
        self.asked.append(asked)
        answer = self.answers(asked) if callable(self.answers) else self.answers.pop(0)
        if isinstance(answer, NoAnswerError):
            raise answer
        return answer

    def client(self, attempts: int = 4) -> Keyholder:
        return Keyholder(URL, lambda: "token", transport=self, attempts=attempts)


def ok(body: object, status: int = 200, **headers: str) -> Reply:
    return Reply(status, {"content-type": "application/json", **headers}, json.dumps(body).encode())


def problem(
    status: int, slug: str = "some-problem", *, headers: Mapping[str, str] | None = None, **more: object
) -> Reply:
    document = {
        "type": f"https://keyholder.example/problems/{slug}",
        "title": "Something",
        "status": status,
        "detail": "Do something else.",
        "request_id": "3f0c7c4e-0000-4000-8000-000000000000",
        **more,
    }
    sent = {"content-type": "application/problem+json", **(headers or {})}
    return Reply(status, sent, json.dumps(document).encode())


def view(state: str = "in_review", *, version: int = 3, allowed: tuple[str, ...] = ("withdraw",)) -> dict[str, object]:
    return {
        "id": "REQ-1",
        "state": state,
        "version": version,
        "revision": 1,
        "content_hash": "ab" * 32,
        "domains": [],
        "allowed_commands": [{"command": name, "allowed": True} for name in allowed],
    }
