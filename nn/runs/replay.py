"""A recorded failure happens again, from its signature alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from nnlaw.nn.training.strict_checks import audit, audit_epoch, data_case, judge
from nnlaw.nn.training.build import build_model, load_plugins, make_trainer
from nnlaw.nn.training.checkpoint import restore_tree
from nnlaw.nn.run_folder.tree_file import unpack
from nnlaw.nn.plugins.snapshot import copy_name
from nnlaw.nn.core.reporter import Silent
from nnlaw.nn.run_folder.folder import Run, read_json
from nnlaw.nn.training.session import prepare
from nnlaw.nn.core.settings import Settings, typed
from nnlaw.spec.guards.check_log import CheckLog
from nnlaw.spec.violation import BadInput, Violation

PHASES = ("data", "audit", "perturb", "step", "epoch", "evaluate", "reload", "weights")


@np.errstate(all="ignore")  # laws speak here, not warnings
def replay(folder: Path) -> Violation | None:
    """Make a recorded failure happen again; return the violation it ends in, or None where nothing is broken.

    Raises BadInput where the signature cannot be read.
    """
    record = read_json(folder / "signature.json")
    try:
        settings = Settings(**typed(dict(record["settings"]), str(folder / "signature.json")))
        copies = (str(folder / copy_name(i, name)) for i, name in enumerate(settings.plugins, 1))
        settings = replace(settings, plugins=tuple(copies))
        phase, n_in, classes, steps = _checked(record)
    except (KeyError, TypeError, ValueError) as error:
        raise BadInput(f"{folder / 'signature.json'}: not a failure signature: {error}") from error
    load_plugins(settings)
    try:
        with threadpool_limits(settings.threads or None):
            _once_more(folder, settings, phase, n_in, classes, steps)
    except Violation as violation:
        return violation
    return None


def _once_more(folder: Path, settings: Settings, phase: str, n_in: int, classes: int, steps: int) -> None:
    """What was judged in this phase of the training, judged once more."""
    check_log = CheckLog()
    if phase == "data":
        judge(data_case(prepare(settings).split), check_log)
        return
    if phase == "reload":  # what was not saved isn't in the signature either: train again
        with TemporaryDirectory() as again:
            prepare(settings).train(Run(Path(again)), Silent())
        return
    before = folder / "before.safetensors"
    tree = unpack(before)
    model = build_model(settings, n_in, classes)
    trainer = make_trainer(settings, model, steps, check_log if settings.strict else None)
    restore_tree(trainer, tree["trainer"], before)
    x, labels = tree["x"], tree["labels"]
    if phase == "audit":
        audit(settings, model, x, labels, check_log)
    elif phase == "epoch":
        audit_epoch(model, x, labels, check_log)
    elif phase == "evaluate":
        model.predict(x)
    elif phase == "perturb":
        model.input_gradient(x, labels)
    elif phase == "weights":
        trainer.demand_finite()
    else:
        trainer.step(x, labels)


def _checked(record: dict[str, Any]) -> tuple[str, int, int, int]:
    """Phase, inputs, classes and steps of a signature. Raises KeyError, TypeError or ValueError for any other."""
    counts = [record[name] for name in ("n_in", "classes", "steps")]
    if not all(type(count) is int and count > 0 for count in counts):
        raise ValueError(f"n_in, classes, steps = {counts}, expected whole numbers above 0")
    if record["phase"] not in PHASES or not isinstance(record["violation"]["law"] + record["violation"]["array"], str):
        raise ValueError(f"phase {record['phase']!r}, expected one of {', '.join(PHASES)}, with a violation")
    return record["phase"], *counts
