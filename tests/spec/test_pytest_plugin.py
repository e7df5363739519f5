"""pytest --nn-plugin: one test per unit and law; nothing is imported without the option."""

import importlib
import re
import subprocess
import sys
from pathlib import Path
from typing import ClassVar

import pytest

from nnlaw.spec.pytest_plugin import Suite
from nnlaw.spec.report import LawResult, Outcome, Report
from nnlaw.spec.violation import Violation

ROOT = Path(__file__).parents[2]
SOURCE = """from nn import layer
from spec import obeys
@layer("twice")
@obeys("N ... -> N ...")
class Twice:
    print("printed by mine.py")
    def forward(self, x): return 2 * x
    def backward(self, dy): return dy
"""


def pytest_run(folder: Path, *args: str) -> str:
    """The output of pytest, run in this folder."""
    code = (
        "import sys, pytest, importlib.metadata as m\n"
        "installed = any(e.value == 'nnlaw._pytest' for e in m.entry_points(group='pytest11'))\n"
        "extra = [] if installed else ['-p', 'nnlaw._pytest']\n"
        "end = pytest.main([*extra, '-p', 'no:cov', *sys.argv[1:]])\n"
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
    assert "mine.py::layer-twice::shape PASSED" in out and "mine.py::layer-twice::gradient FAILED" in out
    assert "mine.py:8:36: gradient: dx of twice.backward is wrong\n  dx[0, " in out
    assert "smallest failing input: x = [[0.0" in out
    assert "skipped: depends on gradient" in out and "printed by mine.py" in out
    assert "bad.py::file-bad::outcome FAILED" in out and "bad.py:1: invalid syntax" in out
    assert "Traceback" not in out and "exit 1" in out
    assert "exit 0" in pytest_run(tmp_path, "--nn-plugin", "mine.py", "-k", "shape")


@pytest.mark.slow
def test_a_declared_exception_is_a_skip(tmp_path: Path) -> None:
    """With the reason of the comment or of pyproject.toml, which is refused if it is not valid."""
    (tmp_path / "mine.py").write_text(SOURCE.replace("return dy", "return dy  # nnlaw: ignore[gradient] it is linear"))
    out = pytest_run(tmp_path, "-rs", "-v", "--nn-plugin", "mine.py")
    assert "mine.py::layer-twice::gradient SKIPPED" in out and "declared exception: it is linear" in out
    assert "exit 0" in out
    (tmp_path / "pyproject.toml").write_text("[tool.nnlaw]\nsed = 1\n")
    assert "unknown key 'sed'" in pytest_run(tmp_path, "--nn-plugin", "mine.py")


def test_the_suite_collects_one_test_per_law(request: pytest.FixtureRequest) -> None:
    """Each ends as its result requires."""

    def check(file: Path) -> tuple[list[dict[str, object]], str]:
        found = Violation("fail", actual="1", expected="2", input={"x": [1]})
        rows = [LawResult("pass", Outcome.PASS), LawResult("fail", Outcome.FAIL, violation=found),
                LawResult("skipped", Outcome.SKIPPED, "depends on fail")]
        return [Report("a b", "layer", rows).to_dict(), Report("b", "file", reason="it hangs").to_dict()], "printed"

    file = Path("mine.py").absolute()
    suite = Suite([file], check)
    assert suite.pytest_collect_file(file.with_name("other.py"), request.session) is None
    collected = suite.pytest_collect_file(file, request.session)
    assert collected is not None
    items: list[pytest.Item] = [item for unit in collected.collect() for item in unit.collect()]  # type: ignore[attr-defined]  # units are collectors
    assert all(" " not in item.nodeid for item in items)
    passing, failing, skipped, error = items
    passing.runtest()
    assert passing.reportinfo()[2] == "layer-a-b::pass"
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
def test_an_id_that_pytest_prints_selects_that_test(tmp_path: Path) -> None:
    """So do the file and the unit, with the option or with nn_plugins; --lf runs what failed; --collect-only counts."""
    (tmp_path / "mine.py").write_text(SOURCE)
    (tmp_path / "test_one.py").write_text("def test_one(): pass\n")
    option = "--nn-plugin", "mine.py"
    assert "1 failed in" in pytest_run(tmp_path, "-q", *option, "mine.py::layer-twice::gradient")
    assert "28 tests collected" in pytest_run(tmp_path, "-q", "--collect-only", *option)
    (tmp_path / "pytest.ini").write_text("[pytest]\nnn_plugins = mine.py\n")
    assert "28 tests collected" in pytest_run(tmp_path, "-q", "--collect-only")
    assert "1 test collected" in pytest_run(tmp_path, "-q", "--collect-only", "test_one.py")
    assert "27 tests collected" in pytest_run(tmp_path, "-q", "--collect-only", "mine.py::layer-twice")
    pytest_run(tmp_path, "-q")
    assert "1 failed" in (rerun := pytest_run(tmp_path, "-q", "--lf")) and "passed" not in rerun


@pytest.mark.slow
def test_workers_collect_the_same_tests(tmp_path: Path) -> None:
    """A file is checked once, and pytest-xdist sends the results to its workers."""
    (tmp_path / "mine.py").write_text(SOURCE)
    out = pytest_run(tmp_path, "-q", "-n", "2", "--nn-plugin", "mine.py")
    assert "1 failed, 11 passed, 15 skipped" in out and "ifferent tests were collected" not in out


@pytest.mark.slow
def test_own_packages_called_like_ours_are_not_in_the_way(tmp_path: Path) -> None:
    """With a project's own spec, nn and cli beside it, the tests of a file are the same."""
    for name in ("spec", "nn", "cli"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("own = True\n")
    (tmp_path / "mine.py").write_text(
        SOURCE.replace("from nn import layer\nfrom spec import", "import spec, nn, cli\nfrom nnlaw import layer,")
        .replace("2 * x", "2 * x * spec.own * nn.own * cli.own")
    )
    out = pytest_run(tmp_path, "-q", "--nn-plugin", "mine.py")
    assert "1 failed" in out and "gradient: dx of twice.backward is wrong" in out and "rror:" not in out


FAILING_TESTS = """import sys
import numpy as np
from nnlaw import check, check_gradient, conformance, parametrize_with_laws
class Double:
    created = False
    def __init__(self): Double.created = True
    def forward(self, x): return 2 * x
    def backward(self, dy): return dy
def test_check(): check(Double)
def test_conformance():
    for result in conformance(Double()): result.check()
def test_gradient(): check_gradient(lambda x: (x**2).sum(), np.ones(3), np.ones(3))
def test_bad_input(): check(3)
@parametrize_with_laws(Double)
def test_laws(law): law.check()
if Double.created: sys.exit("checked while this file is imported")
"""


@pytest.mark.slow
def test_a_failing_check_shows_the_diagnostic_and_no_frame_of_ours(tmp_path: Path) -> None:
    """In any test; laws of parametrize_with_laws are checked when pytest collects, not on import."""
    (tmp_path / "test_mine.py").write_text(FAILING_TESTS)
    out = pytest_run(tmp_path, "-q")
    assert "gradient: dx of Double.backward is wrong" in out and "int: found no layer" in out
    assert "test_laws[Double-gradient]" in out and "5 failed" in out
    frames = [line for line in out.split("\n") if re.match(r"\S+\.py:\d+: \w+$", line)]
    assert len(frames) == 5 and all(line.startswith("test_mine.py:") for line in frames)


@pytest.mark.slow
def test_the_suite_is_registered_if_the_option_is_used() -> None:
    """Only then."""
    hook = importlib.import_module("nnlaw._pytest")
    registered: list[object] = []

    class Config:
        files: tuple[str, ...] = ()
        args: ClassVar[list[str]] = []
        args_source, ArgsSource = pytest.Config.ArgsSource.ARGS, pytest.Config.ArgsSource
        invocation_params = pytest.Config.InvocationParams(args=(), plugins=None, dir=Path.cwd())
        pluginmanager = type("M", (), {"register": lambda self, thing, name: registered.append(thing)})()

        def getoption(self, name: str) -> tuple[str, ...]:
            return self.files

        def getini(self, name: str) -> tuple[str, ...]:
            return ()

    config = Config()
    hook.pytest_configure(config)
    assert registered == []
    config.files = ("nowhere.py",)
    hook.pytest_configure(config)
    assert config.args == [str(Path("nowhere.py").absolute())]
    reports, printed = registered[0].check(Path("nowhere.py"))  # type: ignore[attr-defined]  # the type is object
    assert "no such file" in reports[0]["reason"] and printed == ""
