"""Resume a stopped training from its last checkpoint, with the same result bit for bit."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

from nnlaw.nn.core.settings import Settings, read_settings
from nnlaw.nn.run_folder.folder import Run
from nnlaw.nn.run_folder.metadata import check_record, config_file, read_run_settings, record_resumption
from nnlaw.nn.training.checkpoint import read_header
from nnlaw.nn.training.session import Session, prepare
from nnlaw.spec.violation import BadInput, counted


def resume(run: Run, given: dict[str, Any], stop_after: int | None = None) -> Session:
    """The session of a run at its last checkpoint; the folder must be locked.

    `given` are settings by name. `data` may be another path of the same data, and `epochs` may change if the schedule
    is constant; other settings must be the recorded ones. Raises BadInput otherwise, if there is nothing left to train,
    or if data, split or checkpoint are not those of the run.
    """
    done = len(read_header(run)["rows"])
    recorded = Settings().with_changes(read_settings(config_file(run.folder)))
    settings = resumed_settings(recorded, given, done)
    if stop_after is not None and stop_after <= done:
        raise BadInput(f"{run.folder} is already after epoch {done}, expected a larger --stop-after than {stop_after}")
    if done == settings.epochs and run.complete:  # a run that stopped before its pictures is evaluated again
        raise BadInput(f"{run.folder} is finished after {counted(done, 'epoch')}; to continue, increase --epochs")
    if settings.data and not os.path.exists(settings.data):
        raise BadInput(f"{run.folder}: the data has moved from {settings.data}; give its path as DATA")
    session = prepare(replace(settings, plugins=read_run_settings(run.folder).plugins))
    check_record(run, session.dataset, session.split)
    session.restore(run)
    if settings != recorded:
        run.write("config.toml", settings.to_toml())
    (run.folder / "summary.json").unlink(missing_ok=True)
    record_resumption(run, done)
    return session


def resumed_settings(recorded: Settings, given: dict[str, Any], done: int) -> Settings:
    """The settings to resume with. Raises BadInput for a setting that can't change."""
    given = {name: value for name, value in given.items() if value not in (None, ())}
    for name, value in given.items():
        old = getattr(recorded, name)
        if name not in ("data", "epochs") and value != old:
            flag = "plugin" if name == "plugins" else name.replace("_", "-")
            raise BadInput(f"--{flag} {_text(value)}: the run has {_text(old)}, which --resume can't change")
    epochs = given.get("epochs", recorded.epochs)
    if epochs < done:
        raise BadInput(f"--epochs {epochs}: the run is already after epoch {done}")
    if epochs != recorded.epochs and recorded.schedule.partition(":")[0].strip() != "constant":
        raise BadInput(
            f"--epochs {epochs}: schedule {recorded.schedule!r} is planned for {recorded.epochs} epochs; "
            "only a training with a constant schedule can get longer or shorter"
        )
    return recorded.with_changes({name: given[name] for name in ("data", "epochs") if name in given})


def _text(value: Any) -> str:
    if isinstance(value, tuple):
        return " ".join(value) or "no plugin"
    if isinstance(value, str | bool):
        return repr(value)
    return f"{value:g}" if isinstance(value, float) else str(value)
