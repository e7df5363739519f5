"""A recorded failure happens again, from its signature alone."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from nn.audits import audit, audit_epoch, data_case, judge
from nn.build import build_model, load_plugins, make_trainer
from nn.checkpoint import restore_tree
from nn.packing import unpack
from nn.run import Run, read_json
from nn.session import Silent, prepare
from nn.settings import Settings
from nn.stress.signature import PHASE, replay_drill
from spec.strict import Docket
from spec.violation import BadInput, Violation


def replay(folder: Path) -> Violation | None:
    """Make a recorded failure happen again; return the violation it ends in, or None where nothing is broken.

    Raises BadInput where the signature cannot be read.
    """
    record = read_json(folder / "signature.json")
    if record.get("phase") == PHASE:
        return replay_drill(folder.resolve(), record)
    try:
        table = dict(record["settings"])
        table["plugins"] = tuple(str(folder / f"{i}-{Path(name).name}") for i, name in enumerate(table["plugins"], 1))
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
        if phase == "reload":  # what was not saved isn't in the signature either: train again
            with TemporaryDirectory() as again:
                prepare(settings).train(Run(Path(again)), Silent())
            return None
        before = folder / "before.safetensors"
        tree = unpack(before)
        model = build_model(settings, n_in, classes)
        trainer = make_trainer(settings, model, int(record["steps"]), docket)
        restore_tree(trainer, tree["trainer"], before)
        x, labels = tree["x"], tree["labels"]
        if phase == "audit":
            audit(settings, model, x, labels, docket)
        elif phase == "epoch":
            audit_epoch(model, x, labels, docket)
        elif phase == "evaluate":
            model.predict(x)
        elif phase == "perturb":
            model.input_gradient(x, labels)
        elif phase == "weights":
            trainer.demand_finite()
        else:
            trainer.step(x, labels)
    except Violation as violation:
        return violation
    return None
