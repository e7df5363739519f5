"""Where the evidence is made: commands are run as a reader would type them, and what they say goes on the page."""

from __future__ import annotations

import io
import json
import re
import shlex
import time
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from nnlaw.cli.main import run
from nnlaw.nn.core.markdown_page import MarkdownPage
from nnlaw.nn.run_folder.folder import read_arrays

ROOT = Path(__file__).parent.parent


@dataclass
class Ran:
    """One `nn train`: the command as a reader types it, and what it left."""

    command: str
    code: int
    said: str
    folder: Path
    seconds: float
    summary: dict[str, Any]
    steps: list[dict[str, Any]]
    epochs: list[dict[str, Any]]

    @property
    def accuracy(self) -> str:
        """On validation images after the last epoch."""
        return f"{self.epochs[-1]['val_accuracy']:.1%}" if self.code == 0 else "stopped"

    @property
    def diagnostic(self) -> str:
        """What the law that spoke said, without the commands that name folders of its own."""
        return re.sub(r"[;\s]*(replay|by itself): nn (replay|verify) [^\s;]+", "", self.said).strip()

    @property
    def law(self) -> str:
        """The code of the law that spoke, and after which step."""
        codes, steps = re.findall(r"\[([a-z][a-z-]*)\]", self.said), re.findall(r"after step \d+", self.said)
        return ", ".join([*(f"`{code}`" for code in codes[-1:]), *steps[-1:]]) or "none"

    def weights(self) -> dict[str, Any]:
        """The saved arrays."""
        return read_arrays(self.folder / "weights.safetensors")


@dataclass
class Lab:
    """The real MNIST, a folder for what is thrown away, the page, and where its pictures go."""

    data: Path
    work: Path
    pictures: Path
    page: MarkdownPage = field(default_factory=MarkdownPage)
    count: int = 0

    def train(self, flags: str, data: Path | None = None, shown: str = "mnist/") -> Ran:
        """Run `nn train mnist/ FLAGS` and read what it left."""
        self.count += 1
        folder = self.work / f"run{self.count}"
        out, err, begun = io.StringIO(), io.StringIO(), time.perf_counter()
        words = ["train", str(data or self.data), *shlex.split(flags), "--json", "--run", str(folder)]
        with redirect_stdout(out), redirect_stderr(err):
            code = run(words)
        if code == 2:
            raise SystemExit(f"nn train {flags}: {err.getvalue()}")
        metrics = folder / "metrics.jsonl"
        rows = [json.loads(line) for line in metrics.read_text().splitlines()] if metrics.exists() else []
        command = f"nn train {shown} {flags}"
        summary = json.loads(out.getvalue()) if code == 0 else {}
        print(f"{time.perf_counter() - begun:6.1f} s  {command}", flush=True)
        steps, epochs = ([row for row in rows if ("step" in row) == wanted] for wanted in (True, False))
        return Ran(command, code, err.getvalue(), folder, time.perf_counter() - begun, summary, steps, epochs)

    def plugin(self, name: str, source: str) -> Path:
        """A plugin file of the evidence's own, shown on the page."""
        path = self.work / name
        path.write_text(source)
        self.page.code([f"# {name}", *source.strip().splitlines()])
        return path

    def python(self, source: str, **names: Any) -> str:
        """Run lines of Python, and put them and what they print on the page."""
        out = io.StringIO()
        with redirect_stdout(out), np.errstate(all="ignore"):
            exec(source, {"np": np, **names})
        self.page.code([*source.strip().splitlines(), "", *(line.rstrip() for line in out.getvalue().splitlines())])
        return out.getvalue()

    def plot(self, name: str, caption: str, draw: Any, **axes_settings: Any) -> None:
        """A picture on the page: `draw(axes)` fills it."""
        from matplotlib.figure import Figure

        figure = Figure(figsize=(6, 3.2), layout="constrained")
        axes = figure.subplots()
        draw(axes)
        axes.set(**axes_settings)
        axes.grid(alpha=0.3)
        axes.legend(fontsize=8)
        self.pictures.mkdir(parents=True, exist_ok=True)
        figure.savefig(self.pictures / name, format="png", dpi=80)
        self.page.image(f"{self.pictures.name}/{name}", caption)


def mean_sd(values: Sequence[float]) -> str:
    """Mean ± standard deviation, in percent."""
    return f"{np.mean(values):.2%} ± {np.std(values, ddof=1):.2%}"
