"""fixtures/untouched: code that is not registered is checked as its header expects."""

import contextlib
import io
import re
from pathlib import Path

import pytest

from nnlaw.spec.conformance import conformance
from nnlaw.spec.discovery.find import find
from nnlaw.spec.discovery.load import load
from nnlaw.spec.report import Report, UnitOutcome

ROOT = Path(__file__).parents[3]
CORPUS = ROOT / "fixtures" / "untouched"
KINDS = re.compile(
    r"^(bce_|half_sum|huber|kl_and|label_smoothing|labels_|log_loss|logits_|loss_|mean_in|mse_and|softmax_then|svm_|"
    r"net_|stack_|recurrent_|nested_list|nested_params_m|autoencoder|logistic|skipgram|functions_|optimizer_|initializer|"
    r"schedules?_|metrics?_|batches_s|batches_g|batches_columns_l|dataloader_|closures_|joint_|values_|name_|wired_lo|"
    r"number_|functions_number|named_tuple|deque_|nested_lists_w|tuple_repl|network_with|returned_number|"
    r"weights_of_the|large_|settings_that)"
)
FILES = [  # test_find.py has the layers
    path for side in ("right", "wrong") for path in sorted((CORPUS / side).glob("*.py"))
    if KINDS.match(path.name) and not path.read_text(encoding="utf-8").startswith("# style: layer class")
]  # fmt: skip


def header(path: Path) -> dict[str, str]:
    """The fields of a file's header."""
    return dict(re.findall(r"^# (expect|unit|law): (.*)$", path.read_text(encoding="utf-8"), re.M))


def reports_of(path: Path) -> list[Report]:
    """One report per unit of a file."""
    with contextlib.redirect_stdout(io.StringIO()):
        loaded = load(path)
        return [conformance(unit, explain=False) for unit in find(loaded.module, loaded.names) if unit.is_unit]


@pytest.mark.slow
@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_losses_networks_optimizers_and_functions(path: Path) -> None:
    """Right files have the outcome of their header; in wrong ones a unit fails that it names, or that uses it."""
    expected, reports = header(path), reports_of(path)
    outcomes = {report.name: report.outcome for report in reports}
    assert outcomes, "no unit was found"
    if expected["expect"] in ("passed", "partly checked", "not checked"):
        assert set(outcomes.values()) == {UnitOutcome(expected["expect"])}, outcomes
    else:
        failed = [report for report in reports if report.outcome is UnitOutcome.FAILED]
        assert failed, outcomes
        assert expected["law"] in {violation.law for report in failed for violation in report.violations}
