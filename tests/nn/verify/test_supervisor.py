"""Checks in a worker process: after a crash or a hang, each unit still has a report, and the next file is checked."""

import contextlib
import os
import time
from pathlib import Path
from typing import Any

import pytest

from nnlaw.nn.verify import supervisor
from nnlaw.nn.verify.supervisor import CheckOptions, check_target, check_targets
from nnlaw.spec.report import Report

pytestmark = pytest.mark.slow

HANG = "while True: pass"


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("raise KeyboardInterrupt\n", "KeyboardInterrupt on import"),
        ("os._exit(0)\n", "mine.py:5: called os._exit"),
        ("os.kill(os.getpid(), 9)\n", "mine.py: crashed the interpreter (SIGKILL)"),
        ("os.kill(os.getpid(), 35)\n", "mine.py: crashed the interpreter (signal 35)"),
        ("input()\n", "mine.py:5: EOFError on import"),
    ],
)
def test_a_file_that_ends_the_interpreter_is_an_error(check_source: Any, source: str, words: str) -> None:
    """The reason is one line with the file's name; so it is for a file that reads standard input."""
    (report,) = check_source(source).reports
    assert (report["name"], report["kind"], report["outcome"]) == ("mine", "file", "error")
    assert words in report["reason"] and "mine.py" in report["reason"] and "\n" not in report["reason"]


def test_definitions_alone_are_loaded_from_a_file_that_registers_nothing(write: Any, layer_source: Any) -> None:
    """Its other statements are not run, and its class is checked as it is."""
    source = layer_source("Double").replace('@layer("Double")\n@obeys("N ... -> N ...")\n', "")
    (report,) = check_target({"file": str(write(f"{source}\nos._exit(0)\n"))}).reports
    assert (report["name"], report["outcome"]) == ("Double", "passed") and report["compared"]


FORWARDS = {
    "os._exit(0)": ("error", "mine.py:{line}: layer {name}: called os._exit"),
    "os.abort()": ("error", "mine.py:{line}: layer {name}: crashed the interpreter (SIGABRT)"),
    "sys.exit()": ("error", "mine.py:{line}: layer {name}: raised SystemExit"),
    "return self.forward(x)": ("failed", "RecursionError"),
    "return [1, 2]": ("failed", "output is of type list, expected a NumPy array"),
    "return None": ("failed", "output is of type NoneType, expected a NumPy array"),
    "return np.array(['a'] * len(x))": ("failed", "shape"),
    "return np.zeros(2**62)": ("failed", "mine.py:{line}"),
    "return np.zeros(2**34)": ("failed", "mine.py:{line}"),
}


def test_a_crash_in_one_unit_does_not_affect_the_others(
    write: Any, check_source: Any, layer_source: Any, outcomes: Any
) -> None:
    """Each unit of the file has a report that names the line, and so has the unit after it."""
    source = "".join(layer_source(f"odd{i}", forward) for i, forward in enumerate(FORWARDS)) + layer_source("last")
    result = check_source(source)
    expected = [(f"odd{i}", outcome) for i, (outcome, _) in enumerate(FORWARDS.values())]
    assert outcomes(result) == [*expected, ("last", "passed")]
    lines = write(source).read_text(encoding="utf-8").splitlines()
    for report, (forward, (_, words)) in zip(result.reports, FORWARDS.items(), strict=False):
        text = report["reason"] + "".join(violation["message"] for violation in report["violations"])
        assert words.format(line=lines.index(f"        {forward}") + 1, name=report["name"]) in text


def running(command: str) -> bool:
    """Whether a process with this text on its command line runs."""
    for name in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            if command.encode() in Path(f"/proc/{name}/cmdline").read_bytes():
                return True
    return False


def test_after_the_time_limit_the_process_and_its_children_are_killed(
    check_source: Any, layer_source: Any, outcomes: Any
) -> None:
    """The reason names the line that was running, during the import as during a call."""
    child = "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60.125)'])\n\n"
    result = check_source(child + HANG, timeout=1.0)
    assert "mine.py:8: timed out after 1 s" in result.reports[0]["reason"]
    assert not running("sleep(60.125)")
    result = check_source(layer_source("stuck", HANG) + layer_source(), timeout=3.0)
    assert outcomes(result) == [("stuck", "error"), ("good", "passed")]
    assert "mine.py:10: layer stuck: timed out after 3 s" in result.reports[0]["reason"]


def test_a_detached_child_is_killed(check_source: Any, layer_source: Any, outcomes: Any) -> None:
    """It keeps the output pipe open and has a session of its own; what was printed before is in the result."""
    child = "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(20.125)'], start_new_session=True)\n"
    began = time.monotonic()
    result = check_source(child + "print('hello', flush=True)\n" + layer_source())
    assert (outcomes(result), result.printed) == ([("good", "passed")], "hello\n")
    assert not running("sleep(20.125)") and time.monotonic() - began < 15


def test_nothing_runs_at_exit(check_source: Any, layer_source: Any, outcomes: Any) -> None:
    """Functions of atexit can't change a report."""
    result = check_source(layer_source("one") + layer_source("two") + "atexit.register(print, 'bye')\n")
    assert (outcomes(result), result.printed) == ([("one", "passed"), ("two", "passed")], "")


def test_output_is_captured_and_cut(check_source: Any, layer_source: Any, outcomes: Any) -> None:
    """Standard output and standard error of the code; the journal of results is not affected."""
    result = check_source("print('hello')\nprint('x' * 10**7)\nprint('err', file=sys.stderr)\n" + layer_source())
    assert result.printed.startswith("hello\nxxx") and len(result.printed) < 21_000
    assert outcomes(result) == [("good", "passed")]


def test_a_built_in_name_may_be_used(check_source: Any, layer_source: Any) -> None:
    """A student's own relu is checked, and as a relu."""
    source = layer_source().replace('"good"', '"relu"').replace("return 2 * x", "return 3 * x")
    (report,) = check_source(source).reports
    found = report["violations"][0]
    assert (report["name"], found["law"]) == ("relu", "gradient")
    assert found["location"]["path"].endswith("mine.py") and found["input"]["x"]


def test_a_law_in_the_file_is_not_run(check_source: Any, layer_source: Any) -> None:
    """What is checked does not choose how it is checked; families of version 0.1 are accepted."""
    source = """
@law("small", kind="layer", family="output range", statement="Outputs are small.")
def small(case):
    raise SystemExit
"""
    (report,) = check_source(source).reports
    assert report["outcome"] == "passed" and "small" not in [row["law"] for row in report["laws"]]


def test_units_without_a_requested_law_have_no_report(check_source: Any, layer_source: Any, outcomes: Any) -> None:
    """With --law gradient, schedules are left out."""
    source = layer_source() + '@schedule("s")\ndef s(t): return 1.0\n'
    assert outcomes(check_source(source, laws=("gradient",))) == [("good", "passed")]
    assert check_source(source, laws=("nonsense",)).reports == []


def test_neighbors_can_be_imported_and_hide_nothing(
    check_source: Any, layer_source: Any, outcomes: Any, tmp_path: Path
) -> None:
    """A file may import its neighbor; a neighbor with the name of a library does not replace the library."""
    (tmp_path / "helper_of_mine.py").write_text("two = 2\n")
    (tmp_path / "numpy.py").write_text("raise RuntimeError\n")
    source = "from helper_of_mine import two\n" + layer_source(forward="return two * x")
    assert outcomes(check_source(source)) == [("good", "passed")]


def test_modules_and_built_in_names_are_targets(
    write: Any, layer_source: Any, outcomes: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A module of the current folder, and a built-in plugin."""
    write(layer_source(), "my_layers.py")
    monkeypatch.chdir(tmp_path)
    assert outcomes(check_target({"module": "my_layers"})) == [("good", "passed")]
    assert outcomes(check_target({"name": "relu"})) == [("relu", "passed")]


def test_an_interrupted_check_stops_its_workers(write: Any, layer_source: Any, outcomes: Any) -> None:
    """Closing the generator ends the workers that are running."""
    targets = [{"file": str(write(layer_source(), "a.py"))}, {"file": str(write(HANG, "b.py"))}]
    began = time.monotonic()
    results = check_targets(targets, CheckOptions(timeout=50), jobs=2)
    assert outcomes(next(results)) == [("good", "passed")]
    results.close()  # type: ignore[attr-defined]  # a generator, declared as an iterator
    assert time.monotonic() - began < 40


def test_built_in_units_are_checked_one_after_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Laws on random numbers set the seeds of the process: two at a time would see the numbers of each other."""
    running, most = [], []

    def checked(unit: Any, options: CheckOptions) -> Report:
        running.append(unit)
        most.append(len(running))
        time.sleep(0.01)
        running.remove(unit)
        return Report(unit.name, unit.kind)

    monkeypatch.setattr(supervisor, "_checked", checked)
    targets = [{"name": name} for name in ("relu", "tanh", "dense", "dropout")]
    assert len(list(check_targets(targets, CheckOptions(), jobs=4))) == len(targets)
    assert most and max(most) == 1
