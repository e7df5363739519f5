"""A stopped training goes on from its last checkpoint, bit for bit as if it had not been stopped."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from nnlaw.nn.training.checkpoint import glance, read_checkpoint
from nnlaw.nn.run_folder.metadata import check_record, note_resumed, run_settings
from nnlaw.nn.run_folder.folder import Run, regular
from nnlaw.nn.training.session import Session, prepare
from nnlaw.nn.core.settings import Settings, read_settings
from nnlaw.spec.violation import BadInput, counted


def resume(run: Run, given: dict[str, Any], stop_after: int | None = None) -> Session:
    """The session of a run at its last checkpoint; the folder must be locked.

    `given` are settings by name: `data` may be another place of the same data, `epochs` another number where the
    schedule is constant, all others what they were. Raises BadInput otherwise, where there is nothing left to do, or
    where data, split or checkpoint are not those of the run.
    """
    done = len(glance(run)["rows"])
    recorded = Settings().changed(read_settings(regular(run.folder / "config.toml")))
    wanted = changed(recorded, given, done)
    if stop_after is not None and stop_after <= done:
        raise BadInput(f"{run.folder}: stands after epoch {done}, expected --stop-after beyond it, found {stop_after}")
    if done == wanted.epochs and run.whole:  # one killed over its pictures is scored again, and they are painted
        raise BadInput(f"{run.folder}: finished after {counted(done, 'epoch')}; to train on, give more with --epochs")
    if wanted.data and not Path(wanted.data).exists():
        raise BadInput(f"{run.folder}: trained on data in {wanted.data}, which is not here: give where it is, as DATA")
    session = prepare(replace(wanted, plugins=run_settings(run.folder).plugins))
    check_record(run, session.dataset, session.split)
    session.take_up(run, read_checkpoint(run))
    if wanted != recorded:
        run.write("config.toml", wanted.to_toml().encode())
    (run.folder / "summary.json").unlink(missing_ok=True)
    note_resumed(run, done)
    return session


def changed(recorded: Settings, given: dict[str, Any], done: int) -> Settings:
    """The settings to go on with. Raises BadInput for one that would make another training of it."""
    given = {name: value for name, value in given.items() if value not in (None, ())}
    for name, value in given.items():
        old = getattr(recorded, name)
        if name not in ("data", "epochs") and value != old:
            flag = "plugin" if name == "plugins" else name.replace("_", "-")
            raise BadInput(f"--{flag} {_text(value)}: the run began with {_text(old)}, which --resume keeps")
    epochs = given.get("epochs", recorded.epochs)
    if epochs < done:
        raise BadInput(f"--epochs {epochs}: the run stands after epoch {done} already")
    if epochs != recorded.epochs and recorded.schedule.partition(":")[0].strip() != "constant":
        raise BadInput(
            f"--epochs {epochs}: schedule {recorded.schedule!r} was laid out over {recorded.epochs} epochs, "
            "only constant can go on for longer or shorter"
        )
    return recorded.changed({name: given[name] for name in ("data", "epochs") if name in given})


def _text(value: Any) -> str:
    if isinstance(value, tuple):
        return " ".join(value) or "none"
    return repr(value) if isinstance(value, str | bool) else f"{value:g}" if isinstance(value, float) else str(value)
