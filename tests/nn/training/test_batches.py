"""The batches of an epoch."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from nnlaw.nn.core.reporter import SilentReporter
from nnlaw.nn.core.settings import Settings
from nnlaw.nn.run_folder.folder import Run
from nnlaw.nn.training.session import prepare

pytestmark = pytest.mark.usefixtures("hasty")

HALVES = '''
from nn import batches


@batches("halves")
def halves(x, y, batch_size, rng):
    """The first batch is whole, all others half as large."""
    order = rng.permutation(len(x))
    ends = [0, batch_size, *range(batch_size + batch_size // 2, len(x), batch_size // 2), len(x)]
    for start, end in zip(ends[:-1], ends[1:], strict=True):
        yield x[order[start:end]], y[order[start:end]]


@batches("endless")
def endless(x, y, batch_size, rng):
    """Never done."""
    while True:
        yield x[:1], y[:1]


@batches("empty")
def empty(x, y, batch_size, rng):
    """No batch."""
    yield from ()
'''


def plugin_file(folder: Path, name: str, source: str) -> str:
    """The path of a plugin file."""
    (folder / name).write_text(source)
    return str(folder / name)


def settings(data: Path, *plugins: str, **given: object) -> Settings:
    """Small and fast."""
    small = {"data": str(data), "plugins": plugins, "layers": "dense:10", "epochs": 2, "validation": 100}
    return Settings(**small | given)  # type: ignore[arg-type]  # settings by name


def test_a_schedule_ends_with_the_last_batch(tiny_folder: Path, workplace: Path) -> None:
    """A batch sampler with smaller batches has more steps; the schedule covers all of them and never restarts."""
    plugin = plugin_file(workplace, "halves.py", HALVES)
    run = Run.create(workplace / "r")
    session = prepare(settings(tiny_folder, plugin, batches="halves", schedule="cosine"))
    session.train(run, SilentReporter())
    lines = map(json.loads, (run.folder / "metrics.jsonl").open())
    rates = [line["rate"] for line in lines if "rate" in line]
    assert len(rates) == session.trainer.steps == 2 * session.steps_per_epoch > 2 * 16
    assert rates == sorted(rates, reverse=True) and rates[-1] < 0.01 * rates[0]


@pytest.mark.parametrize(("name", "words"), [("endless", "more batches than images"), ("empty", "no batch, expected")])
def test_empty_and_endless_batches_are_refused(
    tiny_folder: Path, workplace: Path, name: str, words: str, refusal: Callable[[Callable[[], object]], str]
) -> None:
    """An epoch has at least one batch, and no more batches than images."""
    plugin = plugin_file(workplace, "halves.py", HALVES)
    assert words in refusal(lambda: prepare(settings(tiny_folder, plugin, batches=name)))
