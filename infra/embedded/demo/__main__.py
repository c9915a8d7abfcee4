"""`python -m infra.embedded.demo`: the whole story on this machine, in a minute or two. Exit 1 if it is not as told."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from infra.embedded.demo.data import Files, make, write
from infra.embedded.demo.story import Story
from infra.embedded.demo.telling import NotAsToldError, Telling, claim
from infra.embedded.stack import EmbeddedStack
from infra.routes import ROOT
from keyholder.client import AnswerError, KeyholderError

PATIENTS = 10_000
SEED = 2026
LOG_LINES = 12


def main(arguments: list[str] | None = None) -> int:
    """Runs the demonstration; the answer is the exit status."""
    parser = argparse.ArgumentParser(prog="python -m infra.embedded.demo", description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "demo", help="where the files go")
    parser.add_argument("--patients", type=int, default=PATIENTS)
    parser.add_argument("--seed", type=int, default=SEED)
    chosen = parser.parse_args(arguments)
    telling = Telling()
    try:
        summary = run(chosen.out.resolve(), chosen.patients, chosen.seed, telling)
    except (NotAsToldError, KeyholderError, AnswerError) as fault:
        telling.console.print(f"\n[bold red]Not as told:[/bold red] {fault}", soft_wrap=True)
        return 1
    _close(telling, summary, chosen.out)
    return 0


def run(out: Path, patients: int, seed: int, telling: Telling) -> dict[str, object]:
    """The story, with its files in `out`; the answer is the content of `summary.json`."""
    began = time.monotonic()
    files = Files(out)
    if out.exists():
        claim(files.extract.exists() or not any(out.iterdir()), f"{out} holds nothing but an earlier demonstration")
        shutil.rmtree(out)
    telling.console.print("[bold]Keyholder on this machine[/bold]: all of this happens for real, over HTTPS.")
    with ExitStack() as running:
        with telling.step("start", f"An invented practice with {patients} patients; an engine in place of AWS"):
            world = make(patients, seed)
            write(world, files)
            with telling.waiting("Synthesising the CDK app, deploying it"):
                stack = running.enter_context(EmbeddedStack())
        try:
            told = Story(stack, world, files, telling, seed).tell()
        except Exception:
            telling.console.print(_log_end(stack.engine.log), style="dim", markup=False, soft_wrap=True)
            raise
    total = round(time.monotonic() - began, 2)
    summary: dict[str, object] = {**told, "seconds": {**telling.seconds, "total": total}}
    (out / "summary.json").write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")
    return summary


def _log_end(log: Path) -> str:
    """The last lines of the engine's log: what the functions said before something went wrong."""
    return (
        "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-LOG_LINES:]) if log.exists() else ""
    )


def _close(telling: Telling, summary: Mapping[str, object], out: Path) -> None:
    words = {name: str(value) for name, value in summary.items() if not isinstance(value, Mapping)}
    telling.summary("What happened", words | {"seconds": f"{sum(telling.seconds.values()):.1f}", "files": str(out)})


if __name__ == "__main__":
    sys.exit(main())
