"""Judging in a worker process: whatever a plugin file does, it has its verdict, and the next one is judged."""

import json
import os
import re
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import pytest

from nnlaw.nn.plugins.registry import REGISTRY
from nnlaw.nn.verify.supervisor import CheckOptions, TargetResult, check_target, check_targets
from nnlaw.nn.verify.targets import check_unit, is_checked_by, named_unit, units_in_file, units_in_module
from nnlaw.nn.verify.worker import main
from nnlaw.spec import BadInput, Unit

HEAD = "import os, sys, time\nimport numpy as np\nfrom nn import layer, loss, schedule\nfrom spec import law, obeys\n"
LAYER = """
@layer("{name}")
@obeys("N ... -> N ...")
class {name}:
    def forward(self, x):
        {forward}
    def backward(self, dy):
        return 2 * dy
"""


def right(name: str = "good", forward: str = "return 2 * x") -> str:
    """The source of a layer."""
    return LAYER.format(name=name, forward=forward)


@pytest.fixture
def checked(tmp_path: Path) -> Any:
    """Judge the source of a file."""
    def run(source: str, **terms: Any) -> TargetResult:
        file = tmp_path / "mine.py"
        file.write_text(HEAD + source, encoding="utf-8")
        return check_target({"file": str(file)}, CheckOptions(**terms))

    return run


def verdicts(outcome: TargetResult) -> list[tuple[str, str]]:
    """Names and verdicts."""
    return [(report["name"], report["outcome"]) for report in outcome.reports]


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("x = = 3\n", "mine.py:5: invalid syntax"),
        ("1 / 0\n", "mine.py:5: ZeroDivisionError on import: division by zero"),
        ("sys.exit(3)\n", "mine.py:5: SystemExit on import: 3"),
        ("def f(): return f()\nf()\n", "mine.py:5: RecursionError on import"),
        ("x = 1\n", "registers nothing; expected a decorator such as @layer('name')"),
        (right().replace('@layer("good")\n@obeys("N ... -> N ...")\n', ""), 'put @layer("good") and @obeys('),
        ("class L:\n def forward(self, p, t): 1\n def backward(self): 1\n", '@loss("l") from nn above it'),
        ("class L:\n def forward(self, p, t): 1\n", "expected a decorator"),
        ('@layer("x")\nclass L: pass\n', "layer 'x' has no contract"),
        ('@law("gradient", kind="layer", family="shape", statement="Twice.")\ndef f(case): 1\n', "already in the"),
    ],
)
def test_a_file_that_cannot_be_imported_is_told_in_one_sentence(tmp_path: Path, source: str, words: str) -> None:
    """With file and line."""
    (tmp_path / "mine.py").write_text(HEAD + source, encoding="utf-8")
    with pytest.raises(BadInput, match=re.escape(words)) as told:
        units_in_file(tmp_path / "mine.py")
    assert "\n" not in str(told.value) and "mine.py" in str(told.value) + words


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("raise KeyboardInterrupt\n", "KeyboardInterrupt on import"),
        ("os._exit(0)\n", "mine.py:5: called os._exit"),
        ("os.kill(os.getpid(), 9)\n", "mine.py: crashed the interpreter (SIGKILL)"),
        ("input()\n", "mine.py:5: EOFError on import"),
    ],
)
def test_a_file_that_ends_the_interpreter_is_an_error(checked: Any, source: str, words: str) -> None:
    """And so is one that asks questions."""
    (report,) = checked(source).reports
    assert (report["name"], report["kind"], report["outcome"]) == ("mine", "file", "error")
    assert words in report["reason"] and "mine.py" in report["reason"] and "\n" not in report["reason"]


HANG = "while True: pass"
ODD = {
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


def test_what_dies_or_answers_nonsense_keeps_nobody_else_from_being_judged(checked: Any) -> None:
    """Each plugin of the file has its verdict, with the line at which it died, and so has the one after it."""
    source = "".join(right(f"odd{i}", forward) for i, forward in enumerate(ODD)) + right("last")
    found = checked(source)
    assert verdicts(found) == [*((f"odd{i}", ODD[f][0]) for i, f in enumerate(ODD)), ("last", "passed")]
    lines = (HEAD + source).splitlines()
    for report, (forward, (_, words)) in zip(found.reports, ODD.items(), strict=False):
        said = report["reason"] + "".join(violation["message"] for violation in report["violations"])
        assert words.format(line=lines.index(f"        {forward}") + 1, name=report["name"]) in said


def test_what_hangs_is_stopped_with_all_that_it_started(checked: Any, tmp_path: Path) -> None:
    """At the time limit, with the line at which it was, over import as over a call; children end with it."""
    child = f"import subprocess\nchild = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n" \
            f"open({str(tmp_path / 'pid')!r}, 'w').write(str(child.pid))\n"
    found = checked(child + HANG, timeout=1.0)
    assert "mine.py:8: timed out after 1 s" in found.reports[0]["reason"]
    pid = int((tmp_path / "pid").read_text())
    for _ in range(100):
        if not Path(f"/proc/{pid}").exists() or "Z" in Path(f"/proc/{pid}/stat").read_text().split()[2]:
            break
        time.sleep(0.02)
    else:
        pytest.fail("the child still runs")
    found = checked(right("stuck", HANG) + right(), timeout=1.0)
    assert verdicts(found) == [("stuck", "error"), ("good", "passed")]
    assert "mine.py:10: layer stuck: timed out after 1 s" in found.reports[0]["reason"]


WRONG = {
    '@loss("l")\ndef f(p, t): return 0.0\n': "mine.py:5: loss l: found a function, expected a class",
    '@schedule("s")\nclass S: pass\n': "found a class S, expected a function",
    'loss("k")(type("L", (), {"forward": lambda s, p, t: 0.0}))\n': "class L has no method backward",
    right("a").replace("def forward", "examples = 3\n    def forward"): "expected a list of dicts",
    right("c").replace("def forward", "expected = {'x': 'y'}\n    def forward"):
        "the key must be a law of calls or of kind layer",
    right("d").replace("def forward", "expected = 3\n    def forward"): "must be a dict of law: reason",
    right("e").replace("def forward", "couples_samples = 3\n    def forward"): "expected True or False",
}


def test_the_wrong_kind_of_thing_is_an_error(checked: Any) -> None:
    """Said in one sentence each."""
    found = checked("".join(WRONG)).reports
    assert [report["outcome"] for report in found] == ["error"] * len(WRONG)
    for report, words in zip(found, WRONG.values(), strict=True):
        assert words in report["reason"] and "\n" not in report["reason"]


def test_what_it_prints_is_kept_apart_and_cut(checked: Any) -> None:
    """However much it is; the journal of verdicts is not touched."""
    found = checked("print('hello')\nprint('x' * 10**7)\nprint('err', file=sys.stderr)\n" + right())
    assert found.printed.startswith("hello\nxxx") and len(found.printed) < 21_000
    assert verdicts(found) == [("good", "passed")]


def test_a_built_in_name_is_no_obstacle(checked: Any) -> None:
    """A student's own relu is judged, and for what it is."""
    (report,) = checked(right().replace('"good"', '"relu"').replace("return 2 * x", "return 3 * x")).reports
    assert report["name"] == "relu" and [found["law"] for found in report["violations"]][:1] == ["gradient"]
    found = report["violations"][0]
    assert found["location"]["path"].endswith("mine.py") and found["input"]["x"]


def test_a_law_in_the_file_is_judged(checked: Any) -> None:
    """It stands in the same catalog."""
    source = """
@law("small", kind="layer", family="output range", statement="Outputs are small.")
def small(case):
    from spec import Violation
    if abs(case.fresh().forward(case.x)).max() > 0.1:
        raise Violation("small", array="output", actual="large", expected="small")
"""
    (report,) = checked(source + right(), laws=("small",)).reports
    assert [(row["law"], row["outcome"]) for row in report["laws"]] == [("small", "fail")]


def test_only_plugins_that_the_law_is_about_are_judged(checked: Any) -> None:
    """The others are not mentioned."""
    source = right() + '@schedule("s")\ndef s(t): return 1.0\n'
    assert verdicts(checked(source, laws=("gradient",))) == [("good", "passed")]
    assert checked(source, laws=("nonsense",)).reports == []


@pytest.mark.parametrize("name", ["relu", "mse", "adam", "he", "cosine", "shuffled", "accuracy", "network"])
def test_a_plugin_is_judged_by_all_laws_that_its_report_bears(name: str) -> None:
    """By one of them alone, too, as a model by the laws of its calls."""
    record = named_unit(name)
    codes = {row.law for row in check_unit(record, [], 0).results}
    assert codes and all(is_checked_by(record, [code]) for code in codes)
    assert not is_checked_by(record, ["loss-trend"])


def test_neighbors_can_be_imported_and_hide_nothing(checked: Any, tmp_path: Path) -> None:
    """A file may import its neighbor; a neighbor called like a library is not found first."""
    (tmp_path / "helper_of_mine.py").write_text("two = 2\n")
    (tmp_path / "numpy.py").write_text("raise RuntimeError\n")
    source = "from helper_of_mine import two\n" + right(forward="return two * x")
    assert verdicts(checked(source)) == [("good", "passed")]


def test_modules_and_names_are_targets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An importable module, one of our own, a built-in plugin with settings, a kind."""
    (tmp_path / "my_layers.py").write_text(HEAD + right())
    (tmp_path / "my_nothing.py").write_text("")
    (tmp_path / "my_fault.py").write_text("1 / 0")
    monkeypatch.chdir(tmp_path)
    assert verdicts(check_target({"module": "my_layers"})) == [("good", "passed")]
    monkeypatch.syspath_prepend(tmp_path)
    assert [record.name for record in units_in_module("nnlaw.nn.layers.flatten")] == ["flatten"]
    for name, words in (("my_nothing", "is registered: put"), ("my_fault", "ZeroDivision"), ("no_such", "No module")):
        with pytest.raises(BadInput, match=words):
            units_in_module(name)
    for text, options in (("dropout:rate=0.2", {"rate": 0.2}), ("layer:relu", {}), ("leaky-relu:0.1", {"slope": 0.1})):
        assert named_unit(text).options == options
    for text, words in (("relux", "did you mean relu"), ("zzzzzz", "no such file")):
        with pytest.raises(BadInput, match=words):
            named_unit(text)
    assert verdicts(check_target({"name": "relu"})) == [("relu", "passed")]


def test_a_name_of_several_kinds_is_ambiguous(monkeypatch: pytest.MonkeyPatch) -> None:
    """And the way out is told."""
    monkeypatch.setitem(REGISTRY.plugins, ("loss", "step"), REGISTRY.find("loss", "mse"))
    with pytest.raises(BadInput, match="write loss:step or schedule:step"):
        named_unit("step")


def test_an_interrupted_judging_leaves_no_worker_behind(tmp_path: Path) -> None:
    """Whoever stops asking has stopped the workers."""
    for name in ("a", "b"):
        (tmp_path / f"{name}.py").write_text(HEAD + HANG if name == "b" else HEAD + right())
    began = time.monotonic()
    targets = [{"file": str(tmp_path / f"{name}.py")} for name in ("a", "b")]
    outcomes = check_targets(targets, CheckOptions(timeout=50), jobs=2)
    assert verdicts(next(outcomes)) == [("good", "passed")]
    outcomes.close()  # type: ignore[attr-defined]  # a generator, declared as an iterator
    assert time.monotonic() - began < 40


@pytest.fixture
def worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run a worker's main in this very process, and read its journal."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os, "_exit", lambda code: None)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr("faulthandler.enable", lambda file: None)
    monkeypatch.setattr("resource.setrlimit", lambda what, limits: None)

    def run(target: dict[str, str], laws: tuple[str, ...] = (), skip: int = 0) -> list[dict[str, Any]]:
        request = {"target": target, "laws": list(laws), "seed": 0, "skip": skip}
        Path("request").write_text(json.dumps(request))
        Path("journal").write_text("")
        with warnings.catch_warnings():
            main("journal", "request")
        return [json.loads(line) for line in Path("journal").read_text().splitlines()]

    return run


def test_a_journal_tells_the_plan_each_start_each_report_and_the_end(worker: Any) -> None:
    """Whatever the target; what is skipped, or not of the law, has no report."""
    Path("mine.py").write_text(HEAD + right("one") + right("two"))
    Path("my_module.py").write_text(HEAD + right("three"))
    events = worker({"file": "mine.py"}, skip=1)
    assert [next(iter(event)) for event in events] == ["ready", "plan", "start", "report", "done"]
    assert events[1]["plan"][0] == {"name": "one", "kind": "layer", "label": "mine.py:9: layer one"}
    assert [e["report"]["outcome"] for e in worker({"module": "my_module"}) if "report" in e] == ["passed"]
    assert not [event for event in worker({"name": "relu"}, laws=("loss-mean",)) if "report" in event]
    assert len(worker({"kind": "metric"})[1]["plan"]) >= 1


def test_a_journal_tells_why_there_is_no_plan(worker: Any) -> None:
    """An unusable file, or one that ends the interpreter."""
    assert "no such file" in worker({"file": "nowhere.py"})[1]["error"]
    Path("rude.py").write_text("raise KeyboardInterrupt\n")
    assert worker({"file": "rude.py"})[1:] == [{"error": "rude.py: KeyboardInterrupt on import: ", "done": True}]


def test_a_journal_tells_who_left_by_os_exit(worker: Any) -> None:
    """With the line."""
    Path("leaving.py").write_text(HEAD + "os._exit(3)\n" + right())
    assert worker({"file": "leaving.py"})[1]["exit"].endswith("leaving.py:5")


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (BadInput("say more"), ": layer mine: say more"),
        (BadInput("mine: say more"), "mine: say more"),
        (KeyError("x"), ": layer mine: raised KeyError: 'x'"),
        (SystemExit(2), ": layer mine: raised SystemExit: 2"),
    ],
)
def test_whatever_judging_ends_in_is_a_report(
    monkeypatch: pytest.MonkeyPatch, fault: BaseException, words: str
) -> None:
    """An error that says why."""
    class Mine:
        def forward(self, x: Any) -> Any:
            return x

    def fall(*args: Any, **settings: Any) -> None:
        raise fault

    monkeypatch.setattr("nnlaw.nn.verify.targets.conformance", fall)
    report = check_unit(Unit("layer", "mine", Mine), [], 0)
    assert report.outcome == "error" and words in report.reason
