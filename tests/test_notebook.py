"""Reports in a notebook, and the magic %%check in a real kernel."""

import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from nnlaw.spec.locations import IMPORT_ROOT
from nnlaw.spec.report import LawResult, Outcome, Report
from nnlaw.spec.violation import Location, Violation

CELL = """%%check
import numpy as np

class Dense:
    def __init__(self, n_in: int, n_out: int):
        self.W = np.random.randn(n_in, n_out)
    def forward(self, x):
        self.x = x
        return x @ self.W
    def backward(self, dy):
        self.dW = self.x.T @ dy
        return dy @ self.W

class ReLU:
    def forward(self, x):
        self.mask = x > 0
        return x * self.mask
    def backward(self, dy):
        return dy * self.mask
"""


def test_a_report_is_readable() -> None:
    """Its repr is one line, its str has the diagnostics, its HTML every law that applies, escaped."""
    found = Violation("gradient", actual="1 < 2", expected="2", location=Location("Dense", "backward", "a.py", 3))
    rows = [LawResult("gradient", Outcome.FAIL, violation=found), LawResult("pure", Outcome.PASS),
            LawResult("odd", Outcome.NOT_APPLICABLE, "not an odd function")]  # fmt: skip
    report = Report("Dense", "layer", rows, compared=["x (5, 4)"], missing={"b": "never set"})
    assert repr(report) == "<Report Dense: failed (1 fail, 1 pass)>"
    assert str(report).split("\n")[1:] == [found.message, "b: not checked: never set"]
    html = report._repr_html_()
    assert "1 &lt; 2" in html and "<td>pure</td>" in html and "x (5, 4)" in html and "odd" not in html
    assert repr(found) == f"<Violation {found.headline}>" and "<pre><b>a.py:3: gradient" in found._repr_html_()


def outputs(cells: Iterable[str], folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What each cell shows, run in a kernel; HTML if there is any."""
    nbclient = pytest.importorskip("nbclient", reason="nbclient is not installed")
    pytest.importorskip("ipykernel", reason="ipykernel is not installed")
    nbformat = pytest.importorskip("nbformat", reason="nbformat is not installed")
    kernels = folder / "share" / "jupyter" / "kernels" / "here"
    kernels.mkdir(parents=True)
    command = f'["{sys.executable}", "-m", "ipykernel_launcher", "-f", "{{connection_file}}"]'
    (kernels / "kernel.json").write_text(f'{{"argv": {command}, "display_name": "here", "language": "python"}}')
    monkeypatch.setenv("JUPYTER_PATH", str(folder / "share" / "jupyter"))
    monkeypatch.setenv("PYTHONPATH", str(IMPORT_ROOT))
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    nbclient.NotebookClient(book, kernel_name="here", timeout=300).execute()
    return [
        "\n".join(each.get("text") or each.data.get("text/html") or each.data["text/plain"] for each in cell.outputs)
        for cell in book.cells
    ]


@pytest.mark.slow
def test_a_cell_is_checked_in_a_kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """%%check shows a report for each class of the cell; a name limits it; a cell with nothing to check is named."""
    cells = ["%load_ext nnlaw", CELL, "%%check ReLU\npass", "%%check\nx = 1", "from nnlaw import conformance\n"
             "conformance(ReLU)"]  # fmt: skip
    _, checked, limited, nothing, report = outputs(cells, tmp_path, monkeypatch)
    assert "<b>Dense: failed" in checked and "backward" in checked and "<b>ReLU: passed" in checked
    assert "ReLU: passed" in limited and "Dense" not in limited
    assert "nothing to check" in nothing and "<b>ReLU: passed" in report
