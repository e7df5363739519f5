"""The examples of the documentation run."""

import json
import re
from pathlib import Path

import pytest

from nnlaw.cli.main import run

ROOT = Path(__file__).parent.parent
CODE = re.compile(r"```python\n(.*?)```", re.S)


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All code of docs/plugins.md but the law, as one file."""
    blocks = CODE.findall((ROOT / "docs/plugins.md").read_text(encoding="utf-8"))
    file = tmp_path_factory.mktemp("docs") / "mine.py"
    file.write_text("\n".join(block for block in blocks if "@law" not in block), encoding="utf-8")
    return file


@pytest.mark.slow
@pytest.mark.parametrize(
    "flags",
    [
        ["--layers", "dense:16 scaled_swish dense:10", "--init", "narrow", "--schedule", "linear:end=0.1"],
        ["--layers", "dense:16 relu dense:10", "--loss", "squared_hinge", "--batches", "reversed", "--lr", "0.003"],
        ["--layers", "dense:16 tanh dense:10", "--optimizer", "signed", "--lr", "0.001"],
        ["--model", "linear_softmax"],
    ],
    ids=["layer", "loss", "optimizer", "model"],
)
def test_every_kind_of_plugin_trains_under_law(
    example: Path, tiny_folder: Path, workplace: Path, capsys: pytest.CaptureFixture[str], flags: list[str]
) -> None:
    """Each documented plugin trains strictly without a violation, and the run can be read back by predict."""
    common = ["train", "--strict", str(tiny_folder), "--plugin", str(example), "--epochs", "8", "--json"]
    assert run([*common, *flags]) == 0, capsys.readouterr().err
    assert json.loads(capsys.readouterr().out)["test_accuracy"] > 0.3


def test_the_documented_law_enters_the_catalog() -> None:
    """A user's law is in the same catalog and is checked with the others."""
    import numpy as np

    from nnlaw.nn.layers import ReLU
    from nnlaw.spec import CATALOG, LayerCase, conformance

    (block,) = [b for b in CODE.findall((ROOT / "docs/plugins.md").read_text(encoding="utf-8")) if "@law" in b]
    try:
        exec(block, {})
        x = np.random.default_rng(0).standard_normal((5, 4)).astype(np.float32)
        report = conformance(LayerCase("relu", ReLU(), x))
        assert ("never-negative", "pass") in {(row.law, row.outcome) for row in report.results}
    finally:
        CATALOG.pop(("layer", "never-negative"), None)


LAYERS = """import numpy as np
class Dense:
    def __init__(self, n_in, n_out):
        self.W = np.random.randn(n_in, n_out); self.b = np.zeros(n_out)
    def forward(self, x):
        self.x = x
        return x @ self.W + self.b
    def backward(self, dy):
        self.dW = self.x.T @ dy
        self.db = dy.mean(axis=0)
        return dy @ self.W.T
"""


@pytest.fixture
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """No search ends early on a busy machine."""
    for module in ("dropped_terms", "minimize", "search"):
        monkeypatch.setattr(f"nnlaw.spec.fixes.{module}.MAX_SECONDS", 60.0)


@pytest.mark.slow
@pytest.mark.usefixtures("patience")
def test_the_readme_shows_what_verify_prints(workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The diagnostic on the first screen is what `nn verify` prints today for this layer."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"\$ nn verify layers\.py\n(.*?)```", readme, re.S)
    Path("layers.py").write_text(LAYERS, encoding="utf-8")
    assert run(["verify", "layers.py"]) == 1
    assert capsys.readouterr().out.strip() == shown.strip()


@pytest.mark.slow
def test_the_layer_of_the_readme_passes(workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The example layer passes every law."""
    source = next(b for b in CODE.findall((ROOT / "README.md").read_text(encoding="utf-8")) if "class Swish" in b)
    Path("swish.py").write_text(source, encoding="utf-8")
    assert run(["verify", "swish.py"]) == 0, capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.usefixtures("patience")
def test_the_first_example_of_the_guide_prints_what_the_guide_shows(
    workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """docs/verify.md shows the whole output of `nn verify mine.py`."""
    text = (ROOT / "docs/verify.md").read_text(encoding="utf-8")
    Path("mine.py").write_text(CODE.findall(text)[0], encoding="utf-8")
    assert run(["verify", "mine.py"]) == 1
    assert f"$ nn verify mine.py\n{capsys.readouterr().out}```\n" in text


@pytest.mark.slow
def test_the_calls_of_the_guide_need_spec_alone() -> None:
    """All other examples run in a process in which nn can't be imported, and print nothing."""
    import subprocess
    import sys

    blocks = CODE.findall((ROOT / "docs/verify.md").read_text(encoding="utf-8"))[1:]
    code = "import sys; sys.modules['nnlaw.nn'] = sys.modules['nnlaw.cli'] = None\n" + "\n".join(blocks)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert len(blocks) == 7


@pytest.mark.slow
def test_plugins_of_the_guide_pass(example: Path) -> None:
    """Every plugin of docs/plugins.md passes its check."""
    from nnlaw.nn.verify.supervisor import check_target

    outcomes = {report["name"]: report["outcome"] for report in check_target({"file": str(example)}).reports}
    assert len(outcomes) == 8 and not {"failed", "error"} & set(outcomes.values())


def test_locations_on_the_evidence_page_exist() -> None:
    """Each location in nn/ is the line of the named method, and no temporary folder is on the page."""
    text = (ROOT / "docs/evidence.md").read_text(encoding="utf-8")
    locations = re.findall(r"(src/nnlaw/nn/\w+\.py):(\d+): [a-z-]+: \w+\.(\w+):", text)
    assert len(locations) >= 4 and "/tmp" not in text
    for file, line, method in locations:
        assert f"def {method}(" in (ROOT / file).read_text(encoding="utf-8").splitlines()[int(line) - 1], (file, line)


def test_diagnostics_on_the_evidence_page_name_no_temporary_folder() -> None:
    """The commands that repeat a failure are removed, as is the folder of a plugin."""
    from evidence_page import TrainingResult

    from nnlaw.spec.violation import Location, Violation

    location = Location("mine", "forward", "/t/mine.py", 3)
    violation = Violation("finite", location=location, array="y", actual="nan", expected="a finite number", cause="x")
    violation = violation.with_fields(replay="nn replay /t/run1/failure", verify="nn verify /t/mine.py")
    result = TrainingResult("", Path("/t/run1"), 0.0, {}, [], [], violation)
    assert "nn replay" in str(violation) and "nn verify" in str(violation)
    assert result.diagnostic.splitlines()[0].startswith("mine.py:3: finite: ")
    assert "/t" not in result.diagnostic and "likely cause: x" in result.diagnostic
