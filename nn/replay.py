"""A recorded failure happens again, from its signature alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nn.audits import audit, audit_epoch, data_case, judge
from nn.build import build_model, load_plugins, make_trainer, restore
from nn.run import read_arrays, read_json
from nn.session import prepare
from nn.settings import Settings
from nn.trainer import Snapshot
from spec.arrays import Array
from spec.strict import Docket
from spec.violation import BadInput, Violation


def replay(folder: Path) -> Violation | None:
    """Make a recorded failure happen again; return the violation it ends in, or None where nothing is broken.

    Raises BadInput where the signature cannot be read.
    """
    record = read_json(folder / "signature.json")
    try:
        table = dict(record["settings"])
        table["plugins"] = tuple(str(folder / Path(name).name) for name in table["plugins"])
        settings = Settings(**table)
        phase, n_in, classes = record["phase"], int(record["n_in"]), int(record["classes"])
    except (KeyError, TypeError) as error:
        raise BadInput(f"{folder / 'signature.json'}: not a failure signature: {error}") from error
    load_plugins(settings)
    docket = Docket()
    try:
        if phase == "data":
            judge(data_case(prepare(settings).split), docket)
            return None
        arrays = read_arrays(folder / "arrays.safetensors")
        model = build_model(settings, n_in, classes)
        trainer = make_trainer(settings, model, int(record["steps"]), docket)
        _restore(trainer, record, arrays)
        x, labels = arrays["batch/x"], arrays["batch/labels"]
        if phase == "audit":
            audit(settings, model, x, labels, docket)
        elif phase == "epoch":
            audit_epoch(model, x, labels, docket)
        elif phase == "evaluate":
            model.predict(x)
        else:
            trainer.step(x, labels)
    except Violation as violation:
        return violation
    return None


def _restore(trainer: Any, record: dict[str, Any], arrays: dict[str, Array]) -> None:
    def part(prefix: str) -> dict[str, Array]:
        return {name.removeprefix(prefix): a for name, a in arrays.items() if name.startswith(prefix)}

    restore(trainer.model, part("weights/"))
    progress = trainer.progress.copy()
    for name, value in record["progress"].items():
        setattr(progress, name, value)
    memory = {**record["optimizer"], **part("optimizer/")}
    done, generators = int(record["done"]), record["generators"]
    trainer.restore(Snapshot(arrays["flat/w"], arrays["flat/seen"], {}, memory, generators, progress, done))

