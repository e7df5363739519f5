"""Small valid files of every format, to be damaged. Each function fills an empty folder; `variant` is its seed."""

from __future__ import annotations

import gzip
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image

from nnlaw.nn.core.reporter import SilentReporter
from nnlaw.nn.core.settings import Settings
from nnlaw.nn.data.dataset import Dataset
from nnlaw.nn.data.synthetic.digits import generate_digits
from nnlaw.nn.data.writer import write_folder
from nnlaw.nn.run_folder.folder import Run
from nnlaw.nn.runs.bundle import write_bundle
from nnlaw.nn.training.session import prepare
from nnlaw.spec.violation import Violation


def idx_files(folder: Path, variant: int) -> None:
    """A data set of 120 training and 20 test digits."""
    write_folder(folder, _digits(variant))


def zipped_idx_files(folder: Path, variant: int) -> None:
    """The same, gzipped."""
    idx_files(folder, variant)
    for path in folder.glob("*-ubyte"):
        path.with_name(path.name + ".gz").write_bytes(gzip.compress(path.read_bytes(), 1, mtime=0))
        path.unlink()


def npz_file(folder: Path, variant: int) -> None:
    """The same arrays in one npz file."""
    data = _digits(variant)
    train, test = (data.train_images, data.train_labels), (data.test_images, data.test_labels)
    np.savez_compressed(folder / "mnist.npz", x_train=train[0], y_train=train[1], x_test=test[0], y_test=test[1])


def image_files(folder: Path, variant: int) -> None:
    """A digit in gray, inverted, with a palette, with an alpha channel, with 16 bits, and as JPEG."""
    digit = Image.fromarray(_digits(variant).train_images[variant])
    large = digit.resize((50, 60))
    digit.save(folder / "plain.png")
    Image.eval(large, lambda shade: 255 - shade).save(folder / "paper.png")
    large.convert("P").save(folder / "palette.png", transparency=0)
    Image.merge("LA", (large, large)).save(folder / "alpha.png")
    Image.fromarray(np.asarray(large, np.uint16) * 257).save(folder / "deep.png")
    large.save(folder / "gray.jpg")
    Image.merge("CMYK", [large] * 4).save(folder / "ink.jpg", progressive=True)


def settings_file(folder: Path, variant: int) -> None:
    """Settings as a run records them."""
    chosen = (Settings(layers="dense:3 relu dense:10"), Settings(optimizer="adam", lr=0.001, plugins=("mine.py",)))
    (folder / "config.toml").write_bytes(chosen[variant].to_toml())


def finished_run(folder: Path, variant: int) -> None:
    """A run of two epochs; its data are in a folder beside it."""
    _train(_data_beside(folder, variant), folder, variant)


def stopped_run(folder: Path, variant: int) -> None:
    """A run that was stopped after the first of two epochs."""
    _train(_data_beside(folder, variant), folder, variant, 1)


def bundle(folder: Path, variant: int) -> None:
    """A bundle of a finished run; its data are in a folder beside it."""
    with scratch() as place:
        run = place / "run"
        run.mkdir()
        _train(_data_beside(folder, variant), run, variant)
        write_bundle(Run(run), folder / "run.zip")


def failure_folder(folder: Path, variant: int) -> None:
    """The failure folder of a training with a learning rate that is far too high."""
    settings = replace(small_settings(_data_beside(folder, variant), seed=variant), layers="dense:10", lr=1e37)
    with scratch() as place:
        try:
            prepare(settings).train(Run(place), SilentReporter())
        except Violation:
            shutil.copytree(place / "failure", folder, dirs_exist_ok=True)


def _train(data: Path, folder: Path, seed: int, stop_after: int | None = None) -> None:
    prepare(small_settings(data, seed)).train(Run(folder), SilentReporter(), stop_after)


def _data_beside(folder: Path, variant: int) -> Path:
    """The folder of a data set beside `folder`, written once."""
    place = folder.parent / f"data-{variant}"
    if not place.exists():
        place.mkdir()
        idx_files(place, variant)
    return place


def small_settings(data: Path, seed: int = 0) -> Settings:
    """Settings of a very short training of two epochs."""
    layers = "dense:3 relu dropout:0.2 dense:10"
    return Settings(data=str(data), epochs=2, batch_size=40, layers=layers, optimizer="adam", seed=seed)


@cache
def _digits(variant: int) -> Dataset:
    return generate_digits(seed=variant, train=120, test=20)


@contextmanager
def scratch() -> Iterator[Path]:
    """A temporary folder."""
    with TemporaryDirectory(prefix="nn-stress-") as place:
        yield Path(place)
