"""The table of what the program reads: for each format how a valid file comes to be, and how it is read.

    FORMATS["idx"].make(folder, variant)    fills an empty folder with valid files
    FORMATS["idx"].read(folder, name)       reads them as the program does, once `name` in it was damaged
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from nnlaw.nn.core.reporter import SilentReporter
from nnlaw.nn.core.settings import Settings, read_settings
from nnlaw.nn.images.framing import Frame
from nnlaw.nn.images.ink_extraction import PictureRefused
from nnlaw.nn.images.read import read_glyphs
from nnlaw.nn.run_folder.folder import Run
from nnlaw.nn.runs.bundle import write_bundle
from nnlaw.nn.runs.listing import describe_run
from nnlaw.nn.runs.predictor import Predictor
from nnlaw.nn.runs.replay import replay
from nnlaw.nn.runs.reproduce import Reproduction, compare
from nnlaw.nn.runs.resume import resume
from nnlaw.nn.stress.fuzzing import seed_files as valid
from nnlaw.nn.stress.fuzzing.seed_files import idx_files, scratch, small_settings
from nnlaw.nn.training.session import prepare
from nnlaw.spec.violation import Violation


@dataclass(frozen=True)
class Format:
    """One row: files that match `files` are damaged. Reading writes nothing, unless it `writes` on success."""

    name: str
    make: Callable[[Path, int], None]
    read: Callable[[Path, str], Any]
    files: str = "*"
    writes: bool = False


class Unsound(Exception):
    """What was read is not what the format promises, and yet was not refused."""


def read_data(folder: Path, name: str) -> None:
    """Everything up to the first step on such data, four files or one."""
    place = folder / name if name.endswith(".npz") else folder
    session = prepare(replace(small_settings(place), layers="dense:2 dense:10"))
    _expect(session.split.x_train.size > 0 and bool(np.isfinite(session.split.x_train).all()), "inputs not finite")


def read_picture(folder: Path, name: str) -> None:
    """The digit in the picture; where the damage left none, that is told."""
    try:
        (found,) = read_glyphs(folder / name, Frame())
    except PictureRefused:
        return
    _expect(found.shape == (28, 28) and found.dtype == np.uint8, f"{found.dtype} of shape {found.shape}")


def read_settings_file(folder: Path, name: str) -> None:
    """Settings, and a training that is ready to start by them."""
    settings = Settings().with_changes(read_settings(folder / name))
    with scratch() as place:
        if not settings.data:  # not the built-in digits, which take seconds
            idx_files(place, 0)
            settings = replace(settings, data=str(place))
        prepare(settings)


def read_run(folder: Path, name: str) -> None:
    """List a run, predict with its last and its best weights, compare it, bundle it."""
    run = Run(folder)
    describe_run(run)
    read_weights(folder, name)
    compare(run, Run(folder.parent / "valid-0"))
    with scratch() as place:
        write_bundle(run, place / "bundle.zip")


def read_weights(folder: Path, name: str) -> None:
    """Predict with the last and with the best weights of a run."""
    for which in ("last", "best"):
        reader = Predictor(Run(folder), which)
        p = reader.probabilities(np.arange(784, dtype=np.uint8).reshape(28, 28))
        _expect(abs(float(p.sum()) - 1) < 1e-3, f"probabilities {p} do not sum to 1")
        _expect(all(isinstance(name, str) for name in reader.classes), f"classes {reader.classes}")


def resume_run(folder: Path, name: str) -> None:
    """Go on with a run, to its end."""
    run = Run(folder)
    with run.locked():
        session = resume(run, {})
        try:
            session.train(run, SilentReporter())
        except Violation:
            return  # judged: what was read could be trained on, and broke a law


def read_bundle(folder: Path, name: str) -> None:
    """Unpack a bundle, and where it is sound train it again and compare."""
    with Reproduction(folder / name, str(folder.parent / "data-0")) as again:
        try:
            again.train(SilentReporter())
        except Violation:
            return


def replay_failure(folder: Path, name: str) -> None:
    """Make a recorded failure happen again."""
    replay(folder)


def _expect(held: bool, otherwise: str) -> None:
    if not held:
        raise Unsound(otherwise)


ROWS = (
    Format("idx", valid.idx_files, read_data, "*-ubyte"),
    Format("idx-gz", valid.zipped_idx_files, read_data, "*.gz"),
    Format("npz", valid.npz_file, read_data, "*.npz"),
    Format("pictures", valid.pictures, read_picture),
    Format("settings", valid.settings_file, read_settings_file),
    Format("run", valid.finished_run, read_run),
    Format("weights", valid.finished_run, read_weights, "[bw]*.safetensors"),
    Format("checkpoint", valid.stopped_run, resume_run, "checkpoint.*", writes=True),
    Format("resume", valid.stopped_run, resume_run, writes=True),
    Format("bundle", valid.bundle, read_bundle),
    Format("failure", valid.failure_folder, replay_failure),
)
FORMATS = {row.name: row for row in ROWS}
