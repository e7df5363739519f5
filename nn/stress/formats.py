"""The table of what the program reads: for each format how a valid file comes to be, and how it is read.

    FORMATS["idx"].make(folder, variant)    fills an empty folder with valid files
    FORMATS["idx"].read(folder, name)       reads them as the program does, once `name` in it was damaged
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from spec.violation import Violation


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


def idx_files(folder: Path, variant: int) -> None:
    """A data set of 120 training and 20 test digits."""
    from nn.data.folder import write_folder

    write_folder(folder, _digits(variant))


def zipped_idx_files(folder: Path, variant: int) -> None:
    """The same, gzipped."""
    import gzip

    idx_files(folder, variant)
    for path in folder.glob("*-ubyte"):
        path.with_name(path.name + ".gz").write_bytes(gzip.compress(path.read_bytes(), 1, mtime=0))
        path.unlink()


def read_data(folder: Path, name: str) -> None:
    """Everything up to the first step on such data."""
    from nn.session import prepare

    session = prepare(replace(_settings(folder), layers="dense:2 dense:10"))
    _expect(session.split.x_train.size > 0 and bool(np.isfinite(session.split.x_train).all()), "inputs not finite")


def pictures(folder: Path, variant: int) -> None:
    """A digit in shades, on paper, in colors of a palette, see-through, 16 bits deep, and as JPEG."""
    from PIL import Image

    digit = Image.fromarray(_digits(variant).train_images[variant])
    large = digit.resize((50, 60))
    digit.save(folder / "plain.png")
    Image.eval(large, lambda shade: 255 - shade).save(folder / "paper.png")
    large.convert("P").save(folder / "palette.png", transparency=0)
    Image.merge("LA", (large, large)).save(folder / "alpha.png")
    Image.fromarray(np.asarray(large, np.uint16) * 257).save(folder / "deep.png")
    large.save(folder / "grey.jpg")
    Image.merge("CMYK", [large] * 4).save(folder / "ink.jpg", progressive=True)


def read_picture(folder: Path, name: str) -> None:
    """The digit in the picture."""
    from nn.data.pictures import read_digit

    found = read_digit(folder / name)
    _expect(found.shape == (28, 28) and found.dtype == np.uint8, f"{found.dtype} of shape {found.shape}")


def settings_file(folder: Path, variant: int) -> None:
    """Settings as a run records them."""
    from nn.settings import Settings

    chosen = (Settings(layers="dense:3 relu dense:10"), Settings(optimizer="adam", lr=0.001, plugins=("mine.py",)))
    (folder / "config.toml").write_text(chosen[variant].to_toml(), encoding="utf-8")


def read_settings_file(folder: Path, name: str) -> None:
    """Settings, and a training that is ready to start by them."""
    from nn.session import prepare
    from nn.settings import Settings, read_settings

    settings = Settings().changed(read_settings(folder / name))
    with _scratch() as place:
        if not settings.data:  # not the built-in digits, which take seconds
            idx_files(place, 0)
            settings = replace(settings, data=str(place))
        prepare(settings)


def finished_run(folder: Path, variant: int) -> None:
    """A run of two epochs, whose data lie beside it."""
    _train(_data(folder, variant), folder, variant)


def stopped_run(folder: Path, variant: int) -> None:
    """A run that was stopped after the first of two epochs."""
    _train(_data(folder, variant), folder, variant, 1)


def read_run(folder: Path, name: str) -> None:
    """List a run, predict with its last and its best weights, compare it, bundle it."""
    from nn.bundle import write_bundle
    from nn.reproduce import compare
    from nn.run import Run
    from nn.runs import describe

    run = Run(folder)
    describe(run)
    read_weights(folder, name)
    compare(run, Run(folder.parent / "valid-0"))
    with _scratch() as place:
        write_bundle(run, place / "bundle.zip")


def read_weights(folder: Path, name: str) -> None:
    """Predict with the last and with the best weights of a run."""
    from nn.predict import Reader
    from nn.run import Run

    for which in ("last", "best"):
        reader = Reader(Run(folder), which)
        p = reader.probabilities(np.arange(784, dtype=np.uint8).reshape(28, 28))
        _expect(abs(float(p.sum()) - 1) < 1e-3, f"probabilities {p} do not sum to 1")
        _expect(reader.classes[int(p.argmax())] in "0123456789", f"{reader.classes} are no digits")


def resume_run(folder: Path, name: str) -> None:
    """Go on with a run, to its end."""
    from nn.resume import resume
    from nn.run import Run
    from nn.session import Silent

    run = Run(folder)
    with run.locked():
        session = resume(run, {})
        try:
            session.train(run, Silent())
        except Violation:
            return  # judged: what was read could be trained on, and broke a law


def bundle(folder: Path, variant: int) -> None:
    """A bundle of a finished run, whose data lie beside it."""
    from nn.bundle import write_bundle
    from nn.run import Run

    with _scratch() as place:
        run = place / "run"
        run.mkdir()
        _train(_data(folder, variant), run, variant)
        write_bundle(Run(run), folder / "run.zip")


def read_bundle(folder: Path, name: str) -> None:
    """Unpack a bundle, and where it is sound train it again and compare."""
    from nn.reproduce import Reproduction
    from nn.session import Silent

    with Reproduction(folder / name, str(folder.parent / "data-0")) as again:
        try:
            again.train(Silent())
        except Violation:
            return


def failure_folder(folder: Path, variant: int) -> None:
    """The signature of a law that was broken at the first step."""
    from nn.failure import write_failure
    from nn.run import Run
    from nn.session import prepare

    session = prepare(_settings(_data(folder, variant), seed=variant))
    batch = session.split.x_train[:8], session.split.y_train[:8]
    broken = Violation("finite", array="loss", actual="nan", expected="a finite number")
    with _scratch() as place:
        sizes = {"n_in": 784, "classes": 10}
        made = write_failure(Run(place), "step", broken, session.settings, session.trainer, batch, sizes)
        shutil.copytree(made, folder, dirs_exist_ok=True)


def replay_failure(folder: Path, name: str) -> None:
    """Make a recorded failure happen again."""
    from nn.replay import replay

    replay(folder)


def _train(data: Path, folder: Path, seed: int, stop_after: int | None = None) -> None:
    from nn.run import Run
    from nn.session import Silent, prepare

    prepare(_settings(data, seed)).train(Run(folder), Silent(), stop_after)


def _data(folder: Path, variant: int) -> Path:
    """A data set beside `folder`, made once."""
    place = folder.parent / f"data-{variant}"
    if not place.exists():
        place.mkdir()
        idx_files(place, variant)
    return place


def _settings(data: Path, seed: int = 0) -> Any:
    from nn.settings import Settings

    layers = "dense:3 relu dropout:0.2 dense:10"
    return Settings(data=str(data), epochs=2, batch_size=40, layers=layers, optimizer="adam", seed=seed)


@cache
def _digits(variant: int) -> Any:
    from nn.data.digits import built_in

    return built_in(seed=variant, train=120, test=20)


def _scratch() -> Any:
    """A temporary folder as a path."""

    class Place(TemporaryDirectory[str]):
        def __enter__(self) -> Any:
            return Path(super().__enter__())

    return Place(prefix="nn-stress-")


def _expect(held: bool, otherwise: str) -> None:
    if not held:
        raise Unsound(otherwise)


ROWS = (
    Format("idx", idx_files, read_data, "*-ubyte"),
    Format("idx-gz", zipped_idx_files, read_data, "*.gz"),
    Format("pictures", pictures, read_picture),
    Format("settings", settings_file, read_settings_file),
    Format("run", finished_run, read_run),
    Format("weights", finished_run, read_weights, "*t.safetensors"),
    Format("checkpoint", stopped_run, resume_run, "checkpoint.*", writes=True),
    Format("resume", stopped_run, resume_run, writes=True),
    Format("bundle", bundle, read_bundle),
    Format("failure", failure_folder, replay_failure),
)
FORMATS = {row.name: row for row in ROWS}
