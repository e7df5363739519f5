"""The state of a training after an epoch, in one file, so that it can be resumed bit for bit.

    checkpoint.safetensors   weights, layer state, optimizer, generators, counters, counts of the laws, metrics of the
                             epochs, length of metrics.jsonl, weights of the best epoch

The file is replaced atomically, so a crash leaves either the checkpoint before or the one after. weights.safetensors
and best.safetensors are copies of parts of it.
"""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

from nnlaw.nn.run_folder.folder import Run
from nnlaw.nn.run_folder.tree_file import pack, read_tree_header, unpack
from nnlaw.nn.training.trainer import Snapshot, Trainer
from nnlaw.spec.violation import BadInput

NAME = "checkpoint.safetensors"
NOT_SAVED = ("registered", "is_second", "moved", "recipe", "values_only")
"""Fields of a case that are the same in every training, and not in files of version 0.1."""


def snapshot_tree(snapshot: Snapshot) -> dict[str, Any]:
    """A snapshot as a tree that can be packed."""
    tree = {row.name: getattr(snapshot, row.name) for row in fields(Snapshot)}
    progress = dict(vars(snapshot.progress))
    for name in NOT_SAVED:
        progress.pop(name, None)
    return tree | {"progress": progress}


def restore_trainer(trainer: Trainer, tree: Any, path: Path) -> None:
    """Restore a trainer from the tree of a snapshot in `path`. Raises BadInput if it is of another architecture."""
    try:
        progress = trainer.progress.copy()
        vars(progress).update(tree["progress"])
        snapshot = Snapshot(**tree | {"progress": progress})
        needed = (trainer.flat.w.shape, trainer.flat.w.dtype, set(trainer.generators))
        if (snapshot.w.shape, snapshot.w.dtype, set(snapshot.generators)) != needed:
            raise ValueError(f"{snapshot.w.size:,} weights, expected {trainer.flat.w.size:,}")
        trainer.restore(snapshot)
    except (AttributeError, KeyError, StopIteration, TypeError, ValueError) as error:
        raise BadInput(f"{path}: does not fit the settings of the run: {error}") from error


def write_checkpoint(run: Run, tree: dict[str, Any]) -> None:
    """Replace the checkpoint of a run."""
    run.write(NAME, pack(tree))


def read_checkpoint(run: Run) -> dict[str, Any]:
    """The checkpoint of a run. Raises BadInput if there is none, or it is damaged."""
    return _checked(run, unpack(_path(run)))


def read_header(run: Run) -> dict[str, Any]:
    """The checkpoint without its arrays, which is quick to read. Raises BadInput like `read_checkpoint`."""
    return _checked(run, read_tree_header(_path(run)))


def _path(run: Run) -> Path:
    path = run.folder / NAME
    if not path.is_file():
        raise BadInput(f"{run.folder} is not a run folder (no {NAME}); train one first: nn train")
    return path


def _checked(run: Run, tree: Any) -> dict[str, Any]:
    kinds = {"rows": list, "epochs": int, "metrics_bytes": int, "judged": dict, "audited": float, "trainer": dict}
    if not isinstance(tree, dict) or any(not isinstance(tree.get(name), kind) for name, kind in kinds.items()):
        raise BadInput(f"{run.folder / NAME}: not a checkpoint of a training")
    best = tree.get("best")
    if not all(isinstance(row, dict) for row in tree["rows"]) or not (best is None or isinstance(best, dict)):
        raise BadInput(f"{run.folder / NAME}: not a checkpoint of a training (its epochs are not tables)")
    return tree
