"""What a run is made of, written before it trains and checked when it goes on: data, split, versions, plugins.

    config.toml   the settings             record.json   data and their digests, standardization, versions
    split.npz     which rows are which     plugins/      the source of the user's plugins
"""

from __future__ import annotations

import io
import platform
import subprocess
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from nnlaw import __version__
from nnlaw.nn.core.settings import Settings, read_settings
from nnlaw.nn.data.dataset import Dataset, Split
from nnlaw.nn.data.npz import NpzFile
from nnlaw.nn.images.framing import Frame
from nnlaw.nn.plugins.snapshot import copy_name, sources
from nnlaw.nn.run_folder.folder import Run, read_json, regular
from nnlaw.spec.arrays import Array, digest
from nnlaw.spec.locations import CHECKOUT
from nnlaw.spec.violation import BadInput

NAME = "record.json"
SPLIT = "split.npz"
PLUGINS = "plugins"


def write_record(run: Run, settings: Settings, data: Dataset, parts: Split) -> None:
    """Write all that stands before the first step."""
    run.write("config.toml", settings.to_toml().encode())
    for name, content in sources(settings.plugins).items():
        run.write(f"{PLUGINS}/{name}", content)
    buffer = io.BytesIO()
    figures = {"mean": np.array(parts.mean), "deviation": np.array(parts.deviation)}
    np.savez_compressed(buffer, allow_pickle=False, **_rows(parts), **figures)
    run.write(SPLIT, buffer.getvalue())
    run.write_json(
        NAME,
        {
            "started": now(),
            "data": data.name,
            "source": data.source,
            "synthetic": data.synthetic,
            "classes": list(data.classes),
            "frame": asdict(Frame.of(data.train_images)),
            "n_in": int(parts.x_train.shape[1]),
            "mean": parts.mean,
            "deviation": parts.deviation,
            "seed": settings.seed,
            "digests": digests(data, parts),
            "versions": versions(),
            "resumed": [],
        },
    )


def recorded(run: Run) -> bool:
    """Whether the run was begun before. The record is written last, so what else belongs to it stands, too."""
    return (run.folder / NAME).exists()


def read_record(run: Run) -> dict[str, Any]:
    """The record of a run. Raises BadInput where it is absent, or not what a run writes."""
    found = read_json(run.folder / NAME)
    kinds = {
        "started": str,
        "data": str,
        "classes": list,
        "n_in": int,
        "mean": float,
        "deviation": float,
        "digests": dict,
        "versions": dict,
        "resumed": list,
    }
    odd = [name for name, kind in kinds.items() if not isinstance(found.get(name), kind)]
    odd += [] if odd or all(isinstance(name, str) for name in found["classes"]) else ["classes"]
    if odd:
        raise BadInput(f"{run.folder / NAME}: {odd[0]} is missing or not what a run writes")
    return found


def check_record(run: Run, data: Dataset, parts: Split) -> None:
    """Raises BadInput where the data or the split are not those that the run began with, or split.npz tells others."""
    recorded, found = read_record(run)["digests"], digests(data, parts)
    for name, value in found.items():
        if recorded.get(name) != value:
            what = "the split into training and validation is" if name == "split" else f"{name} of {data.source} are"
            raise BadInput(f"{run.folder}: {what} not what the run began with (SHA-256 {value[:12]}...)")
    with NpzFile(run.folder / SPLIT, "expected one that a run writes", min_size=0) as stored:
        for name, rows in _rows(parts).items():
            if not np.array_equal(stored.array(name), rows):
                raise BadInput(f"{run.folder / SPLIT}: its {name} rows are not those that the run began with")


def note_resumed(run: Run, epoch: int) -> None:
    """Record that the run goes on after `epoch`, and by which versions."""
    found = read_record(run)
    found["resumed"].append({"after_epoch": epoch, "at": now(), "versions": versions()})
    run.write_json(NAME, found)


def run_settings(folder: Path) -> Settings:
    """The settings of a run, its plugins being the copies in its folder where they stand there."""
    return file_settings(regular(folder / "config.toml"))


def file_settings(path: Path) -> Settings:
    """The settings of a TOML file, its plugins being the copies in the run folder where it stands in one: the files
    that they were copied from may have changed since."""
    settings = Settings().changed(read_settings(path))
    copies = [path.parent / PLUGINS / copy_name(i, name) for i, name in enumerate(settings.plugins, 1)]
    used = [str(c) if c.is_file() else name for c, name in zip(copies, settings.plugins, strict=True)]
    return replace(settings, plugins=tuple(used))


def digests(data: Dataset, parts: Split) -> dict[str, str]:
    """SHA-256 of each array of the data, and of the rows of the split."""
    return data.digests() | {"split": digest(_rows(parts))}


def _rows(parts: Split) -> dict[str, Array]:
    """Which rows of the training images are trained on, and which are validated on."""
    return {"train": parts.train_rows, "validation": parts.val_rows}


def now() -> str:
    """Local time with its offset, ISO 8601, to the second."""
    return time.strftime("%Y-%m-%dT%H:%M:%S%z")


def versions() -> dict[str, Any]:
    """What computes here. `threads` is how many BLAS really uses, `cpu` the kernels it chose."""
    from threadpoolctl import threadpool_info

    blas: dict[str, Any] = next((row for row in threadpool_info() if row["user_api"] == "blas"), {})
    found = {
        "nn": __version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "blas": f"{blas.get('internal_api', 'unknown')} {blas.get('version') or ''}".strip(),
        "threads": blas.get("num_threads"),
        "cpu": blas.get("architecture") or platform.machine(),
        "system": f"{platform.system()} {platform.machine()}",
    }
    return found | ({"revision": git} if (git := revision(CHECKOUT)) else {})


def revision(checkout: Path) -> str:
    """The commit of a checkout, `-dirty` where files differ from it; empty where there is none."""
    if not (checkout / ".git").exists():
        return ""
    command = ["git", "-C", str(checkout), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=10, check=True).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""

