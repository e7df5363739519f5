"""Drills are done here or in processes of their own, with the same verdicts, and what fails can be done again."""

import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from nnlaw.nn.run_folder.folder import Run
from nnlaw.nn.run_folder.json_files import read_json
from nnlaw.nn.run_folder.tree_file import unpack
from nnlaw.nn.stress.failure_report import replay_scenario, write_signature
from nnlaw.nn.stress.reproducibility import same_seed
from nnlaw.nn.stress.runner import Runner, in_own_process, run_data
from nnlaw.nn.stress.scale import demand_same
from nnlaw.nn.stress.scenario import (
    LIMITS,
    SCENARIOS,
    Context,
    Observation,
    ScenarioOutcome,
    Skip,
    run_scenario,
    scenario,
    scenarios,
    time_limit,
)
from nnlaw.spec import BadInput, Violation


@pytest.fixture(autouse=True)
def same_drills() -> Iterator[None]:
    """Drills that a test enters are taken out again."""
    before = dict(scenarios())
    yield
    SCENARIOS.clear()
    SCENARIOS.update(before)


def enter(name: str, do: object) -> None:
    """A drill for one test."""
    scenario(name, what="a test", expected="nothing odd")(do)  # type: ignore[arg-type]  # lambdas that raise, too


def test_workers_give_the_verdicts_of_one_process(trained: Run) -> None:
    """The same rows in the same order, but for the seconds."""
    chosen = [scenarios()[name] for name in ("edge-nan", "scale-raw", "edge-labels-from-1", "sound", "edge-dead-relus")]
    one, two = (list(Runner(trained).run_all(chosen, jobs)) for jobs in (1, 2))
    assert [(row.scenario, row.outcome, row.observation.metrics) for row in one] == [
        (row.scenario, row.outcome, row.observation.metrics) for row in two
    ]


def test_a_worker_that_dies_fails_its_own_drill_alone(trained: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Drills that were beside it are done again by themselves; one over which even that worker dies has failed."""
    runner, chosen = Runner(trained), scenarios()["sound"]
    broken: Future[object] = Future()
    broken.set_exception(BrokenProcessPool())
    assert runner._result(chosen, broken).outcome is ScenarioOutcome.PASSED  # type: ignore[arg-type]  # a future that never had a value

    def die(*_: object) -> None:
        raise BrokenProcessPool

    monkeypatch.setattr("nnlaw.nn.stress.runner.in_own_process", die)
    assert runner._result(chosen, broken).outcome is ScenarioOutcome.FAILED  # type: ignore[arg-type]  # the same


def test_a_process_apart_has_the_threads_it_was_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """There, not here; and an exit there is an exception here."""
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "7")
    monkeypatch.delenv("MKL_NUM_THREADS", raising=False)
    assert in_own_process(2, os.getenv, "OPENBLAS_NUM_THREADS") == "2"
    assert os.environ["OPENBLAS_NUM_THREADS"] == "7" and "MKL_NUM_THREADS" not in os.environ
    with pytest.raises(BrokenProcessPool):
        in_own_process(1, os._exit, 3)


def test_whatever_a_drill_raises_is_its_outcome(trained: Run, tmp_path: Path) -> None:
    """An exception fails it, a Skip skips it, a Violation is kept."""
    context = Context(trained, run_data(trained.folder), tmp_path)

    def raising(error: Exception) -> tuple[ScenarioOutcome, Observation]:
        def do(context: Context) -> Observation:
            raise error

        enter(repr(error), do)
        row = run_scenario(SCENARIOS[repr(error)], context)
        return row.outcome, row.observation

    assert raising(Skip("no disk"))[0] is ScenarioOutcome.SKIPPED
    verdict, outcome = raising(ZeroDivisionError("by zero"))
    assert verdict is ScenarioOutcome.FAILED and outcome.text == "ZeroDivisionError: by zero"
    violation = Violation("finite", actual="nan", expected="a number")
    assert raising(violation)[1].violation is violation


def test_a_drill_that_hangs_has_failed_by_its_time_limit(trained: Run) -> None:
    """Though it takes every exception for an answer; the drill after it has its own time, and signals are as before."""

    def hang(context: Context) -> Observation:
        while True:
            with suppress(Exception):
                time.sleep(60)

    enter("hang", hang)
    before = signal.getsignal(signal.SIGALRM)
    late, sound = Runner(trained, seconds=0.2).run_here(SCENARIOS["hang"]), Runner(trained).run_here(SCENARIOS["sound"])
    assert late.outcome is ScenarioOutcome.FAILED and late.observation.text == "timed out after 0.2 s"
    assert sound.outcome is ScenarioOutcome.PASSED and signal.getsignal(signal.SIGALRM) == before
    assert (Runner(trained).limit, Runner(trained, full=True).limit) == (LIMITS["quick"], LIMITS["full"])


def test_outside_the_main_thread_nothing_limits_a_drill() -> None:
    """No signal can reach it there, so it is done without a limit."""

    def within() -> str:
        with time_limit(60):
            return "done"

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(within).result() == "done"


def test_a_name_is_taken_once() -> None:
    """A second drill of one name is refused."""
    with pytest.raises(BadInput, match="'sound' exists already"):
        enter("sound", lambda context: None)


def test_drills_share_data_that_none_of_them_can_change(trained: Run) -> None:
    """The arrays of the split are read-only."""
    with pytest.raises(ValueError, match="read-only"):
        run_data(trained.folder).x_train[0] = 0


def test_a_failed_drill_is_replayed_from_its_signature(trained: Run) -> None:
    """Drill, seed, settings, law and arrays are recorded; it is done again with that seed, until it holds."""
    seeds, healthy = [], []

    def do(context: Context) -> Observation:
        seeds.append(context.seed)
        return Observation("x is odd", bool(healthy), arrays={"x": np.array([1.0, np.nan])})

    enter("odd", do)
    runner = Runner(trained, seed=5, full=True)
    place = write_signature(runner.run_here(SCENARIOS["odd"]), runner)
    record = read_json(place / "signature.json")
    assert (record["drill"], record["seed"], record["settings"]["lr"]) == ("odd", 5, 0.05)
    assert record["violation"]["law"] == "drill" and record["violation"]["actual"] == "x is odd"
    assert np.isnan(unpack(place / "before.safetensors")["x"][1])
    found = replay_scenario(place, read_json(place / "signature.json"))
    assert found is not None and found.law == "drill" and seeds == [5, 5]
    healthy.append(True)
    assert replay_scenario(place, read_json(place / "signature.json")) is None
    trained.write_json("stress/odd/signature.json", record | {"seed": "five"})
    with pytest.raises(BadInput, match="seed = 'five', full = True"):
        replay_scenario(place, read_json(place / "signature.json"))
    SCENARIOS.pop("odd")
    with pytest.raises(BadInput, match="no scenario is called 'odd'"):
        replay_scenario(place, read_json(place / "signature.json"))


def test_the_run_of_another_data_set_is_refused(trained: Run, tiny_folder: Path, tmp_path: Path) -> None:
    """Drills are done on the data that the run was trained on, or not at all."""
    other = tmp_path / "run"
    other.mkdir()
    for name in ("config.toml", "record.json"):
        (other / name).write_bytes((trained.folder / name).read_bytes())
    record = (other / "record.json").read_text()
    (other / "record.json").write_text(record.replace(read_json(other / "record.json")["digests"]["split"], "0" * 64))
    with pytest.raises(BadInput, match="differs from the run"):
        run_data(other)


def test_curves_that_part_break_the_law_of_scale() -> None:
    """The worst epoch is named; curves within the band are the same."""
    demand_same([1.0, 0.5, 0.30], [1.0, 0.51, 0.31])
    with pytest.raises(Violation, match=r"after epoch 1 is 0.900, expected 0.500 within 0.02, as on x"):
        demand_same([1.0, 0.5, 0.3], [1.0, 0.9, 0.4])


@pytest.mark.parametrize("name", ["scale-standardized", "scale-raw", "scale-smaller-step"])
def test_scale_drills_hold(trained: Run, name: str) -> None:
    """Standardized they are one task, raw they are two, and a smaller step makes one of them again."""
    assert Runner(trained).run_here(scenarios()[name]).outcome is ScenarioOutcome.PASSED


def test_results_of_one_seed_that_differ_are_told(
    trained: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One seed with two results fails, and so do two seeds with one."""
    context = Context(trained, run_data(trained.folder), tmp_path)
    for digests, held in ((["a", "a", "a", "b"], True), (["a", "c", "a", "b"], False), (["a", "a", "a", "a"], False)):
        left = iter(digests)
        monkeypatch.setattr("nnlaw.nn.stress.reproducibility.trained", lambda *_, left=left: next(left))
        assert same_seed(context).as_expected == held


@pytest.mark.parametrize("name", ["same-seed", "other-processes"])
def test_one_seed_is_one_result(trained: Run, name: str, hasty: None) -> None:
    """Here, in other processes, and on other numbers of threads."""
    row = Runner(trained).run_here(scenarios()[name])
    assert row.outcome is ScenarioOutcome.PASSED, row.observation.text


def test_ruined_weights_are_seen(trained: Run, tmp_path: Path) -> None:
    """One weight that is not finite is named, and kept."""
    from nnlaw.nn.run_folder.array_files import read_arrays

    ruined = Run(tmp_path)
    arrays = {name: array.copy() for name, array in read_arrays(trained.folder / "weights.safetensors").items()}
    arrays["0:dense.W"][2, 3] = np.inf
    ruined.write_arrays("weights.safetensors", arrays)
    row = run_scenario(scenarios()["sound"], Context(ruined, run_data(trained.folder), tmp_path))
    assert row.outcome is ScenarioOutcome.FAILED and row.observation.text == "0:dense.W[2, 3] is inf"
    assert np.isinf(row.observation.arrays["0:dense.W"]).sum() == 1
