"""Scenarios run in this process or in others with the same results; a process that dies fails only its own scenario."""

import os
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool

import pytest

from nnlaw.nn.run_folder.folder import Run
from nnlaw.nn.run_folder.json_files import read_json
from nnlaw.nn.stress.runner import Runner, in_own_process, run_data
from nnlaw.nn.stress.scenario import LIMITS, ScenarioOutcome, scenarios
from nnlaw.spec import BadInput


@pytest.mark.slow
def test_workers_give_the_same_results_as_one_process(trained: Run) -> None:
    """The same results in the same order, apart from the times; plugins that import nn and spec can be loaded."""
    chosen = [scenarios()[name] for name in ("edge-nan", "scale-raw", "edge-labels-from-1", "sound", "edge-dead-relus")]
    one, two = (list(Runner(trained).run_all(chosen, jobs)) for jobs in (1, 2))
    assert [(row.scenario, row.outcome, row.observation.metrics) for row in one] == [
        (row.scenario, row.outcome, row.observation.metrics) for row in two
    ]


@pytest.mark.slow
def test_a_worker_that_dies_fails_only_its_own_scenario(trained: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other scenarios of its pool run again in processes of their own; if that one dies, too, the scenario fails."""
    runner, chosen = Runner(trained), scenarios()["sound"]
    failing: Future[object] = Future()
    failing.set_exception(BrokenProcessPool())
    assert runner._result(chosen, failing).outcome is ScenarioOutcome.PASSED  # type: ignore[arg-type]  # no value

    def die(*_: object) -> None:
        raise BrokenProcessPool

    monkeypatch.setattr("nnlaw.nn.stress.runner.in_own_process", die)
    assert runner._result(chosen, failing).outcome is ScenarioOutcome.FAILED  # type: ignore[arg-type]  # no value


@pytest.mark.slow
def test_a_process_has_the_given_number_of_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """The variables change in the new process only; its exit raises here."""
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "7")
    monkeypatch.delenv("MKL_NUM_THREADS", raising=False)
    assert in_own_process(2, os.getenv, "OPENBLAS_NUM_THREADS") == "2"
    assert os.environ["OPENBLAS_NUM_THREADS"] == "7" and "MKL_NUM_THREADS" not in os.environ
    with pytest.raises(BrokenProcessPool):
        in_own_process(1, os._exit, 3)


def test_the_time_limit_depends_on_thoroughness(trained: Run) -> None:
    """A thorough run has more time."""
    assert (Runner(trained).limit, Runner(trained, full=True).limit) == (LIMITS["quick"], LIMITS["full"])


def test_the_data_are_read_only(trained: Run) -> None:
    """Scenarios share the arrays of the split and can't change them."""
    with pytest.raises(ValueError, match="read-only"):
        run_data(trained.folder).x_train[0] = 0


def test_a_run_with_other_data_is_refused(trained: Run, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Scenarios use the data that the run was trained on."""
    other = tmp_path_factory.mktemp("run")
    for name in ("config.toml", "record.json"):
        (other / name).write_bytes((trained.folder / name).read_bytes())
    record = (other / "record.json").read_text()
    (other / "record.json").write_text(record.replace(read_json(other / "record.json")["digests"]["split"], "0" * 64))
    with pytest.raises(BadInput, match="differs from the run"):
        run_data(other)
