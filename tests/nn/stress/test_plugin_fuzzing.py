"""Damaged and malicious plugin files are checked in a worker; a check that fails itself is found."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nnlaw.nn.verify.supervisor
from nnlaw.nn.stress.fuzzing import plugin_fuzzing
from nnlaw.nn.stress.fuzzing.plugin_fuzzing import STATEMENTS, check_mutants, mutant
from nnlaw.nn.stress.scenario import Context, run_scenario, scenarios
from nnlaw.nn.verify.supervisor import TargetResult


@pytest.mark.slow
def test_damaged_plugins_have_an_outcome(empty_context: Context) -> None:
    """A mutant is checked in a worker, as a user's file is."""
    found = check_mutants(empty_context, 1)
    assert found.as_expected and found.metrics["mutations"] == 1
    assert not list((empty_context.folder / "plugins").glob("*.py"))


def return_reports(monkeypatch: pytest.MonkeyPatch, reports: list[dict[str, Any]]) -> None:
    """Replace the check by one that returns these reports."""
    monkeypatch.setattr(
        nnlaw.nn.verify.supervisor, "check_target", lambda target, options: TargetResult(target, reports)
    )


@pytest.mark.parametrize(
    ("reports", "fault"),
    [
        ([], "no report"),
        ([{"outcome": "unknown", "reason": "", "internal": False}], "outcome 'unknown'"),
        ([{"outcome": "error", "reason": "internal error: KeyError", "internal": True}], "KeyError"),
    ],
)
def test_wrong_reports_are_faults(
    empty_context: Context, monkeypatch: pytest.MonkeyPatch, reports: list[dict[str, Any]], fault: str
) -> None:
    """No report, an unknown outcome and an internal error are faults, and the file is kept."""
    return_reports(monkeypatch, reports)
    found = check_mutants(empty_context, 1)
    assert not found.as_expected and fault in found.text
    assert found.arrays["plugin-0"].tobytes() == mutant_of(empty_context, 0)


def mutant_of(context: Context, index: int) -> bytes:
    """The file of this index."""
    rng = np.random.default_rng([context.seed, index])
    sources = plugin_fuzzing._sources()
    return mutant(sources[rng.integers(len(sources))], rng)


def test_a_check_that_raises_is_a_fault(empty_context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    """The exception is reported."""

    def fail(target: dict[str, str], options: Any) -> TargetResult:
        raise OSError("out of processes")

    monkeypatch.setattr(nnlaw.nn.verify.supervisor, "check_target", fail)
    assert "OSError: out of processes" in check_mutants(empty_context, 1).text


def test_a_check_that_leaves_files_is_a_fault(empty_context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is reported."""

    def leave_file(target: dict[str, str], options: Any) -> TargetResult:
        Path(target["file"]).with_suffix(".bak").write_bytes(b"")
        return TargetResult(target, [{"outcome": "passed", "reason": "", "internal": False}])

    monkeypatch.setattr(nnlaw.nn.verify.supervisor, "check_target", leave_file)
    assert "mutant_0.bak was left behind" in check_mutants(empty_context, 1).text


def test_an_exception_of_the_plugin_is_not_a_fault(empty_context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error that the plugin's own code raised is a correct report."""
    reason = "mutant_0.py:3: layer x: raised KeyError: 1"
    return_reports(monkeypatch, [{"outcome": "error", "reason": reason, "internal": False}])
    monkeypatch.setattr(plugin_fuzzing, "QUICK", 1)
    assert run_scenario(scenarios()["plugin-files"], empty_context).outcome == "passed"


def test_mutants_differ_and_mostly_compile() -> None:
    """A seed gives the same mutant each time; most compile, and many have an inserted statement."""
    source = plugin_fuzzing._sources()[0]
    found = [mutant(source, np.random.default_rng(i)) for i in range(60)]
    assert found == [mutant(source, np.random.default_rng(i)) for i in range(60)]
    assert len(set(found)) > 50
    assert sum(plugin_fuzzing._compiles(text.decode(errors="replace")) for text in found) > 30
    assert sum(any(statement in text.decode(errors="replace") for statement in STATEMENTS) for text in found) > 15
