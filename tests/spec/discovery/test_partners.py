"""Tests of spec.discovery.partners: units whose convention is explained in another file."""

from pathlib import Path

import pytest

from nnlaw.spec.conformance import conformance
from nnlaw.spec.discovery.find import find
from nnlaw.spec.discovery.load import load
from nnlaw.spec.discovery.project_partners import losses_of_project, passed_error
from nnlaw.spec.report import Report

CORPUS = Path(__file__).parents[3] / "fixtures" / "untouched"
DENSE = """
class Dense:
    def __init__(self, n_in, n_out):
        self.W, self.b = 0.1 * np.ones((n_in, n_out)), np.zeros(n_out)
    def forward(self, x):
        self.x = x
        return OUTPUT
    def backward(self, dy):
        self.dW, self.db = self.x.T @ dy, dy.sum(axis=0)
        return dy @ self.W.T
"""


def reports(path: Path) -> dict[str, Report]:
    """The reports on the units of a file by their names."""
    loaded = load(path)
    return {unit.name: conformance(unit) for unit in find(loaded.module, loaded.names) if unit.is_unit}


def outcomes(path: Path) -> dict[str, str]:
    """The outcomes of the units of a file by their names."""
    return {name: str(report.outcome) for name, report in reports(path).items()}


def test_training_code_explains_layers_of_other_files() -> None:
    """A layer that takes the gradient at its logits, one that divides by N and one that passes dy on are right."""
    folder = CORPUS / "right" / "partners_beside"
    assert outcomes(folder / "layers.py") == {"Hidden": "passed", "SoftmaxShares": "passed"}
    (report,) = reports(folder / "decoder.py").values()
    assert str(report.outcome) == "passed" and "training.py" in " ".join(report.notes)


def test_a_convention_of_other_files_hides_no_mistake() -> None:
    """Gradients without a common factor, and ones that are wrong at the logits, too, fail."""
    folder = CORPUS / "wrong" / "partners_beside"
    assert outcomes(folder / "layers.py")["Hidden"] == "failed"
    assert outcomes(folder / "decoder.py") == {"Decoder": "failed"}


@pytest.mark.parametrize(("output", "outcome"), [("softmax(self.x @ self.W + self.b)", "partly checked"),
                                                 ("1 / (1 + np.exp(-(self.x @ self.W + self.b)))", "failed")])
def test_a_layer_at_its_logits_without_a_partner(tmp_path: Path, output: str, outcome: str) -> None:
    """Softmax without anything that explains it is partly checked; a sigmoid without its derivative fails."""
    softmax = "import numpy as np\ndef softmax(z):\n    e = np.exp(z)\n    return e / e.sum(axis=1, keepdims=True)\n"
    file = tmp_path / "alone.py"
    file.write_text(softmax + DENSE.replace("OUTPUT", output))
    assert outcomes(file)["Dense"] == outcome
    (tmp_path / "train.py").write_text("from alone import Dense\ndef f(n, pred, y):\n    n.backward(pred - y)\n")
    assert outcomes(file)["Dense"] == ("passed" if outcome == "partly checked" else outcome)


def test_errors_and_losses_of_other_files_are_found(tmp_path: Path) -> None:
    """Those of files that import the module, or lie beside it; a difference that goes elsewhere does not count."""
    (tmp_path / "layer.py").write_text("import numpy as np\n" + DENSE.replace("OUTPUT", "x @ self.W + self.b"))
    value, slope = "np.mean((p - t)**2)", "2 * (p - t) / p.size"
    loss = f"import numpy as np\ndef mse(p, t):\n    return {value}\ndef mse_prime(p, t):\n    return {slope}\n"
    (tmp_path / "loss.py").write_text(loss)
    (tmp_path / "plot.py").write_text("import layer, loss\ndef show(out, y):\n    error = out - y\n    print(error)\n")
    module = load(tmp_path / "layer.py").module
    assert [unit.name for unit in losses_of_project(module)] == ["mse"] and passed_error(module) == ""
    fit = "import layer\ndef fit(net, out, y):\n    error = out - y\n    net.backprop(error)\n"
    (tmp_path / "fit.py").write_text(fit)
    assert passed_error(module) == "fit.py:4"


@pytest.mark.parametrize(("gradient", "outcome"), [("2 * (p - t) / t.size", "passed"), ("2 * (p - t)", "failed")])
def test_a_derivative_is_compared_with_the_loss_of_another_file(tmp_path: Path, gradient: str, outcome: str) -> None:
    """It is that of the only function with its name; if two files have such a function, it is not compared."""
    loss = "class Loss:\n    @staticmethod\n    def mse(t, p):\n        return ((p - t) ** 2).mean()\n"
    (tmp_path / "loss.py").write_text(loss)
    file = tmp_path / "slopes.py"
    file.write_text(f"class Slopes:\n    @staticmethod\n    def mse_prime(t, p):\n        return {gradient}\n")
    assert outcomes(file) == {"Slopes.mse_prime": outcome}
    (tmp_path / "other").mkdir()
    for each in ("slopes.py", "loss.py", "loss_again.py"):
        source = file if each == "slopes.py" else tmp_path / "loss.py"
        (tmp_path / "other" / each).write_text(source.read_text())
    assert outcomes(tmp_path / "other" / "slopes.py") == {}


@pytest.mark.parametrize(("slope", "outcome"), [("probabilities - targets", "partly checked"),
                                                ("probabilities * targets", "failed")])
def test_a_loss_whose_softmax_is_in_another_file(tmp_path: Path, slope: str, outcome: str) -> None:
    """Its gradient by the logits is partly checked, if a file that imports it has a softmax; another one fails."""
    (tmp_path / "cost.py").write_text(
        "import numpy as np\nclass CrossEntropy:\n    def forward(self, probabilities, targets):\n"
        "        return -np.sum(targets * np.log(probabilities))\n    def backward(self, probabilities, targets):\n"
        f"        return {slope}\n"
    )
    (tmp_path / "training.py").write_text("from cost import CrossEntropy\nfrom layers import Softmax\n")
    assert outcomes(tmp_path / "cost.py") == {"CrossEntropy": outcome}
