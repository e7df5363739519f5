"""Make a recorded failure happen again, from its failure report alone."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from threadpoolctl import threadpool_limits

from nnlaw.nn.core.reporter import SilentReporter
from nnlaw.nn.run_folder.folder import Run
from nnlaw.nn.run_folder.tree_file import unpack
from nnlaw.nn.training.build import build_model, load_plugins, make_trainer
from nnlaw.nn.training.checkpoint import restore_trainer
from nnlaw.nn.training.failure_report import BEFORE, FailureReport, read_failure_report
from nnlaw.nn.training.phase import Phase
from nnlaw.nn.training.session import prepare
from nnlaw.nn.training.strict_checks import check, check_after_epoch, check_before_training, data_case
from nnlaw.spec.guards.check_log import CheckLog
from nnlaw.spec.violation import Violation


@np.errstate(all="ignore")  # laws report what is not finite, not warnings
def replay(folder: Path) -> Violation | None:
    """Repeat the step or check in which a law failed; return its violation, or None if every law passes now.

    Raises BadInput if the failure report can't be read.
    """
    report = read_failure_report(folder)
    load_plugins(report.settings)
    try:
        with threadpool_limits(report.settings.threads or None):
            _repeat(report, folder / BEFORE)
    except Violation as violation:
        return violation
    return None


def _repeat(report: FailureReport, before: Path) -> None:
    """Repeat the phase of a failure report. Raises the Violation if the law fails again."""
    settings, check_log = report.settings, CheckLog()
    if report.phase is Phase.CHECK_DATA:
        check(data_case(prepare(settings).split), check_log)
        return
    if report.phase is Phase.CHECK_RELOADED:  # the report does not hold what was not saved, so train again
        with TemporaryDirectory() as folder:
            prepare(settings).train(Run(Path(folder)), SilentReporter())
        return
    tree = unpack(before)
    model = build_model(settings, report.n_in, report.classes)
    trainer = make_trainer(settings, model, report.steps, check_log if settings.strict else None)
    restore_trainer(trainer, tree["trainer"], before)
    x, labels = tree["x"], tree["labels"]
    match report.phase:
        case Phase.CHECK_NETWORK:
            check_before_training(settings, model, x, labels, check_log)
        case Phase.PERTURB:
            model.input_gradient(x, labels)
        case Phase.STEP:
            trainer.step(x, labels)
        case Phase.CHECK_WEIGHTS:
            trainer.require_finite_weights()
        case Phase.CHECK_EPOCH:
            check_after_epoch(model, x, labels, check_log)
        case Phase.EVALUATE:
            model.predict(x)
