"""The templates and assets to deploy here: the same app, with layers for the interpreter at hand."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

from infra.build_layers import Target, build
from infra.routes import ROOT

KEYS_STACK = "KeyholderKeys"
STACK = "Keyholder"
WITNESS_STACK = "KeyholderWitness"


@dataclass(frozen=True, slots=True)
class Asset:
    """A file to put into the bucket that `cdk bootstrap` makes: its key there and where it is."""

    key: str
    source: Path
    zipped: bool


def synthesise(into: Path) -> Path:
    """Build the layers and synthesise into the folder `into`, cdk-nag included. Raises `CalledProcessError`."""
    layers = build(Target.HOST)
    subprocess.run(
        [sys.executable, "-m", "infra.app"],
        cwd=ROOT,
        env={**os.environ, "CDK_OUTDIR": str(into), "KEYHOLDER_LAYERS": str(layers)},
        check=True,
    )
    return into


def assets_of(assembly: Path, stack: str) -> list[Asset]:
    """What the manifest of a stack wants uploaded, its own template included."""
    manifest = json.loads((assembly / f"{stack}.assets.json").read_text())
    return [
        Asset(
            key=next(iter(file["destinations"].values()))["objectKey"],
            source=assembly / file["source"]["path"],
            zipped=file["source"]["packaging"] == "zip",
        )
        for file in manifest["files"].values()
    ]


def body_of(asset: Asset, scratch: Path) -> Path:
    """The file to upload: the asset itself, or its folder as an archive without compression or real times."""
    if not asset.zipped or asset.source.is_file():
        return asset.source
    target = scratch / asset.key
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for path in sorted(asset.source.rglob("*")):
            if path.is_file():
                entry = zipfile.ZipInfo(path.relative_to(asset.source).as_posix())
                entry.external_attr = 0o644 << 16
                archive.writestr(entry, path.read_bytes())
    return target
