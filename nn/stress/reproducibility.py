"""Scenarios: the same seed gives the same weights, in this process, in others, and with other numbers of threads."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from nnlaw.nn.core.reporter import SilentReporter
from nnlaw.nn.core.settings import Settings
from nnlaw.nn.run_folder.array_files import read_arrays
from nnlaw.nn.run_folder.folder import Run
from nnlaw.nn.run_folder.metadata import read_run_settings
from nnlaw.nn.runs.reproduce import BAND, compare
from nnlaw.nn.stress.runner import in_own_process
from nnlaw.nn.stress.scenario import Context, Observation, scenario
from nnlaw.nn.training.session import prepare
from nnlaw.spec.arrays import digest
from nnlaw.spec.violation import counted

IMAGES = {False: 2000, True: 20000}  # used for training, without and with --full


def short_settings(context: Context) -> Settings:
    """The settings of the run, for one epoch on a part of its images; the rest is held out."""
    count = len(context.split.dataset.train_images)
    held_out = max(count - IMAGES[context.full], count // 12)
    return replace(read_run_settings(context.run.folder), epochs=1, strict=False, validation=held_out)


def train(settings: Settings, folder: Path) -> str:
    """Train in a new run folder; return the digest of the weights."""
    run = Run.create(folder)
    prepare(settings).train(run, SilentReporter())
    return digest(read_arrays(run.folder / "weights.safetensors"))


@scenario(
    "same-seed",
    what="train three times with one seed, once with another",
    expected="the first three give the same bits, the fourth gives others",
)
def same_seed(context: Context) -> Observation:
    """Compare digests of the weights after one epoch."""
    settings = short_settings(context)
    found = [train(settings, context.folder / f"{i}") for i in range(3)]
    other = train(replace(settings, seed=settings.seed + 1), context.folder / "other")
    differs = other not in found
    results = counted(len(set(found)), "result")
    observed = f"{results} with one seed, another seed {'differs' if differs else 'is equal'}"
    return Observation(observed, len(set(found)) == 1 and differs, {"digests": found, "other": other})


@scenario(
    "other-processes",
    what="train in new processes with 1 and 4 threads (1, 2 and 4 with --full), and with 1 if BLAS is set to 4",
    expected=f"identical, or within the band of nn reproduce (rounding {BAND['rounding']:g}, "
    f"epoch loss {BAND['epoch_loss']:g}, accuracy {BAND['accuracy']:g})",
)
def other_processes(context: Context) -> Observation:
    """Compare each with the first. Another seed must differ, which shows that the comparison can fail."""
    settings, outcomes = replace(short_settings(context), threads=1), {}

    def compare_with_first(name: str) -> str:
        return str(compare(Run(context.folder / "1"), Run(context.folder / name))["outcome"])

    for threads in (1, 2, 4) if context.full else (1, 4):
        in_own_process(threads, train, replace(settings, threads=threads), context.folder / f"{threads}")
        if threads > 1:
            outcomes[f"{threads} threads"] = compare_with_first(f"{threads}")
    in_own_process(4, train, settings, context.folder / "same")
    outcomes["another process"] = compare_with_first("same")
    train(replace(settings, seed=settings.seed + 1), context.folder / "other")
    outcomes["another seed"] = compare_with_first("other")
    passed = all((outcome == "different") == (name == "another seed") for name, outcome in outcomes.items())
    passed = passed and outcomes["another process"] == "identical"
    return Observation(", ".join(f"{name}: {outcome}" for name, outcome in outcomes.items()), passed, dict(outcomes))
