"""Training in a process of its own, as a user starts it.

    training = Training(folder)            a data set and an uninterrupted run, the reference
    training.difference(run)               the first file in which another run of the same settings differs from it
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

from nnlaw.nn.run_folder.folder import Run
from nnlaw.nn.run_folder.tree_file import pack, unpack
from nnlaw.nn.stress.subprocess_run import PROGRAM, ProcessResult, start, wait
from nnlaw.nn.training.checkpoint import NAME, read_header

FLAGS = ("--epochs", "6", "--layers", "dense:2 relu dropout:0.2 dense:10", "--optimizer", "adam")
COMPARED = ("weights.safetensors", "best.safetensors", "corpus.safetensors", "split.npz")  # bit for bit
SECONDS = 120.0  # allowed for a small training on a busy machine


class Training:
    """A small training in `folder`, run once without interruption as the reference for others.

    It has 6·1,100 / `batch_size` steps; with fewer steps, metrics.jsonl is smaller than the other files.
    """

    def __init__(self, folder: Path, seed: int, batch_size: int = 2) -> None:
        from nnlaw.nn.data.synthetic.digits import generate_digits
        from nnlaw.nn.data.writer import write_folder

        self.folder = folder
        self.flags = (*FLAGS, "--seed", str(seed), "--batch-size", str(batch_size))
        self.data = folder / "data"
        self.data.mkdir(parents=True)
        write_folder(self.data, generate_digits(seed=seed, train=1200, test=30))
        self.reference = folder / "reference"
        ended = self.wait(self.start(self.reference))
        if ended.code:
            raise RuntimeError(f"the reference training failed with exit code {ended.code}: {ended.output[-500:]}")

    def start(
        self, run: Path, preexec: Callable[[], None] | None = None, wrapper: tuple[str, ...] = ()
    ) -> subprocess.Popen[bytes]:
        """Start a training in a new run folder, or resume it if the folder has a checkpoint.

        The process calls `preexec` first. `wrapper` is a command that gets the training's command as last arguments.
        """
        if (run / NAME).exists():
            args: tuple[str, ...] = ("train", "--resume", str(run), "--json")
        else:
            args = ("train", str(self.data), *self.flags, "--run", str(run), "--json")
        return start((*wrapper, *PROGRAM, *args), self._output, folder=self.folder, preexec=preexec)

    def wait(self, process: subprocess.Popen[bytes]) -> ProcessResult:
        """Wait until the process ends."""
        return wait(process, self._output, SECONDS)

    def difference(self, run: Path) -> str:
        """The first file in which a finished run differs from the reference, apart from times; empty if it does not."""
        for name in COMPARED:
            if (run / name).read_bytes() != (self.reference / name).read_bytes():
                return f"{name} differs"
        if _rows(run) != _rows(self.reference):
            return "metrics.jsonl differs"
        one, two = (pack(unpack(folder / NAME)["trainer"]) for folder in (run, self.reference))
        return f"{NAME} differs" if one != two else ""

    @property
    def _output(self) -> Path:
        return self.folder / "output"


def epochs_trained(run: Path) -> int:
    """The number of epochs with metrics in metrics.jsonl, also without a checkpoint; a line cut off is ignored."""
    path = run / "metrics.jsonl"
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines() if path.exists() else []
    return sum("train_accuracy" in row for line in lines for row in _parsed(line))


def epochs_saved(run: Path) -> int:
    """The number of epochs in the checkpoint. Raises BadInput if it is damaged."""
    unpack(run / NAME)
    return len(read_header(Run(run))["rows"])


def _parsed(line: str) -> list[dict[str, object]]:
    try:
        return [json.loads(line)]
    except ValueError:
        return []


def _rows(run: Path) -> list[dict[str, object]]:
    lines = (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    return [{key: value for key, value in json.loads(line).items() if key != "seconds"} for line in lines]
