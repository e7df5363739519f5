"""pytest --nn-plugin: one test per unit and law; nothing is imported without the option."""

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from nnlaw.spec.report import LawResult, Outcome, Report
from nnlaw.spec.violation import Violation

ROOT = Path(__file__).parents[2]
SOURCE = """from nn import layer
from spec import obeys
print("printed by mine.py")
@layer("twice")
@obeys("N ... -> N ...")
class Twice:
    def forward(self, x): return 2 * x
    def backward(self, dy): return dy
"""


def pytest_run(folder: Path, *args: str) -> str:
    """The output of pytest, run in this folder."""
    code = (
        "import sys, pytest, importlib.metadata as m\n"
        "installed = any(e.value == 'nnlaw._pytest' for e in m.entry_points(group='pytest11'))\n"
        "extra = [] if installed else ['-p', 'nnlaw._pytest']\n"
        "end = pytest.main([*extra, '-p', 'no:cacheprovider', '-p', 'no:cov', *sys.argv[1:]])\n"
        "print('exit', int(end), 'numpy' in sys.modules, 'nnlaw.spec' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, *args], cwd=folder, capture_output=True, text=True)
    return done.stdout + done.stderr


@pytest.mark.slow
def test_unused_it_imports_nothing(tmp_path: Path) -> None:
    """Neither numpy nor nnlaw.spec in a session without the option."""
    (tmp_path / "test_one.py").write_text("def test_one(): pass\n")
    assert "exit 0 False False" in pytest_run(tmp_path, "-q")


@pytest.mark.slow
def test_each_law_is_a_test_and_a_skipped_law_is_a_skip(tmp_path: Path) -> None:
    """A diagnostic without a traceback; a file that cannot be imported is a failure; -k selects."""
    (tmp_path / "mine.py").write_text(SOURCE)
    (tmp_path / "bad.py").write_text("x = = 3\n")
    out = pytest_run(tmp_path, "-rs", "-v", "--nn-plugin", "mine.py", "--nn-plugin", "bad.py")
    assert "mine.py::layer twice::shape PASSED" in out and "mine.py::layer twice::gradient FAILED" in out
    assert "mine.py:8:36: gradient: dx of twice.backward is wrong\n  dx[0, " in out
    assert "smallest failing input: x = [[0.0" in out
    assert "skipped: depends on gradient" in out and "printed by mine.py" in out
    assert "bad.py::file bad::outcome FAILED" in out and "bad.py:1: invalid syntax" in out
    assert "Traceback" not in out and "exit 1" in out
    assert "exit 0" in pytest_run(tmp_path, "--nn-plugin", "mine.py", "-k", "shape")


@pytest.mark.slow
def test_a_declared_exception_is_a_skip(tmp_path: Path) -> None:
    """With the reason of the comment or of pyproject.toml, which is refused if it is not valid."""
    (tmp_path / "mine.py").write_text(SOURCE.replace("return dy", "return dy  # nnlaw: ignore[gradient] it is linear"))
    out = pytest_run(tmp_path, "-rs", "-v", "--nn-plugin", "mine.py")
    assert "mine.py::layer twice::gradient SKIPPED" in out and "declared exception: it is linear" in out
    assert "exit 0" in out
    (tmp_path / "pyproject.toml").write_text("[tool.nnlaw]\nsed = 1\n")
    assert "unknown key 'sed'" in pytest_run(tmp_path, "--nn-plugin", "mine.py")


def test_the_suite_adds_tests_to_the_session(request: pytest.FixtureRequest) -> None:
    """Each ends as its result requires."""
    from nnlaw.spec.pytest_plugin import Suite

    def check(file: Path) -> tuple[list[dict[str, object]], str]:
        found = Violation("fail", actual="1", expected="2", input={"x": [1]})
        rows = [LawResult("pass", Outcome.PASS), LawResult("fail", Outcome.FAIL, violation=found),
                LawResult("skipped", Outcome.SKIPPED, "depends on fail")]
        return [Report("a", "layer", rows).to_dict(), Report("b", "file", reason="it hangs").to_dict()], "printed"

    items: list[pytest.Item] = []
    Suite(["mine.py"], check).pytest_collection_modifyitems(request.session, items)
    passing, failing, skipped, error = items
    passing.runtest()
    assert passing.reportinfo()[2] == "layer a::pass" and list(passing.parent.collect()) == []  # type: ignore[union-attr]  # a test item has a parent
    shown: list[tuple[str, ...]] = []
    error.add_report_section = lambda *section: shown.append(section)  # type: ignore[method-assign]  # what pytest shows
    texts = {failing: "fail: 1, expected 2\n  smallest failing input: x = \\[1\\]", error: "error: it hangs"}
    for item, words in texts.items():
        with pytest.raises(Exception, match=words) as found:
            item.runtest()
        assert item.repr_failure(found) == str(found.value)
    assert shown == [("call", "output", "printed")]
    with pytest.raises(pytest.skip.Exception, match="skipped: depends on fail"):
        skipped.runtest()
    with pytest.raises(ZeroDivisionError) as other:
        raise ZeroDivisionError
    assert "ZeroDivisionError" in str(passing.repr_failure(other))


@pytest.mark.slow
def test_the_suite_is_registered_if_the_option_is_used() -> None:
    """Only then."""
    hook = importlib.import_module("nnlaw._pytest")
    registered: list[object] = []

    class Config:
        files: tuple[str, ...] = ()
        pluginmanager = type("M", (), {"register": lambda self, thing, name: registered.append(thing)})()

        def getoption(self, name: str) -> tuple[str, ...]:
            return self.files

    config = Config()
    hook.pytest_configure(config)
    assert registered == []
    config.files = ("nowhere.py",)
    hook.pytest_configure(config)
    reports, printed = registered[0].check(Path("nowhere.py"))  # type: ignore[attr-defined]  # the type is object
    assert "no such file" in reports[0]["reason"] and printed == ""
