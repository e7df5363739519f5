"""Reproducibility drills: one seed is one result, here, in other processes, and on other numbers of threads."""

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

IMAGES = {False: 2000, True: 20000}  # that each training sees, without and with --full


def short(context: Context) -> Settings:
    """The settings of the run for one epoch on a part of its images, the rest being held out."""
    count = len(context.split.dataset.train_images)
    held_out = max(count - IMAGES[context.full], count // 12)
    return replace(read_run_settings(context.run.folder), epochs=1, strict=False, validation=held_out)


def trained(settings: Settings, folder: Path) -> str:
    """Train in a new folder; the digest of the weights."""
    run = Run.create(folder)
    prepare(settings).train(run, SilentReporter())
    return digest(read_arrays(run.folder / "weights.safetensors"))


@scenario(
    "same-seed",
    what="train three times with one seed, once with another",
    expected="three times the same bits, and others the fourth time",
)
def same_seed(context: Context) -> Observation:
    """Digests of all weights after an epoch."""
    settings = short(context)
    found = [trained(settings, context.folder / f"{i}") for i in range(3)]
    other = trained(replace(settings, seed=settings.seed + 1), context.folder / "other")
    held = len(set(found)) == 1 and other not in found
    shown = "differs" if other not in found else "does not differ"
    observed = f"{counted(len(set(found)), 'result')} of one seed, another seed {shown}"
    return Observation(observed, held, {"digests": found, "other": other})


@scenario(
    "other-processes",
    what="train in processes of their own, with 1, 2 and 4 threads; and with 1 where BLAS would take 4",
    expected=f"identical, or within the band of nn reproduce (rounding {BAND['rounding']:g}, "
    f"epoch loss {BAND['epoch_loss']:g}, accuracy {BAND['accuracy']:g})",
)
def other_processes(context: Context) -> Observation:
    """Each against the first; another seed shows that the comparison can tell."""
    settings, found = replace(short(context), threads=1), {}
    for threads in (1, 2, 4):
        in_own_process(threads, trained, replace(settings, threads=threads), context.folder / f"{threads}")
        if threads > 1:
            other = Run(context.folder / f"{threads}")
            found[f"{threads} threads"] = compare(Run(context.folder / "1"), other)["outcome"]
    in_own_process(4, trained, settings, context.folder / "again")
    found["another process"] = compare(Run(context.folder / "1"), Run(context.folder / "again"))["outcome"]
    trained(replace(settings, seed=settings.seed + 1), context.folder / "other")
    found["another seed"] = compare(Run(context.folder / "1"), Run(context.folder / "other"))["outcome"]
    held = all((outcome == "different") == (name == "another seed") for name, outcome in found.items())
    held = held and found["another process"] == "identical"
    return Observation(", ".join(f"{name}: {outcome}" for name, outcome in found.items()), held, dict(found))
