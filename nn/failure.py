"""A failure signature: all that a broken law needs to happen again, and the way to make it happen.

    failure/signature.json       phase, violation, settings, sizes, generator states, counters
    failure/arrays.safetensors   the batch, the weights and layer state before the step, the optimizer's arrays
    failure/*.py                 the source of the user's plugins
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nn.run import Run, read_arrays, read_json
from nn.settings import Settings
from nn.trainer import Snapshot
from spec.arrays import Array
from spec.strict import Docket
from spec.violation import BadInput, Violation

if TYPE_CHECKING:
    from nn.session import Session


def write_failure(run: Run, phase: str, violation: Violation, session: Session, batch: tuple[Array, Array]) -> Path:
    """Write the signature of `violation`, met in `phase`, into the run folder; return its folder."""
    trainer = session.trainer
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
    for name in session.settings.plugins:
        run.write("failure/" + Path(name).name, Path(name).read_bytes())
    run.write_arrays("failure/arrays.safetensors", arrays)
    run.write_json(
        "failure/signature.json",
        {
            "phase": phase,
            "violation": violation.to_dict(),
            "settings": asdict(session.settings),
            "n_in": int(session.split.x_train.shape[1]),
            "classes": session.dataset.n_classes,
            "steps": trainer.steps,
            "done": before.done,
            "optimizer": numbers,
            "generators": before.generators,
            "progress": asdict(before.progress) | {"first": before.progress.first, "smooth": before.progress.smooth},
        },
    )
    return folder


def replay(folder: Path) -> Violation | None:
    """Make a recorded failure happen again; return the violation it ends in, or None where nothing is broken.

    Raises BadInput where the signature cannot be read.
    """
    from nn import session as sessions

    record = read_json(folder / "signature.json")
    try:
        table = dict(record["settings"])
        table["plugins"] = tuple(str(folder / Path(name).name) for name in table["plugins"])
        settings = Settings(**table)
        phase, n_in, classes = record["phase"], int(record["n_in"]), int(record["classes"])
    except (KeyError, TypeError) as error:
        raise BadInput(f"{folder / 'signature.json'}: not a failure signature: {error}") from error
    sessions.load_plugins(settings)
    docket = Docket()
    try:
        if phase == "data":
            sessions.judge(sessions.data_case(sessions.prepare(settings).split), docket)
            return None
        arrays = read_arrays(folder / "arrays.safetensors")
        model = sessions.build_model(settings, n_in, classes)
        trainer = sessions.make_trainer(settings, model, int(record["steps"]), docket)
        _restore(trainer, record, arrays)
        x, labels = arrays["batch/x"], arrays["batch/labels"]
        if phase == "audit":
            sessions.audit(settings, model, x, labels, docket)
        elif phase == "epoch":
            sessions.audit_epoch(model, x, labels, docket)
        elif phase == "evaluate":
            model.predict(x)
        else:
            trainer.step(x, labels)
    except Violation as violation:
        return violation
    return None


def _restore(trainer: Any, record: dict[str, Any], arrays: dict[str, Array]) -> None:
    from nn.session import restore

    def part(prefix: str) -> dict[str, Array]:
        return {name.removeprefix(prefix): a for name, a in arrays.items() if name.startswith(prefix)}

    restore(trainer.model, part("weights/"))
    progress = trainer.progress.copy()
    for name, value in record["progress"].items():
        setattr(progress, name, value)
    memory = {**record["optimizer"], **part("optimizer/")}
    done, generators = int(record["done"]), record["generators"]
    trainer.restore(Snapshot(arrays["flat/w"], arrays["flat/seen"], {}, memory, generators, progress, done))

