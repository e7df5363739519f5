"""Scenario: a training runs out of disk space, at each file of the run in turn, and on a small disk."""

from __future__ import annotations

import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path

from nnlaw.nn.stress.recovery.training_process import Training, epochs_saved
from nnlaw.nn.stress.scenario import Context, Observation, Skip, scenario
from nnlaw.nn.stress.subprocess_run import ProcessResult
from nnlaw.nn.training.checkpoint import NAME
from nnlaw.spec.violation import BadInput

QUICK = (NAME, "curves.png")  # the largest files with a batch of 400
BATCHES = (400, 2)  # with a batch of 2, metrics.jsonl is the largest file
SHARE = 0.6  # size of the small disk, as a share of what a run needs
MOUNT = """mount -t tmpfs -o size="$1" small "$2" || exit 99
disk=$2; out=$3; shift 3; "$@"; code=$?; cp -a "$disk/." "$out"; exit $code"""


@scenario(
    "full-disk",
    what="limit the size of files to slightly less than each file of a run needs, in turn; then train on a small disk",
    expected="one sentence and exit code 2, the last checkpoint is readable, and the run can be resumed",
)
def full_disk(context: Context) -> Observation:
    """Train without enough space, check the files that remain, resume with space; compare with the reference."""
    if sys.platform == "win32":
        raise Skip("the size of files can't be limited on Windows")
    found: dict[str, str] = {}
    skipped: dict[str, str] = {}
    for batch_size in BATCHES if context.full else BATCHES[:1]:
        training = Training(context.folder / f"batch-{batch_size}", context.seed, batch_size)
        rows = limit_file_sizes(training, () if context.full else QUICK)
        found |= {f"{name}, batch {batch_size}": fault for name, fault in rows.items()}
        name = f"a small disk, batch {batch_size}"
        try:
            found[name] = train_on_small_disk(training)
        except Skip as reason:
            skipped[name] = str(reason)
    faults = {name: fault for name, fault in found.items() if fault}
    shown = f"{len(found)} trainings without enough space: "
    shown += "; ".join(f"{name}: {fault}" for name, fault in faults.items()) or "each was refused and resumed"
    shown += "".join(f"; {name}: skipped, {reason}" for name, reason in skipped.items())
    return Observation(shown, not faults, {"seed": context.seed, "found": found, "skipped": skipped})


def limit_file_sizes(training: Training, names: tuple[str, ...] = ()) -> dict[str, str]:
    """Train with a size limit slightly below that of each file in `names`, or of all; the fault of each, or ""."""
    found: dict[str, str] = {}
    for name in names or sorted(path.name for path in training.reference.iterdir() if path.stat().st_size):
        run, size = training.folder / f"without-{name}", (training.reference / name).stat().st_size
        limit = size - 1 - size // 100  # measured times have a different length in each run
        ended = training.wait(training.start(run, partial(_limit_file_size, limit)))
        found[f"{name} of {size:,} bytes"] = _fault(training, run, ended)
    return found


def _limit_file_size(size: int) -> None:
    import resource

    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def _fault(training: Training, run: Path, ended: ProcessResult) -> str:
    """The fault in a training that ran out of space, also when it is resumed; empty if it is correct."""
    lines = ended.output.strip().splitlines()
    if ended.code != 2 or len(lines) != 1 or "could not be written" not in lines[0]:
        return f"exit code {ended.code}, {len(lines)} lines, expected 2 and one line: {' / '.join(lines)[-300:]}"
    left = [path.name for path in run.rglob(".*") if path.name != ".lock"]
    if left:
        return f"{left[0]} was left behind"
    if not (run / NAME).exists():
        return ""  # it stopped before the first checkpoint, so there is nothing to lose
    try:
        epochs_saved(run)
    except BadInput as error:
        return f"the checkpoint is damaged: {error}"
    if not (run / "summary.json").exists():  # if it exists, only images are missing
        resumed = training.wait(training.start(run))
        if resumed.code:
            return f"could not be resumed: {resumed.output[-300:]}"
    return training.difference(run)


def train_on_small_disk(training: Training) -> str:
    """Train on a small disk; the fault, or "". The disk is visible only to the process, and is gone afterwards.

    Raises Skip if no disk can be mounted.
    """
    mount, run = training.folder / "disk", training.folder / "from-disk"
    mount.mkdir()
    run.mkdir()
    size = sum(path.stat().st_size for path in training.reference.iterdir())
    wrapper = ("unshare", "-rm", "sh", "-c", MOUNT, "sh", str(int(SHARE * size)), str(mount), str(run))
    test = (*wrapper[:2], "sh", "-c", f'mount -t tmpfs small "{mount}"')
    if shutil.which("unshare") is None or subprocess.run(test, capture_output=True).returncode:
        raise Skip("no small disk can be mounted here")
    ended = training.wait(training.start(mount / "run", wrapper=wrapper))
    return _fault(training, run / "run", ended)
