"""Keyholder on this machine, until Ctrl-C: `python -m infra.embedded.serve`."""

from __future__ import annotations

import signal
import sys
import threading
import time
from types import FrameType

from infra.embedded.dev_issuer import PERSONA_GRANT
from infra.embedded.personas import PERSONAS
from infra.embedded.stack import EmbeddedStack

EVERY_SECONDS = 2.0
"""How often it is looked for notices."""


def main() -> int:
    """Start, print how to reach it, and stay up. Returns the exit status."""
    stopping = threading.Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        stopping.set()

    print("Starting Keyholder on this machine …", file=sys.stderr)
    began = time.monotonic()
    with EmbeddedStack() as stack:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, stop)
        print(greeting(stack, time.monotonic() - began), flush=True)
        watch(stack, stopping)
        print("Stopping …", file=sys.stderr)
    return 0


def watch(stack: EmbeddedStack, stopping: threading.Event) -> None:
    """Shows each notice as it would have been sent, until the end."""
    shown = 0
    while not stopping.wait(EVERY_SECONDS):
        messages = stack.messages()
        for message in messages[shown:]:
            print(f"notice to {message.to}: {message.subject}", flush=True)
        shown = len(messages)


def greeting(stack: EmbeddedStack, seconds: float) -> str:
    """What somebody needs to know to use the stack."""
    token = (
        f"curl -s --cacert {stack.ca_bundle} {stack.issuer_url}/token -d grant_type={PERSONA_GRANT} -d persona=PERSONA"
    )
    people = "\n".join(f"  {who.key:22}{who.name}, {who.role} at {who.organisation}" for who in PERSONAS)
    return (
        f"Keyholder is up ({seconds:.1f} s). Ctrl-C stops it and forgets everything.\n\n"
        f"base URL   {stack.base_url}/v1\n"
        f"issuer     {stack.issuer_url}\n"
        f"CA bundle  {stack.ca_bundle}\n\n"
        f"A token (access_token in the answer) for PERSONA:\n  {token}\n\n{people}\n"
    )


if __name__ == "__main__":
    sys.exit(main())
