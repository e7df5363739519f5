"""A scenario passes, fails or is skipped, within its time limit."""

import signal
import time
from collections.abc import Callable
from contextlib import suppress

import pytest

from nnlaw.nn.run_folder.folder import Run
from nnlaw.nn.stress.runner import Runner
from nnlaw.nn.stress.scenario import (
    SCENARIOS,
    Context,
    Observation,
    ScenarioOutcome,
    ScenarioResult,
    Skip,
    run_scenario,
)
from nnlaw.spec import BadInput, Violation

AddScenario = Callable[[str, Callable[[Context], Observation]], None]


def test_an_exception_determines_the_outcome(empty_context: Context, add_scenario: AddScenario) -> None:
    """An exception fails the scenario, Skip skips it, a Violation is kept."""

    def result_of(error: Exception) -> ScenarioResult:
        def run(context: Context) -> Observation:
            raise error

        add_scenario(repr(error), run)
        return run_scenario(SCENARIOS[repr(error)], empty_context)

    assert result_of(Skip("no disk")).outcome is ScenarioOutcome.SKIPPED
    result = result_of(ZeroDivisionError("by zero"))
    assert result.outcome is ScenarioOutcome.FAILED and result.observation.text == "ZeroDivisionError: by zero"
    violation = Violation("finite", actual="nan", expected="a number")
    assert result_of(violation).observation.violation is violation


def test_a_scenario_that_hangs_fails_at_its_time_limit(trained: Run, add_scenario: AddScenario) -> None:
    """Even if it catches every exception. The next scenario has its full time, and signal handlers are restored."""

    def hang(context: Context) -> Observation:
        while True:
            with suppress(Exception):
                time.sleep(60)

    add_scenario("hang", hang)
    before = signal.getsignal(signal.SIGALRM)
    late = Runner(trained, seconds=0.2).run_here(SCENARIOS["hang"])
    assert late.outcome is ScenarioOutcome.FAILED and late.observation.text == "timed out after 0.2 s"
    assert Runner(trained).run_here(SCENARIOS["sound"]).outcome is ScenarioOutcome.PASSED
    assert signal.getsignal(signal.SIGALRM) == before


def test_a_name_can_be_used_once(add_scenario: AddScenario) -> None:
    """A second scenario with the same name is refused."""
    with pytest.raises(BadInput, match="'sound' exists already"):
        add_scenario("sound", lambda context: Observation("", True))
