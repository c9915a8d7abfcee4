"""The end of the demonstration: the auditor's proof, and the attempts that have to fail."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from infra.embedded.demo.telling import claim
from infra.routes import LAYER
from keyholder.canonical import JsonObject
from keyholder.client import Unavailable
from keyholder.client.ledger_download import VERIFIER_KEY, Downloaded, download

if TYPE_CHECKING:
    from infra.embedded.demo.story import Story
    from infra.embedded.stack import EmbeddedStack

NOT_VERIFIED = 6
UNWRITABLE = "DemonstrationMakesTheJournalUnwritable"


def audit(story: Story) -> tuple[Downloaded, int]:
    """Step 7; the answer is the downloaded ledger and how many events the main request has."""
    auditor, memory, telling = story.cast["auditor"], story.memory, story.telling
    events = list(auditor.events(memory.file_request))
    indexes = [event["index"] for event in events]
    claim(events and _rising(indexes), "the events of a request come in the ledger's order")
    telling.say(f"The request's {len(events)} events: {', '.join(_types(events))}.")
    both = next(
        row for row in memory.with_consent if row.patient.nhs_number not in story.world.practice.opted_out_since
    )
    answer = auditor.subject_search(both.patient.nhs_number, "subject_access_request")
    claim(
        memory.inline_request in {hit.request for hit in answer.found}, "the search finds who re-identified a patient"
    )
    telling.say(
        f"Who re-identified one patient? {len(answer.found)} time(s), by {(answer.found[0].actor or 'nobody')[:14]}…."
    )
    if story.files.ledger.exists():
        shutil.rmtree(story.files.ledger)
    with telling.progress("Downloading the ledger", answer.size) as advance:
        ledger = download(auditor, story.files.ledger, lambda _: advance(1))
    _pin(story.stack, story.files.ledger)
    status, words = verified(story.files.ledger)
    claim(status == 0 and ledger.root in words, f"the downloaded ledger verifies offline ({words})")
    telling.say(f"keyholder audit verify: {words}")
    return ledger, len(events)


def _rising(indexes: Sequence[object]) -> bool:
    numbers = [index for index in indexes if isinstance(index, int)]
    return len(numbers) == len(indexes) and numbers == sorted(set(numbers))


def _types(events: Sequence[JsonObject]) -> list[str]:
    return list(dict.fromkeys(str(event.get("type")) for event in events))


def _pin(stack: EmbeddedStack, ledger: Path) -> None:
    """The key that came with the download has to be the one that was pinned when the stack was deployed."""
    told = (ledger / VERIFIER_KEY).read_text(encoding="utf-8").strip()
    claim(told == stack.deployed.environment["LEDGER_VKEY"], "the download names the pinned verifier key")


def verified(ledger: Path) -> tuple[int, str]:
    """Runs `keyholder audit verify` in a process of its own: its exit status and what it said."""
    command = [sys.executable, "-m", "keyholder.cli", "audit", "verify", str(ledger), "--key"]
    done = subprocess.run(
        [*command, str(ledger / VERIFIER_KEY)],
        check=False,
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(LAYER), "LC_ALL": "C.UTF-8"},
        timeout=60,
    )
    return done.returncode, (done.stdout or done.stderr).strip()


def challenge(story: Story) -> None:
    """Step 8."""
    for words, tamper in (("one character of one event changed", _change_a_letter), ("one object gone", _lose_one)):
        status, said = _tampered(story.files.ledger, tamper)
        claim(status == NOT_VERIFIED, f"a ledger with {words} is refused (exit {status}: {said})")
        story.telling.say(f"A copy of the ledger with {words}: exit {status}, {said}.")
    _fail_closed(story)


def _tampered(ledger: Path, tamper: Callable[[Path], None]) -> tuple[int, str]:
    with tempfile.TemporaryDirectory(prefix="keyholder-tampered-") as scratch:
        copy = Path(scratch) / "ledger"
        shutil.copytree(ledger, copy)
        tamper(copy)
        return verified(copy)


def _journal(ledger: Path) -> list[Path]:
    return sorted((ledger / "journal").iterdir())


def _change_a_letter(ledger: Path) -> None:
    """Another person did it: the first digit of an actor in the middle of the journal."""
    mark = b'"actor":"person/'
    journal = _journal(ledger)
    path = next(path for path in journal[len(journal) // 2 :] if mark in path.read_bytes())
    body = bytearray(path.read_bytes())
    place = body.index(mark) + len(mark)
    body[place] = ord("a") if body[place] != ord("a") else ord("b")
    path.write_bytes(body)


def _lose_one(ledger: Path) -> None:
    """An object in the middle is missing, from the folder and from the list of versions."""
    journal = _journal(ledger)
    lost = journal[len(journal) // 2]
    lost.unlink()
    listed = ledger / "versions.json"
    versions = json.loads(listed.read_text(encoding="utf-8"))
    del versions[f"journal/{lost.name}"]
    listed.write_text(json.dumps(versions), encoding="utf-8")


def _fail_closed(story: Story) -> None:
    """An approved request is released while nobody can write the journal, and with the same key once they can again."""
    draft = story.submitted(story.small_request())
    approved = story.approved(story.checked(draft.id).id)
    impatient = story.cast.trying("researcher", 1)
    etag = impatient.request(approved.id).etag
    key: str | None = None
    with unwritable_journal(story.stack):
        try:
            impatient.release(approved.id, approved.content_hash or "", etag)
        except Unavailable as refused:
            claim(refused.problem.status == 503, f"the answer is 503, not {refused.problem.status}")
            _names_nobody(story, json.dumps(dict(refused.problem.document)))
            key = refused.idempotency_key
            story.telling.say(
                "The journal can't be written: a release answers 503, and no identifier is in the answer."
            )
        else:
            claim(holds=False, words="nothing is released while the ledger can't be written")
    result = impatient.release(approved.id, approved.content_hash or "", etag, idempotency_key=key)
    claim(result.items and all(item.identifiers for item in result.items), "with the journal back, a release works")
    story.telling.say("With the journal back, the same call with the same key works.")


def _names_nobody(story: Story, answer: str) -> None:
    for row in story.memory.with_consent:
        values = [row.patient.nhs_number, row.patient.date_of_birth, *row.tokens.values()]
        claim(not any(value in answer for value in values), "a refused release names nobody")


@contextmanager
def unwritable_journal(stack: EmbeddedStack) -> Iterator[None]:
    """While it lasts, the ledger bucket's own policy denies everybody to put anything below `journal/`."""
    s3, bucket = stack.admin("s3"), stack.deployed.environment["LEDGER_BUCKET"]
    before = s3.get_bucket_policy(Bucket=bucket)["Policy"]
    policy = json.loads(before)
    policy["Statement"].append(
        {
            "Sid": UNWRITABLE,
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:PutObject",
            "Resource": f"arn:aws:s3:::{bucket}/journal/*",
        }
    )
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))
    try:
        yield
    finally:
        s3.put_bucket_policy(Bucket=bucket, Policy=before)
