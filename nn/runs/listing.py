"""List the runs in a folder, with state, accuracies and settings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nnlaw.nn.plugins.errors import describe_user_error
from nnlaw.nn.run_folder.folder import Run
from nnlaw.nn.run_folder.json_files import read_json
from nnlaw.nn.run_folder.metadata import read_record, read_run_settings
from nnlaw.nn.training.checkpoint import NAME as CHECKPOINT
from nnlaw.nn.training.checkpoint import read_header
from nnlaw.spec.violation import BadInput

SETTINGS = ("layers", "model", "optimizer", "schedule", "lr", "batch_size", "strict", "seed")


def list_runs(folder: Path) -> list[dict[str, Any]]:
    """One row per run, the newest last. A folder is a run if it has settings; an unreadable run has the reason."""
    try:
        runs = [Run(path) for path in folder.iterdir() if _is_run(path)]
    except OSError as error:
        raise BadInput(f"{folder}: can't be read: {error.strerror}") from error
    return sorted(map(describe_run, runs), key=lambda row: (row["date"] or "", row["run"]))


def _is_run(folder: Path) -> bool:
    try:
        (folder / "config.toml").lstat()
    except PermissionError:  # it may be one; its row has the reason
        return True
    except OSError:
        return False
    return True


def describe_run(run: Run) -> dict[str, Any]:
    """The row of a run; None for values that do not exist yet."""
    row: dict[str, Any] = {"run": str(run.folder), "date": None, "state": "unreadable"}
    row |= dict.fromkeys(("epoch", "epochs", "test_accuracy", "val_accuracy", "best_epoch", "data", *SETTINGS))
    try:
        settings, record = read_run_settings(run.folder), read_record(run)
        row |= {name: getattr(settings, name) for name in SETTINGS}
        row |= {"date": record["started"], "data": record["data"], "epochs": settings.epochs}
        return row | _progress(run, settings.epochs)
    except Exception as error:  # a file of a foreign run may hold anything; this one never hides the others
        reason = str(error) if isinstance(error, BadInput) else f"{run.folder}: {describe_user_error(error)}"
        return row | ({"state": "running"} if run.busy else {"because": reason})


def _progress(run: Run, epochs: int) -> dict[str, Any]:
    tree = read_header(run)
    done, best = len(tree["rows"]), (tree.get("best") or {}).get("epoch")
    last = tree["rows"][-1] if done else {}
    found = {"epoch": done, "best_epoch": best, "val_accuracy": last.get("val_accuracy")}
    _check_accuracy(found["val_accuracy"], run.folder / CHECKPOINT)
    failed = _failure(run, int(tree["trainer"].get("done", 0)))
    if run.busy:
        state = f"running, epoch {min(done + 1, epochs)} of {epochs}"
    elif (run.folder / "summary.json").exists():
        state = "finished"
        found["test_accuracy"] = read_json(run.folder / "summary.json").get("test_accuracy")
        _check_accuracy(found["test_accuracy"], run.folder / "summary.json")
    elif failed:
        state = f"failed: {failed}"
    else:
        state = f"stopped at epoch {done} of {epochs}"
    return found | {"state": state}


def _check_accuracy(value: Any, path: Path) -> None:
    if value is not None and not (isinstance(value, float) and 0 <= value <= 1):
        raise BadInput(f"{path}: accuracy = {str(value)[:40]!r}, expected a number from 0 to 1")


def _failure(run: Run, done: int) -> str:
    """The law that failed in a run; "" if all passed, or the run has continued since."""
    path = run.folder / "failure" / "signature.json"
    if not path.exists():
        return ""
    signature = read_json(path)
    violation, step = signature.get("violation"), signature.get("done")
    if not isinstance(violation, dict) or not isinstance(step, int):
        raise BadInput(f"{path}: not a failure report")
    return str(violation.get("law")) if step >= done else ""
