"""The metadata of a run, written before training and checked on resume: settings, data, split, versions, plugins.

    config.toml   the settings                    record.json   data and their digests, standardization, versions
    split.npz     training and validation rows    plugins/      the source of the user's plugins
"""

from __future__ import annotations

import io
import math
import platform
import subprocess
import time
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_info

from nnlaw import __version__
from nnlaw.nn.core.regular_file import regular_file
from nnlaw.nn.core.settings import Settings, read_settings
from nnlaw.nn.data.dataset import Dataset, Split
from nnlaw.nn.data.npz import NpzFile
from nnlaw.nn.images.framing import Frame
from nnlaw.nn.plugins.snapshot import copy_name, plugin_sources
from nnlaw.nn.run_folder.folder import Run
from nnlaw.nn.run_folder.json_files import read_json
from nnlaw.spec.arrays import Array, digest
from nnlaw.spec.locations import CHECKOUT
from nnlaw.spec.violation import BadInput

NAME = "record.json"
SPLIT = "split.npz"
PLUGINS = "plugins"


def write_record(run: Run, settings: Settings, data: Dataset, parts: Split) -> None:
    """Write the metadata, before the first step."""
    run.write("config.toml", settings.to_toml())
    for name, content in plugin_sources(settings.plugins).items():
        run.write(f"{PLUGINS}/{name}", content)
    buffer = io.BytesIO()
    scaling = {"mean": np.array(parts.mean), "deviation": np.array(parts.deviation)}
    np.savez_compressed(buffer, allow_pickle=False, **_rows(parts), **scaling)
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


def is_recorded(run: Run) -> bool:
    """Whether the metadata is written. record.json is written last, so the other files exist too."""
    return (run.folder / NAME).exists()


def read_record(run: Run) -> dict[str, Any]:
    """The content of record.json. Raises BadInput if it is absent or not valid."""
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
    bad = [name for name, kind in kinds.items() if not isinstance(found.get(name), kind)]
    if not bad and not (found["classes"] and all(isinstance(name, str) for name in found["classes"])):
        bad = ["classes"]
    if not bad and found["n_in"] < 1:
        bad = ["n_in"]
    bad = bad or [name for name in ("mean", "deviation") if not math.isfinite(found[name])]
    if bad:
        raise BadInput(f"{run.folder / NAME}: {bad[0]} is missing or not valid")
    return found


def check_record(run: Run, data: Dataset, parts: Split) -> None:
    """Raise BadInput if the data or the split differ from those that the run began with, or from split.npz."""
    recorded, found = read_record(run)["digests"], digests(data, parts)
    for name, value in found.items():
        if recorded.get(name) != value:
            what = "the split into training and validation" if name == "split" else f"{name} of {data.source}"
            raise BadInput(f"{run.folder}: {what} differs from the run's (SHA-256 {value[:12]}...)")
    with NpzFile(run.folder / SPLIT, "expected the split of a run", min_size=0) as stored:
        for name, rows in _rows(parts).items():
            if not np.array_equal(stored.array(name), rows):
                raise BadInput(f"{run.folder / SPLIT}: its {name} rows differ from the run's")


def record_resumption(run: Run, epoch: int) -> None:
    """Record that the run is resumed after `epoch`, with the versions in use."""
    found = read_record(run)
    found["resumed"].append({"after_epoch": epoch, "at": now(), "versions": versions()})
    run.write_json(NAME, found)


def read_run_settings(folder: Path) -> Settings:
    """The settings of a run, with the copies of its plugins. Raises BadInput if it is not a run folder."""
    settings = Settings().with_changes(read_settings(config_file(folder)))
    return replace(settings, plugins=tuple(map(str, _copies(config_file(folder), settings))))


def config_file(folder: Path) -> Path:
    """The settings file of a run. Raises BadInput if it is not a run folder."""
    path = regular_file(folder / "config.toml")
    if not path.exists():
        raise BadInput(f"{folder} is not a run folder (no config.toml)")
    return path


def read_settings_file(path: Path) -> Settings:
    """The settings of a TOML file. In a run folder, plugins are the copies in it, as the originals may have changed."""
    settings = Settings().with_changes(read_settings(path))
    used = [str(c) if c.is_file() else name for c, name in zip(_copies(path, settings), settings.plugins, strict=True)]
    return replace(settings, plugins=tuple(used))


def _copies(config: Path, settings: Settings) -> list[Path]:
    return [config.parent / PLUGINS / copy_name(i, name) for i, name in enumerate(settings.plugins, 1)]


def digests(data: Dataset, parts: Split) -> dict[str, str]:
    """SHA-256 of each array of the data, and of the rows of the split."""
    return data.digests() | {"split": digest(_rows(parts))}


def _rows(parts: Split) -> dict[str, Array]:
    """The rows of the training images for training, and those for validation."""
    return {"train": parts.train_rows, "validation": parts.val_rows}


def now() -> str:
    """Local time with its offset, ISO 8601, to the second."""
    return time.strftime("%Y-%m-%dT%H:%M:%S%z")


def versions() -> dict[str, Any]:
    """The versions that results depend on. `threads` is the number that BLAS uses, `cpu` the kernels it chose."""
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
    return found | ({"revision": git} if (git := _revision_at_start()) else {})


@cache
def _revision_at_start() -> str:
    """The commit of this code's checkout, looked up once: later changes of its files do not change what runs."""
    return revision(CHECKOUT)


def revision(checkout: Path) -> str:
    """The commit of a checkout, with `-dirty` if files differ from it; "" if there is none."""
    if not (checkout / ".git").exists():
        return ""
    command = ["git", "-C", str(checkout), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=10, check=True).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""
