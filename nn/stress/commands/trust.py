"""Scenario: a run folder and a bundle bring a plugin, which must not run with the rights of the user."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import numpy as np
from PIL import Image

from nnlaw.nn.run_folder.metadata import read_run_settings
from nnlaw.nn.stress.commands.command import observation, run
from nnlaw.nn.stress.scenario import Context, Observation, Skip, scenario

PLUGIN = """from pathlib import Path

from nn import layer
from spec import obeys

{spy}


@layer("twice")
@obeys("N n -> N n")
class Twice:
    def forward(self, x):
        {spy}
        return 2 * x

    def backward(self, dy):
        return 2 * dy
"""


@scenario(
    "trust",
    what="predict, resume, replay and reproduce with a run and a bundle whose plugin writes into the user's folder",
    expected="the plugin runs in a sandbox, or the command is refused without --trust; nothing is written",
)
def trust(context: Context) -> Observation:
    """Train with a harmless plugin, replace it in the run and in its bundle, and use both."""
    if sys.platform == "win32":
        raise Skip("Windows has no sandbox")
    folder, data = context.folder, read_run_settings(context.run.folder).data
    canary = folder / "canary"
    plugin = folder / "twice.py"
    plugin.write_text(PLUGIN.format(spy="pass"), encoding="utf-8")
    Image.fromarray(np.full((28, 28), 255, np.uint8)).save(folder / "blank.png")
    layers = f"dense:8 twice relu dense:{len(context.reader.classes)}"
    train = ("train", str(data), "--plugin", plugin.name, "--epochs", "1", "--run", "run", "--layers", layers)
    faults = {"train": run(train, folder, (0,)).fault}
    if faults["train"]:
        return observation(faults, "commands")
    spy = f"Path({str(canary)!r}).write_text('x')"
    for path in (folder / "run").rglob("*.py"):
        path.write_text(PLUGIN.format(spy=spy), encoding="utf-8")
    plugin.unlink()
    shutil.copytree(folder / "run", folder / "stopped")
    (folder / "stopped" / "summary.json").unlink()
    commands = {
        "predict": ("predict", "--run", "run", "blank.png"),
        "resume": ("train", "--resume", "stopped"),
        "bundle": ("bundle", "run", "--output", "run.zip"),
        "reproduce": ("reproduce", "run.zip", "--data", str(data)),
        "stress": ("stress", "run", "--scenario", "sound"),
    }
    for name, arguments in commands.items() if context.full else list(commands.items())[::2]:
        faults[name] = run(arguments, folder, (0, 1, 2)).fault
        if canary.exists():
            faults[name] = "its plugin wrote a file"
            canary.unlink()
    faults["plugins outside the run"] = _outside(folder)
    return observation(faults, "commands")


def _outside(folder: Path) -> str:
    """A fault if the deleted plugin, or a folder for it, was made again."""
    return "the plugin was written back" if (folder / "twice.py").exists() else ""
