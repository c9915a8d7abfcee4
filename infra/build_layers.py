"""Build the layers with byte-code: `python -m infra.build_layers lambda|host`.

A Lambda package normally holds no byte-code and Lambda cannot write any, so a cold start compiles everything: shipping
it saves 60 % of that. `lambda` builds for Lambda (arm64), `host` for the interpreter at hand, which the embedded target
runs its functions with. boto3 is in neither: Lambda's runtime has it, and so has a development environment.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import shutil
import subprocess
import sys
from enum import StrEnum
from pathlib import Path

from infra.routes import LAYER, ROOT

REQUIREMENTS = ROOT / "requirements"
PACKAGES = {"dependencies": "runtime.txt", "mesh": "mesh.txt", "timestamps": "timestamps.txt"}
"""Layer -> what is locked for it: the functions' dependencies, and what the mesh and the witness have beside them."""
BUILD = ROOT / "build" / "layers"
LAMBDA_PYTHON = "3.13"
LAMBDA_PLATFORMS = ("manylinux_2_34_aarch64", "manylinux_2_28_aarch64", "manylinux2014_aarch64")
"""Amazon Linux 2023 has glibc 2.34; pip takes no newer tag to mean the older ones too."""

NOT_AT_RUN_TIME = ("**/tests", "**/test", "**/*.pyi", "bin")
"""What a package brings along that no function imports."""


class Target(StrEnum):
    """Where the layers are to run."""

    LAMBDA = "lambda"
    HOST = "host"


def build(target: Target) -> Path:
    """All layers for `target`, in `build/layers/<target>`; what is up to date is left alone.

    Raises `RuntimeError` when there is no interpreter to compile for Lambda with.
    """
    folder = BUILD / target
    folder.mkdir(parents=True, exist_ok=True)
    interpreter = sys.executable if target is Target.HOST else _lambda_interpreter()
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for layer, locked in PACKAGES.items():
            _packages(folder / layer, REQUIREMENTS / locked, target, interpreter)
        _keyholder(folder / "keyholder", interpreter)
    return folder


def _keyholder(folder: Path, interpreter: str) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(LAYER, folder / "python", ignore=shutil.ignore_patterns("__pycache__", "*.pyc", "*.egg-info"))
    _compile(folder, interpreter)


def _packages(folder: Path, locked: Path, target: Target, interpreter: str) -> None:
    stamp = folder.with_name(f"{folder.name}.stamp")
    built_from = hashlib.sha256(locked.read_bytes() + f"{target} {interpreter} {sys.version}".encode()).hexdigest()
    if stamp.is_file() and stamp.read_text() == built_from and folder.is_dir():
        return
    shutil.rmtree(folder, ignore_errors=True)
    stamp.unlink(missing_ok=True)
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"),
            *("--require-hashes", "--only-binary", ":all:", "--no-deps", "-r", str(locked)),
            *("--target", str(folder / "python")),
            *(_for_lambda() if target is Target.LAMBDA else ()),
        ],
        check=True,
    )
    for pattern in NOT_AT_RUN_TIME:
        for path in [*(folder / "python").glob(pattern)]:
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
    _compile(folder, interpreter)
    stamp.write_text(built_from)


def _for_lambda() -> tuple[str, ...]:
    platforms = (option for platform in LAMBDA_PLATFORMS for option in ("--platform", platform))
    return (*platforms, "--python-version", LAMBDA_PYTHON, "--implementation", "cp")


def _compile(folder: Path, interpreter: str) -> None:
    # unchecked-hash: no time stamp to disagree with the archive's, and the same source gives the same asset.
    options = ["-q", "-j", "0", "--invalidation-mode", "unchecked-hash", "-s", str(folder), "-p", "/opt"]
    subprocess.run([interpreter, "-m", "compileall", *options, str(folder / "python")], check=True)


def _lambda_interpreter() -> str:
    """An interpreter of Lambda's minor version: byte-code of any other is not even looked at."""
    for candidate in (sys.executable, f"python{LAMBDA_PYTHON}"):
        found = shutil.which(candidate)
        if found is None:
            continue
        asked = "import sys; print('.'.join(map(str, sys.version_info[:2])))"
        answer = subprocess.run([found, "-c", asked], capture_output=True, text=True, check=False)
        if answer.returncode == 0 and answer.stdout.strip() == LAMBDA_PYTHON:
            return found
    raise RuntimeError(f"byte-code for Lambda needs python{LAMBDA_PYTHON} on the PATH")


def main() -> None:
    """Build for the target named on the command line and print where."""
    parser = argparse.ArgumentParser(description="Build the layers, with byte-code.")
    parser.add_argument("target", type=Target, choices=list(Target))
    print(build(parser.parse_args().target).relative_to(ROOT))


if __name__ == "__main__":
    main()
