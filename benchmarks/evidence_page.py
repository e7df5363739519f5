"""Run commands and code, and put them with their results on the page docs/evidence.md."""

from __future__ import annotations

import io
import json
import os
import shlex
import time
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from nnlaw.cli.main import run
from nnlaw.nn.core.markdown_page import MarkdownPage
from nnlaw.nn.run_folder.array_files import read_arrays
from nnlaw.spec.violation import Violation

ROOT = Path(__file__).parent.parent


@dataclass
class TrainingResult:
    """One `nn train`: the command line, and the files it wrote."""

    command: str
    folder: Path
    seconds: float
    summary: dict[str, Any]
    steps: list[dict[str, Any]]
    epochs: list[dict[str, Any]]
    violation: Violation | None

    @property
    def accuracy(self) -> str:
        """On validation images after the last epoch."""
        return "stopped" if self.violation else f"{self.epochs[-1]['val_accuracy']:.1%}"

    @property
    def diagnostic(self) -> str:
        """The violation, without the temporary folder and the commands that need it."""
        text = str(self.violation.with_fields(replay="", verify="")) if self.violation else ""
        return text.replace(f"{self.folder.parent}{os.sep}", "")

    @property
    def law(self) -> str:
        """The code of the failed law, and after which step."""
        if self.violation is None:
            return "-"
        step = self.violation.step
        return f"`{self.violation.law}`" + (f", after step {step}" if step else "")

    def weights(self) -> dict[str, Any]:
        """The saved arrays."""
        return read_arrays(self.folder / "weights.safetensors")


@dataclass
class EvidencePage:
    """The real MNIST, a temporary folder, the page, and the folder of its plots."""

    data: Path
    work: Path
    plots: Path
    page: MarkdownPage = field(default_factory=MarkdownPage)
    count: int = 0

    def train(self, flags: str, data: Path | None = None, shown: str = "mnist/") -> TrainingResult:
        """Run `nn train mnist/ FLAGS` and read what it wrote."""
        self.count += 1
        folder = self.work / f"run{self.count}"
        out, err, start = io.StringIO(), io.StringIO(), time.perf_counter()
        arguments = ["train", str(data or self.data), *shlex.split(flags), "--json", "--run", str(folder)]
        with redirect_stdout(out), redirect_stderr(err):
            code = run(arguments)
        if code == 2:
            raise SystemExit(f"nn train {flags}: {err.getvalue()}")
        seconds = time.perf_counter() - start
        metrics = folder / "metrics.jsonl"
        rows = [json.loads(line) for line in metrics.read_text().splitlines()] if metrics.exists() else []
        command = f"nn train {shown} {flags}"
        print(f"{seconds:6.1f} s  {command}", flush=True)
        signature = json.loads((folder / "failure" / "signature.json").read_text()) if code else {}
        return TrainingResult(
            command,
            folder,
            seconds,
            json.loads(out.getvalue()) if code == 0 else {},
            [row for row in rows if "step" in row],
            [row for row in rows if "step" not in row],
            Violation.from_dict(signature["violation"]) if code else None,
        )

    def plugin(self, name: str, source: str) -> Path:
        """Write a plugin file, and show it on the page."""
        path = self.work / name
        path.write_text(source)
        self.page.code([f"# {name}", *source.strip().splitlines()])
        return path

    def python(self, source: str, **names: Any) -> None:
        """Run lines of Python, and show them and their output on the page."""
        out = io.StringIO()
        with redirect_stdout(out), np.errstate(all="ignore"):
            exec(source, {"np": np, **names})
        self.page.code([*source.strip().splitlines(), "", *(line.rstrip() for line in out.getvalue().splitlines())])

    def plot(self, name: str, caption: str, fill: Callable[[Any], None], **axes_settings: Any) -> None:
        """Add a plot to the page: `fill(axes)` adds the curves."""
        from matplotlib.figure import Figure

        figure = Figure(figsize=(6, 3.2), layout="constrained")
        axes = figure.subplots()
        fill(axes)
        axes.set(**axes_settings)
        axes.grid(alpha=0.3)
        axes.legend(fontsize=8)
        self.plots.mkdir(parents=True, exist_ok=True)
        figure.savefig(self.plots / name, format="png", dpi=80)
        self.page.image(f"{self.plots.name}/{name}", caption)


def mean_sd(values: Sequence[float]) -> str:
    """Mean ± standard deviation, in percent."""
    return f"{np.mean(values):.2%} ± {np.std(values, ddof=1):.2%}"
