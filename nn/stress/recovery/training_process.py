"""Trainings in processes of their own, as a user starts them: undisturbed, killed, or left without room.

    truth = Training(folder)        a data set, and a run that nothing disturbed
    truth.differs(run)              how another run of the same settings differs from it, or nothing
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

from nnlaw.nn.run_folder.folder import Run
from nnlaw.nn.run_folder.tree_file import pack, unpack
from nnlaw.nn.stress.subprocess_run import PROGRAM, Ending, start, watch
from nnlaw.nn.training.checkpoint import NAME, read_header

FLAGS = ("--epochs", "6", "--layers", "dense:2 relu dropout:0.2 dense:10", "--optimizer", "adam")
SAME = ("weights.safetensors", "best.safetensors", "corpus.safetensors", "split.npz")  # bit for bit
SECONDS = 120.0  # that a small training may take on a busy machine


class Training:
    """One small training in `folder`, done once without disturbance, against which others are held.

    It takes 6·1,100 / `batch_size` steps; the fewer, the smaller is metrics.jsonl beside the other files.
    """

    def __init__(self, folder: Path, seed: int, batch_size: int = 2) -> None:
        from nnlaw.nn.data.synthetic.digits import generate_digits
        from nnlaw.nn.data.writer import write_folder

        self.folder = folder
        self.flags = (*FLAGS, "--seed", str(seed), "--batch-size", str(batch_size))
        self.data = folder / "data"
        self.data.mkdir(parents=True)
        write_folder(self.data, generate_digits(seed=seed, train=1200, test=30))
        self.truth = folder / "undisturbed"
        ending = self.wait(self.begin(self.truth))
        if ending.code:
            raise RuntimeError(f"a training that nothing disturbed ended with {ending.code}: {ending.printed[-500:]}")

    def begin(
        self, run: Path, before: Callable[[], None] | None = None, within: tuple[str, ...] = ()
    ) -> subprocess.Popen[bytes]:
        """Start a training in a new run folder, or go on where there is a checkpoint.

        `before` is done in its process first; `within` is a command that takes the training's as its last words.
        """
        if (run / NAME).exists():
            args: tuple[str, ...] = ("train", "--resume", str(run), "--json")
        else:
            args = ("train", str(self.data), *self.flags, "--run", str(run), "--json")
        return start((*within, *PROGRAM, *args), self._printed, folder=self.folder, before=before)

    def wait(self, process: subprocess.Popen[bytes]) -> Ending:
        """Until it ends by itself."""
        return watch(process, self._printed, SECONDS)

    def differs(self, run: Path) -> str:
        """The first file in which a finished run is not what the undisturbed one is, or nothing; clocks aside."""
        for name in SAME:
            if (run / name).read_bytes() != (self.truth / name).read_bytes():
                return f"{name} differs"
        if _rows(run) != _rows(self.truth):
            return "metrics.jsonl differs"
        one, two = (pack(unpack(folder / NAME)["trainer"]) for folder in (run, self.truth))
        return f"{NAME} differs" if one != two else ""

    @property
    def _printed(self) -> Path:
        return self.folder / "printed"


def epochs_begun(run: Path) -> int:
    """Epochs whose figures stand in metrics.jsonl, whether or not their checkpoint was written."""
    path = run / "metrics.jsonl"
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines() if path.exists() else []
    return sum('"train_accuracy"' in line and line.endswith("}") for line in lines)


def epochs_kept(run: Path) -> int:
    """Epochs that the checkpoint holds. Raises BadInput where it is damaged."""
    unpack(run / NAME)
    return len(read_header(Run(run))["rows"])


def _rows(run: Path) -> list[dict[str, object]]:
    lines = (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    return [{key: value for key, value in json.loads(line).items() if key != "seconds"} for line in lines]
