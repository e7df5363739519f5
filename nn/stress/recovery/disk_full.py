"""Drill: there is no room for a file, for each file of a run in turn; and the disk is full."""

from __future__ import annotations

import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path

from nnlaw.nn.stress.recovery.training_process import Training, epochs_kept
from nnlaw.nn.stress.scenario import Context, Observation, Skip, scenario
from nnlaw.nn.stress.subprocess_run import Ending
from nnlaw.nn.training.checkpoint import NAME
from nnlaw.spec.violation import BadInput

STEPS = {400: (NAME, "curves.png"), 2: ("metrics.jsonl",)}  # by batch size: the largest files
SKIPPED = "skipped"
SHARE = 0.6  # of what a run needs, that the small disk holds
MOUNTED = """mount -t tmpfs -o size="$1" none "$2" || exit 99
disk=$2; out=$3; shift 3; "$@"; code=$?; cp -a "$disk/." "$out"; exit $code"""


@scenario(
    "full-disk",
    what="a run's files may not grow beyond a limit, of just too little for each in turn; then a small disk",
    expected="one sentence, exit code 2, the checkpoint before stays readable, and the run goes on once there is room",
)
def full_disk(context: Context) -> Observation:
    """Train without room, look at what is left, and go on with room; the end is held against the truth."""
    if sys.platform == "win32":
        raise Skip("the size of files can't be bounded on Windows")
    found: dict[str, str] = {}
    for batch_size, largest in STEPS.items():
        training = Training(context.folder / f"batch-{batch_size}", context.seed, batch_size)
        rows = without_room(training, () if context.full else largest)
        found |= {f"{name}, batch {batch_size}": fault for name, fault in rows.items()}
        if context.full or batch_size == 2:
            found[f"a small disk, batch {batch_size}"] = on_a_small_disk(training)
    faults = {name: fault for name, fault in found.items() if fault and not fault.startswith(SKIPPED)}
    shown = f"{len(found)} trainings without room: "
    shown += "; ".join(f"{name}: {fault}" for name, fault in faults.items()) or "each was told, kept and resumed"
    return Observation(shown, not faults, {"seed": context.seed, "found": found})


def without_room(training: Training, names: tuple[str, ...] = ()) -> dict[str, str]:
    """What is wrong where no file may be as large as each of these of the run, or of all; "" where nothing is."""
    found: dict[str, str] = {}
    for name in names or sorted(path.name for path in training.truth.iterdir() if path.stat().st_size):
        run, size = training.folder / f"without-{name}", (training.truth / name).stat().st_size
        limit = size - 1 - size // 100  # what a clock measured is not of the same length each time
        ending = training.wait(training.begin(run, partial(_limit, limit)))
        found[f"{name} of {size:,} bytes"] = _fault(training, run, ending)
    return found


def _limit(size: int) -> None:
    import resource

    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def _fault(training: Training, run: Path, ending: Ending) -> str:
    """What is wrong with a training that had no room, or nothing; it is resumed to see."""
    lines = ending.printed.strip().splitlines()
    if ending.code != 2 or len(lines) != 1 or "could not be written" not in lines[0]:
        return f"exit code {ending.code}, {len(lines)} lines, expected 2 and one: {' / '.join(lines)[-300:]}"
    left = [path.name for path in run.rglob(".*") if path.name != ".lock"]
    if left:
        return f"{left[0]} was left behind"
    if not (run / NAME).exists():
        return ""  # not yet begun: there is nothing to lose
    try:
        epochs_kept(run)
    except BadInput as error:
        return f"the checkpoint is damaged: {error}"
    if not (run / "summary.json").exists():  # otherwise it is finished, but for its pictures
        again = training.wait(training.begin(run))
        if again.code:
            return f"could not be resumed: {again.printed[-300:]}"
    return training.differs(run)


def on_a_small_disk(training: Training) -> str:
    """The same on a disk of its own, which only this process sees, and which is gone afterwards."""
    mount, run = training.folder / "disk", training.folder / "from-disk"
    mount.mkdir()
    run.mkdir()
    size = sum(path.stat().st_size for path in training.truth.iterdir())
    within = ("unshare", "-rm", "sh", "-c", MOUNTED, "sh", str(int(SHARE * size)), str(mount), str(run))
    test = (*within[:2], "sh", "-c", f'mount -t tmpfs none "{mount}"')
    if shutil.which("unshare") is None or subprocess.run(test, capture_output=True).returncode:
        return f"{SKIPPED}: no small disk can be mounted here"
    ending = training.wait(training.begin(mount / "run", within=within))
    return _fault(training, run / "run", ending)
