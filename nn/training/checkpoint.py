"""A training as it stands after an epoch, in one file, so that it goes on from there bit for bit.

    checkpoint.safetensors   weights, layer state, optimizer, generators, counters, the memory of the laws, the rows
                             of the epochs, the length of metrics.jsonl, the weights of the best epoch

One file is written whole or not at all, so a crash at any moment leaves the checkpoint before or the one after.
weights.safetensors and best.safetensors are copies of what stands in it.
"""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

from nnlaw.nn.run_folder.folder import Run
from nnlaw.nn.run_folder.tree_file import outline, pack, unpack
from nnlaw.nn.training.trainer import Snapshot, Trainer
from nnlaw.spec.violation import BadInput

NAME = "checkpoint.safetensors"


def snapshot_tree(before: Snapshot) -> dict[str, Any]:
    """A snapshot as a tree that can be packed."""
    return {row.name: getattr(before, row.name) for row in fields(Snapshot)} | {"progress": vars(before.progress)}


def restore_tree(trainer: Trainer, tree: Any, path: Path) -> None:
    """Put a trainer where `snapshot_tree` found it. Raises BadInput where the tree is not of this architecture."""
    try:
        progress = trainer.progress.copy()
        vars(progress).update(tree["progress"])
        before = Snapshot(**tree | {"progress": progress})
        wanted = (trainer.flat.w.shape, trainer.flat.w.dtype, set(trainer.generators))
        if (before.w.shape, before.w.dtype, set(before.generators)) != wanted:
            raise ValueError(f"{before.w.size:,} weights, expected {trainer.flat.w.size:,}")
        trainer.restore(before)
    except (AttributeError, KeyError, StopIteration, TypeError, ValueError) as error:
        raise BadInput(f"{path}: does not fit the settings of the run: {error}") from error


def write_checkpoint(run: Run, tree: dict[str, Any]) -> None:
    """Replace the checkpoint of a run."""
    run.write(NAME, pack(tree))


def read_checkpoint(run: Run) -> dict[str, Any]:
    """The checkpoint of a run. Raises BadInput where there is none, or it is damaged."""
    return _checked(run, unpack(_path(run)))


def glance(run: Run) -> dict[str, Any]:
    """The checkpoint without its arrays, quick to read. Raises BadInput like `read_checkpoint`."""
    return _checked(run, outline(_path(run)))


def _path(run: Run) -> Path:
    path = run.folder / NAME
    if not path.is_file():
        raise BadInput(f"{run.folder}: no {NAME}, expected a run folder; nothing was trained here: train it anew")
    return path


def _checked(run: Run, tree: Any) -> dict[str, Any]:
    kinds = {"rows": list, "epochs": int, "metrics_bytes": int, "judged": dict, "audited": float, "trainer": dict}
    if not isinstance(tree, dict) or any(not isinstance(tree.get(name), kind) for name, kind in kinds.items()):
        raise BadInput(f"{run.folder / NAME}: not a checkpoint of a training")
    best = tree.get("best")
    if not all(isinstance(row, dict) for row in tree["rows"]) or not (best is None or isinstance(best, dict)):
        raise BadInput(f"{run.folder / NAME}: its epochs are not rows of figures, not a checkpoint of a training")
    return tree
