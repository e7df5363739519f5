"""Train from Python, as `nn train` does.

from nnlaw import train

trained = train("mnist", strict=True, epochs=3)
trained.accuracy, trained.network.predict(x), trained.folder
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from nnlaw.nn.core.reporter import Reporter, SilentReporter
from nnlaw.nn.core.settings import Settings
from nnlaw.nn.plugins.installed import source_file, with_installed
from nnlaw.nn.run_folder.folder import Run
from nnlaw.nn.runs.run_pictures import write_pictures
from nnlaw.nn.training.session import prepare
from nnlaw.spec.violation import BadInput


@dataclass(frozen=True)
class Trained:
    """A finished training.

    `network.predict(x)` maps images (N, pixels), from 0 to 1, to probabilities (N, classes). `epochs` has a dict per
    epoch with loss, accuracy and seconds, `accuracy` is that on the test set, `summary` what summary.json holds.
    """

    network: Any
    accuracy: float
    epochs: list[dict[str, Any]]
    summary: dict[str, Any]
    folder: Path


def train(
    data: str | Path = "", *, folder: str | Path | None = None, reporter: Reporter | None = None, **settings: Any
) -> Trained:
    """Train a network, write a run folder, and evaluate once on the test set.

    `data` is what `nn train DATA` takes; without it, built-in synthetic digits. The settings are those of the command,
    with underscores: strict=True, epochs=3, lr=0.01, layers="dense:128 relu dense:10", optimizer="adam",
    plugins=("mine.py",). `folder` is the run folder to create, runs/<time> by default; it works with `nn predict`,
    `nn replay` and `nn reproduce`. A `reporter` receives the progress.

    Raises BadInput for a setting or data that can't be used, and Violation if a law fails while strict=True.
    """
    known = [row.name for row in fields(Settings)]
    for name in settings:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"expected one of {', '.join(known)}"
            raise BadInput(f"train() has no setting called {name}; {hint}")
    plugins = settings.pop("plugins", ())
    names = (plugins,) if isinstance(plugins, str | Path) else plugins
    files = tuple(str(source_file(str(name))) for name in names)
    session = prepare(with_installed(Settings(data=str(data), plugins=files, **settings)))
    run = Run.create(None if folder is None else Path(folder))
    with run.locked():
        summary = session.train(run, reporter or SilentReporter())
        assert summary is not None  # only stop_after ends a training early
        write_pictures(session, run, summary)
    del summary["probabilities"]
    return Trained(session.model, summary["test_accuracy"], session.epochs, summary, run.folder)
