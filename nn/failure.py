"""A failure signature: all that a broken law needs to happen again; nn/replay.py makes it happen.

    failure/signature.json       phase, violation, settings, sizes, generator states, counters
    failure/arrays.safetensors   the batch, the weights and layer state before the step, the optimizer's arrays
    failure/*.py                 the source of the user's plugins
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import numpy as np

from nn.run import Run
from nn.settings import Settings
from nn.trainer import Trainer
from spec.arrays import Array
from spec.violation import Violation


def write_failure(
    run: Run,
    phase: str,
    violation: Violation,
    settings: Settings,
    trainer: Trainer,
    batch: tuple[Array, Array],
    sizes: dict[str, int],
) -> Path:
    """Write the signature of `violation`, met in `phase`, into the run folder; return its folder."""
    before = trainer.rewind() if phase == "step" and trainer.recent else trainer.take_snapshot()
    named = trainer.flat.named(before.w) | before.state
    arrays = {f"weights/{name}": a for name, a in named.items()}
    arrays |= {"batch/x": batch[0], "batch/labels": batch[1], "flat/w": before.w, "flat/seen": before.seen}
    numbers = {}
    for name, value in before.optimizer.items():
        if isinstance(value, np.ndarray):
            arrays[f"optimizer/{name}"] = value
        else:
            numbers[name] = value
    folder = run.folder / "failure"
    for name in settings.plugins:
        run.write("failure/" + Path(name).name, Path(name).read_bytes())
    run.write_arrays("failure/arrays.safetensors", arrays)
    run.write_json(
        "failure/signature.json",
        {
            "phase": phase,
            "violation": violation.to_dict(),
            "settings": asdict(settings),
            **sizes,
            "steps": trainer.steps,
            "done": before.done,
            "optimizer": numbers,
            "generators": before.generators,
            "progress": asdict(before.progress) | {"first": before.progress.first, "smooth": before.progress.smooth},
        },
    )
    return folder
