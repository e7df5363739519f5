"""A failure signature: all that a broken law needs to happen again; nn/runs/replay.py makes it happen.

    failure/signature.json       phase, violation, settings, sizes, counters
    failure/before.safetensors   the batch, and before the step: weights, layer state, optimizer, generators
    failure/*.py                 the source of the user's plugins and of what they import from beside them
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from nnlaw.nn.core.settings import Settings
from nnlaw.nn.plugins.snapshot import sources
from nnlaw.nn.run_folder.folder import Run
from nnlaw.nn.run_folder.tree_file import pack
from nnlaw.nn.training.checkpoint import snapshot_tree
from nnlaw.nn.training.trainer import Snapshot
from nnlaw.spec.arrays import Array
from nnlaw.spec.violation import Violation


def write_failure(
    run: Run,
    phase: str,
    violation: Violation,
    settings: Settings,
    steps: int,
    before: Snapshot,
    batch: tuple[Array, Array],
    sizes: dict[str, int],
) -> Path:
    """Write the signature of `violation`, met in `phase`, into the run folder; return its folder."""
    for name, content in sources(settings.plugins).items():
        run.write(f"failure/{name}", content)
    tree = {"x": batch[0], "labels": batch[1], "trainer": snapshot_tree(before)}
    run.write("failure/before.safetensors", pack(tree))
    run.write_json(
        "failure/signature.json",
        {
            "phase": phase,
            "violation": violation.to_dict(),
            "settings": asdict(settings),
            **sizes,
            "steps": steps,
            "done": before.done,
        },
    )
    return run.folder / "failure"
