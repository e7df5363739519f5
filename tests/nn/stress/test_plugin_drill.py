"""Damaged and malicious plugins are judged, and a judging that breaks is seen."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nnlaw.nn.verify.supervisor
from nnlaw.nn.stress.fuzzing import plugin_fuzzing as plugin_files
from nnlaw.nn.stress.fuzzing.plugin_fuzzing import ACTS, checked, mutant
from nnlaw.nn.stress.scenario import SCENARIOS, Context, run_scenario
from nnlaw.nn.verify.supervisor import TargetResult


@pytest.fixture
def context(tmp_path: Path) -> Context:
    """A scene for a drill that looks at neither run nor split."""
    return Context(None, None, tmp_path)  # type: ignore[arg-type]  # see above


def test_damaged_plugins_get_a_verdict(context: Context) -> None:
    """A mutant is judged in a worker, as a user's file is."""
    outcome = checked(context, 1)
    assert outcome.as_expected and outcome.metrics["mutations"] == 1
    assert not list((context.folder / "plugins").glob("*.py"))


def answer(monkeypatch: pytest.MonkeyPatch, reports: list[dict[str, Any]]) -> None:
    """Let the judging answer so."""
    monkeypatch.setattr(nnlaw.nn.verify.supervisor, "check_target", lambda target, terms: TargetResult(target, reports))


@pytest.mark.parametrize(
    ("reports", "fault"),
    [
        ([], "no report"),
        ([{"outcome": "puzzled"}], "outcome 'puzzled'"),
        ([{"outcome": "error", "reason": "strict.py:3: layer x: raised KeyError: 1"}], "KeyError"),
    ],
)
def test_a_broken_judging_is_seen(
    context: Context, monkeypatch: pytest.MonkeyPatch, reports: list[dict[str, Any]], fault: str
) -> None:
    """No report, an unknown verdict and an exception from our own code are faults, and the file is kept."""
    answer(monkeypatch, reports)
    outcome = checked(context, 1)
    assert not outcome.as_expected and fault in outcome.text
    assert outcome.arrays["plugin-0"].tobytes() == mutant_of(context, 0)


def mutant_of(context: Context, index: int) -> bytes:
    """The file of this index."""
    rng = np.random.default_rng([context.seed, index])
    sources = plugin_files._sources()
    return mutant(sources[rng.integers(len(sources))], rng)


def test_an_exception_of_the_judging_is_seen(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    """A judging that raises is a fault, and so is one that leaves files behind or changes the plugin's."""

    def explode(target: dict[str, str], terms: Any) -> TargetResult:
        raise OSError("no more processes")

    monkeypatch.setattr(nnlaw.nn.verify.supervisor, "check_target", explode)
    assert "OSError: no more processes" in checked(context, 1).text

    def litter(target: dict[str, str], terms: Any) -> TargetResult:
        Path(target["file"]).with_suffix(".bak").write_bytes(b"")
        return TargetResult(target, [{"outcome": "passed"}])

    monkeypatch.setattr(nnlaw.nn.verify.supervisor, "check_target", litter)
    other = Context(None, None, context.folder / "other")  # type: ignore[arg-type]  # looks at neither
    other.folder.mkdir()
    assert "mutant_0.bak was left behind" in checked(other, 1).text


def test_an_exception_of_the_plugin_is_its_own(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the plugin raised at a line of its own file is a verdict on it, also in the drill of the table."""
    reason = "mutant_0.py:3: layer x: raised KeyError: 1"
    answer(monkeypatch, [{"outcome": "error", "reason": reason}])
    monkeypatch.setattr(plugin_files, "QUICK", 1)
    assert run_scenario(SCENARIOS["plugin-files"], context).outcome == "passed"


def test_mutants_are_many_and_mostly_compile() -> None:
    """A seed gives the same mutant each time; most of them can be judged, and many act up."""
    source = plugin_files._sources()[0]
    found = [mutant(source, np.random.default_rng(i)) for i in range(60)]
    assert found == [mutant(source, np.random.default_rng(i)) for i in range(60)]
    assert len(set(found)) > 50
    assert sum(plugin_files._compiles(text.decode(errors="replace")) for text in found) > 30
    assert sum(any(act in text.decode(errors="replace") for act in ACTS) for text in found) > 15
