"""`make load`: many callers at once, 500 records each, against the whole stack on the embedded engine.

The shape is that of NECS's own load test of the NHS re-identification service: 100 callers x 500 records, of which nine
in ten have to succeed. Here every answer must be the release, or an honest "later" (429 or 503 that says when to come
again, or the gateway's own 429), every caller gets their release in the end, and the ledger, verified with its rules,
has each exactly once.

The volume limits of the deployment are raised for it: by the delivered ones one person may not be given so many people.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path

from rich.console import Console

from benchmarks.figures import keep
from infra.embedded.demo.data import Files, make, write
from infra.embedded.demo.selection import Row
from infra.embedded.demo.story import INLINE_KINDS, Story
from infra.embedded.demo.telling import Telling
from infra.embedded.stack import EmbeddedStack
from infra.embedded.synthesise import synthesise
from keyholder.client import RequestView
from keyholder.client.ledger_download import VERIFIER_KEY, download
from keyholder.client.transport import HttpsTransport, NoAnswerError, Reply

CALLERS = 100
RECORDS = 500
PATIENTS = 2_000
SEED = 2026
PREPARED_AT_ONCE = 2
RUN_AT_ONCE = 6
"""Calls of functions that the engine runs at a time: an account's concurrency, for a machine of two cores."""
LATER = frozenset({429, 503})
PATIENCE_SECONDS = 900.0
LONGEST_PAUSE_SECONDS = 15.0
LOST = 409
"""`RELEASE_ALREADY_ANSWERED`: the release is in the ledger and its answer was lost; a fresh key asks again."""


@dataclass(slots=True)
class Heard:
    """What all callers were answered."""

    answers: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    first_wave: Counter[int] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Caller:
    """One caller with one approved request."""

    stack: EmbeddedStack
    request: RequestView
    rows: Sequence[Row] = field(repr=False)
    token: str = field(repr=False)

    def call(self, heard: Heard) -> float:
        """Asks until the release is there; the seconds it took."""
        transport, key, began = HttpsTransport(str(self.stack.ca_bundle)), str(uuid.uuid4()), time.monotonic()
        first, attempt = True, 0
        while time.monotonic() - began < PATIENCE_SECONDS:
            try:
                reply = self._ask(transport, key)
            except NoAnswerError:
                heard.answers["no answer"] += 1
                heard.wrong.append("no answer")
                return time.monotonic() - began
            heard.answers[str(reply.status)] += 1
            if first:
                heard.first_wave[reply.status] += 1
            first = False
            if reply.status == 200:
                heard.wrong += self._faults(reply)
                return time.monotonic() - began
            if reply.status == LOST and _code(reply) == "RELEASE_ALREADY_ANSWERED":
                key = str(uuid.uuid4())
                continue
            if reply.status not in LATER or not _says_when(reply):
                heard.wrong.append(f"{reply.status} {_code(reply)}")
                return time.monotonic() - began
            attempt += 1
            time.sleep(_pause(reply, attempt))
        heard.wrong.append("never answered")
        return time.monotonic() - began

    def _ask(self, transport: HttpsTransport, key: str) -> Reply:
        return transport.send(
            "POST",
            f"{self.stack.base_url}/v1/requests/{self.request.id}/release",
            {
                "authorization": f"Bearer {self.token}",
                "content-type": "application/json",
                "idempotency-key": key,
                "if-match": self.request.etag,
            },
            json.dumps({"content_hash": self.request.content_hash}).encode(),
        )

    def _faults(self, reply: Reply) -> list[str]:
        items = json.loads(reply.body)["items"]
        if [item["row_id"] for item in items] != [row.row_id for row in self.rows]:
            return ["rows lost or out of order"]
        return [
            "a wrong identifier"
            for item, row in zip(items, self.rows, strict=True)
            if item["status"] == "released" and item["identifiers"] != row.expected(INLINE_KINDS)
        ]


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load", description=__doc__)
    parser.add_argument("target", type=Path, help="where the figures go")
    parser.add_argument("--callers", type=int, default=CALLERS)
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="keyholder-load-") as name:
        folder = Path(name)
        with EmbeddedStack(folder / "stack", _without_limits(folder / "cdk.out"), RUN_AT_ONCE) as stack:
            return _run(stack, folder, chosen.callers, chosen.target)


def _run(stack: EmbeddedStack, folder: Path, count: int, target: Path) -> int:
    story = _told(stack, folder)
    rows = [story.memory.rows[(500 * place) % 1_000 :][:RECORDS] for place in range(count)]
    began = time.monotonic()
    with ThreadPoolExecutor(PREPARED_AT_ONCE) as pool:
        requests = list(pool.map(lambda some: _approved(story, some), rows))
    print(f"{count} approved requests of {RECORDS} records each, in {time.monotonic() - began:.0f} s")
    token = stack.token("researcher")
    callers = [Caller(stack, request, some, token) for request, some in zip(requests, rows, strict=True)]
    heard, began = Heard(), time.monotonic()
    with ThreadPoolExecutor(count) as pool:
        seconds = sorted(pool.map(lambda caller: caller.call(heard), callers))
    whole = time.monotonic() - began
    lost = _lost(story, folder / "ledger", requests)
    served = heard.answers["200"]
    print(f"answers: {dict(heard.answers)}; of the first calls: {dict(heard.first_wave)}")
    print(
        f"{served} of {count} callers served in {whole:.0f} s, half of them within {seconds[len(seconds) // 2]:.0f} s"
    )
    print(f"wrong answers: {Counter(heard.wrong) or 'none'}; lost in the ledger: {lost or 'none'}")
    keep(
        target,
        {
            "load_callers": count,
            "load_served": served,
            "load_later": sum(heard.answers[str(status)] for status in LATER),
            "load_wrong": len(heard.wrong),
            "load_records_per_second": RECORDS * served / whole,
        },
    )
    return 0 if served == count and not heard.wrong and not lost else 1


def _told(stack: EmbeddedStack, folder: Path) -> Story:
    """The demonstration up to the patients' choices, for fewer patients."""
    files, world = Files(folder / "files"), make(PATIENTS, SEED)
    write(world, files)
    story = Story(stack, world, files, Telling(Console(quiet=True)), SEED)
    story.register()
    story.pseudonymise()
    story.load_choices()
    return story


def _approved(story: Story, rows: Sequence[Row]) -> RequestView:
    researcher, deadline = story.cast["researcher"], time.monotonic() + PATIENCE_SECONDS
    request = story.submitted(story.inline_request(rows)).id
    while researcher.request(request).state == "submitted":
        if time.monotonic() > deadline:
            raise SystemExit("the checks of a submitted request never ran")
        time.sleep(1.0)
    story.approved(request)
    return researcher.request(request)


def _lost(story: Story, folder: Path, requests: Sequence[RequestView]) -> list[str]:
    """Releases that are not in the ledger as often as they were permitted; a ledger that is not whole."""
    auditor = story.cast["auditor"]
    download(auditor, folder, lambda _: None)
    command = [sys.executable, "-m", "keyholder.cli", "audit", "verify", str(folder), "--rules", "--key"]
    verified = subprocess.run([*command, str(folder / VERIFIER_KEY)], check=False, capture_output=True, text=True)
    faults = [] if verified.returncode == 0 else [verified.stdout.strip()]
    for request in requests:
        types = Counter(str(event["type"]) for event in auditor.events(request.id))
        if not types["release.items_released"] == types["request.release_authorised"] >= 1:
            faults.append(f"{request.id}: {dict(types)}")
    return faults


def _without_limits(into: Path) -> Path:
    """The app as it is deployed, with volume limits that nobody reaches."""
    assembly = synthesise(into)
    found = list(assembly.rglob("volume_limits.json"))
    if not found:
        raise SystemExit("the volume limits are not where they are deployed from")
    for path in found:
        limits = json.loads(path.read_text())
        for threshold in limits["thresholds"]:
            threshold |= {"hold_above": None, "block_above": None}
        path.write_text(json.dumps(limits))
    return assembly


def _says_when(reply: Reply) -> bool:
    """Keyholder's own answers say when to come again. The gateway's "too many" (429) never does."""
    return "retry-after" in reply.headers or (reply.status == HTTPStatus.TOO_MANY_REQUESTS and not _code(reply))


def _pause(reply: Reply, attempt: int) -> float:
    """As long as was asked for; else longer each time, and not the same for all."""
    told = reply.headers.get("retry-after")
    if told is not None:
        return min(float(told), LONGEST_PAUSE_SECONDS)
    return min(2.0**attempt, LONGEST_PAUSE_SECONDS) * random.uniform(0.5, 1.0)


def _code(reply: Reply) -> str:
    try:
        return str(json.loads(reply.body).get("code", ""))
    except ValueError:
        return "not a problem document"


if __name__ == "__main__":
    sys.exit(main())
