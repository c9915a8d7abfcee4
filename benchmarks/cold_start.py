"""How long a function takes to load: `python -m benchmarks.cold_start`.

Each figure is from a fresh interpreter that imports boto3 first, which Lambda's runtime brings along, and then the
function's handler. Times are the processor's, which is all that loading waits for once the files are cached, so that
other work on the machine counts for little; functions take turns for the same reason. Byte-code is compiled in a first
round that does not count, as the deployed layers carry it. Ratios are to boto3 in the same interpreter.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from statistics import median

from infra.routes import LAYER, ROOT, Function

PROGRAM = """
import importlib.util, json, sys, time
started = time.process_time()
import boto3
bare = time.process_time()
spec = importlib.util.spec_from_file_location("handler", sys.argv[1])
spec.loader.exec_module(importlib.util.module_from_spec(spec))
print(json.dumps([bare - started, time.process_time() - bare, len(sys.modules)]))
"""

GOAL = 400.0
"""Milliseconds over boto3 for a handler that serves people (DESIGN, section 10); `release` may take 150 more."""


def load(function: Function, byte_code: str) -> tuple[float, float, int]:
    """Milliseconds for boto3, milliseconds for the handler after it, and how many modules are loaded in the end."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment |= {"PYTHONPATH": str(LAYER), "PYTHONPYCACHEPREFIX": byte_code}
    handler = ROOT / "functions" / function / "handler.py"
    command = [sys.executable, "-c", PROGRAM, str(handler)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    bare, over, modules = json.loads(done.stdout)
    return bare * 1_000, over * 1_000, modules


def main() -> None:
    """Print one line for each function."""
    parser = argparse.ArgumentParser(description="Measure how long each function takes to load.")
    parser.add_argument("--rounds", type=int, default=9)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as byte_code:
        for function in Function:
            load(function, byte_code)
        runs = [{function: load(function, byte_code) for function in Function} for _ in range(rounds)]
    print(f"{rounds} rounds; milliseconds over boto3; goal {GOAL:.0f}, release {GOAL + 150:.0f}")
    print(f"{'function':<14}{'median':>8}{'least':>8}{'x boto3':>9}{'modules':>9}")
    for function in Function:
        over = [run[function][1] for run in runs]
        ratio = median(run[function][1] / run[function][0] for run in runs)
        print(f"{function:<14}{median(over):>8.0f}{min(over):>8.0f}{ratio:>9.2f}{runs[0][function][2]:>9}")
    print(f"{'boto3 alone':<14}{median(bare for run in runs for bare, _, _ in run.values()):>8.0f}")


if __name__ == "__main__":
    main()
