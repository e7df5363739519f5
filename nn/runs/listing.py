"""The runs of a folder with their figures, whatever state each of them is in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nnlaw.nn.training.checkpoint import glance
from nnlaw.nn.run_folder.metadata import read_record, run_settings
from nnlaw.nn.run_folder.folder import Run, read_json
from nnlaw.spec.violation import BadInput

SETTINGS = ("layers", "model", "optimizer", "schedule", "lr", "batch_size", "strict", "seed")


def list_runs(folder: Path) -> list[dict[str, Any]]:
    """One row a run, the newest last. A folder without settings is no run; one that cannot be read says why."""
    rows = [describe(Run(path.parent)) for path in folder.glob("*/config.toml")]
    return sorted(rows, key=lambda row: (row["date"] or "", row["run"]))


def describe(run: Run) -> dict[str, Any]:
    """The figures of a run: None where there are none yet."""
    row: dict[str, Any] = {"run": str(run.folder), "date": None, "state": "unreadable"}
    row |= dict.fromkeys(("epoch", "epochs", "test_accuracy", "val_accuracy", "best_epoch", "data", *SETTINGS))
    try:
        settings, record = run_settings(run.folder), read_record(run)
        row |= {name: getattr(settings, name) for name in SETTINGS}
        row |= {"date": record["started"], "data": record["data"], "epochs": settings.epochs}
        return row | _progress(run, settings.epochs)
    except BadInput as error:
        return row | ({"state": "running"} if run.busy else {"because": str(error)})


def _progress(run: Run, epochs: int) -> dict[str, Any]:
    tree = glance(run)
    done, best = len(tree["rows"]), (tree.get("best") or {}).get("epoch")
    last = tree["rows"][-1] if done else {}
    found = {"epoch": done, "best_epoch": best, "val_accuracy": last.get("val_accuracy")}
    failed = _failure(run, int(tree["trainer"].get("done", 0)))
    if run.busy:
        state = f"running, epoch {min(done + 1, epochs)} of {epochs}"
    elif (run.folder / "summary.json").exists():
        state = "finished"
        found["test_accuracy"] = read_json(run.folder / "summary.json").get("test_accuracy")
    elif failed:
        state = f"failed: {failed}"
    else:
        state = f"stopped at epoch {done} of {epochs}"
    return found | {"state": state}


def _failure(run: Run, done: int) -> str:
    """The law that ended a run, empty where none did, or where the run has come further since."""
    path = run.folder / "failure" / "signature.json"
    if not path.exists():
        return ""
    signature = read_json(path)
    violation, step = signature.get("violation"), signature.get("done")
    if not isinstance(violation, dict) or not isinstance(step, int):
        raise BadInput(f"{path}: not a failure signature")
    return str(violation.get("law")) if step >= done else ""
