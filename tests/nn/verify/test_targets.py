"""From files, modules and names to units, and from a unit to its report."""

import re
from pathlib import Path
from typing import Any

import pytest

from nnlaw.nn.plugins.registry import REGISTRY
from nnlaw.nn.verify.check_unit import check_unit, is_checked_by
from nnlaw.nn.verify.targets import named_unit, units_in_file, units_in_module
from nnlaw.spec import BadInput, Unit

UNMARKED = """class Twice:
    def forward(self, x):
        return 2 * x
    def backward(self, dy):
        return 2 * dy
"""
LAYER = f'@layer("twice")\n@obeys("N ... -> N ...")\n{UNMARKED}'


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("x = = 3\n", "mine.py:5: invalid syntax"),
        ("1 / 0\n", "mine.py:5: ZeroDivisionError on import: division by zero"),
        ("sys.exit(3)\n", "mine.py:5: called sys.exit(3) while being imported"),
        ("def f(): return f()\nf()\n", "mine.py:5: RecursionError on import"),
        ("x = 1\n", 'mine.py: no layer, loss, ... is registered: put @layer("name") above your class'),
        (UNMARKED, 'put @layer("twice") and @obeys('),
        ("class L:\n def forward(self, p, t): 1\n def backward(self): 1\n", '@loss("l") above it (from nnlaw'),
        ("class L:\n def forward(self, p, t): 1\n", "put @layer(\"name\") above your class"),
        ('@layer("x")\nclass L: pass\n', "layer 'x' has no contract"),
        ('@law("gradient", kind="layer", family="shape", statement="Twice.")\ndef f(case): 1\n', "already in the"),
    ],
)
def test_a_file_that_cannot_be_loaded_is_refused_in_one_line(write: Any, source: str, words: str) -> None:
    """The line names the file, and the source line if there is one."""
    with pytest.raises(BadInput, match=re.escape(words)) as caught:
        units_in_file(write(source))
    assert "\n" not in str(caught.value) and "mine.py" in str(caught.value) + words


UNUSABLE = {
    '@loss("l")\ndef f(p, t): return 0.0\n': "mine.py:6: loss l: found a function, expected a class",
    '@schedule("s")\nclass S: pass\n': "found a class S, expected a function",
    'loss("k")(type("L", (), {"forward": lambda s, p, t: 0.0}))\n': "class L has no method backward",
    LAYER.replace("    def forward", "    examples = 3\n    def forward"): "expected a list of dicts",
    LAYER.replace("    def forward", "    expected = {'x': 'y'}\n    def forward"):
        "the key must be a law of calls or of kind layer",
    LAYER.replace("    def forward", "    expected = 3\n    def forward"): "must be a dict of law: reason",
    LAYER.replace("    def forward", "    couples_samples = 3\n    def forward"): "expected True or False",
}


@pytest.mark.parametrize("source", UNUSABLE)
def test_a_unit_that_cannot_be_used_is_an_error(write: Any, source: str) -> None:
    """The reason is one line."""
    (unit,) = units_in_file(write(source))
    report = check_unit(unit, [], 0)
    assert report.outcome == "error" and UNUSABLE[source] in report.reason and "\n" not in report.reason


def test_a_module_has_its_units(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One of our own, too; a module that can't be imported or has no units is refused."""
    (tmp_path / "my_nothing.py").write_text("")
    (tmp_path / "my_fault.py").write_text("1 / 0")
    monkeypatch.syspath_prepend(tmp_path)
    assert [unit.name for unit in units_in_module("nnlaw.nn.layers.flatten")] == ["flatten"]
    for name, words in (("my_nothing", "is registered: put"), ("my_fault", "ZeroDivision"), ("no_such", "No module")):
        with pytest.raises(BadInput, match=words):
            units_in_module(name)


def test_a_name_may_have_a_kind_and_settings() -> None:
    """An unknown name is refused with similar ones."""
    for text, options in (("dropout:rate=0.2", {"rate": 0.2}), ("layer:relu", {}), ("leaky-relu:0.1", {"slope": 0.1})):
        assert named_unit(text).options == options
    for text, words in (("relux", "did you mean relu"), ("zzzzzz", "no such file")):
        with pytest.raises(BadInput, match=words):
            named_unit(text)


def test_a_name_of_several_kinds_is_ambiguous(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message lists what to write."""
    monkeypatch.setitem(REGISTRY.plugins, ("loss", "step"), REGISTRY.find("loss", "mse"))
    with pytest.raises(BadInput, match="write loss:step or schedule:step"):
        named_unit("step")


@pytest.mark.parametrize("name", ["relu", "mse", "adam", "he", "cosine", "shuffled", "accuracy", "network"])
def test_a_unit_is_checked_by_each_law_of_its_report(name: str) -> None:
    """Also if that law alone is requested."""
    unit = named_unit(name)
    codes = {row.law for row in check_unit(unit, [], 0).results}
    assert codes and all(is_checked_by(unit, [code]) for code in codes)
    assert not is_checked_by(unit, ["loss-trend"])


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (BadInput("add examples"), ": layer mine: add examples"),
        (BadInput("mine: add examples"), "mine: add examples"),
        (KeyError("x"), ": layer mine: raised KeyError: 'x'"),
        (SystemExit(2), ": layer mine: raised SystemExit: 2"),
    ],
)
def test_an_exception_becomes_the_reason_of_a_report(
    monkeypatch: pytest.MonkeyPatch, error: BaseException, words: str
) -> None:
    """The outcome is error, and the reason names the line."""

    class Mine:
        def forward(self, x: Any) -> Any:
            return x

    def fail(*args: Any, **settings: Any) -> None:
        raise error

    monkeypatch.setattr("nnlaw.nn.verify.check_unit.conformance", fail)
    report = check_unit(Unit("layer", "mine", Mine), [], 0)
    assert report.outcome == "error" and words in report.reason
