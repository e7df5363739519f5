"""The same seed gives the same weights, in this process, in others, and with other numbers of threads."""

import pytest

from nnlaw.nn.run_folder.folder import Run
from nnlaw.nn.stress.reproducibility import same_seed
from nnlaw.nn.stress.runner import Runner
from nnlaw.nn.stress.scenario import Context, ScenarioOutcome, scenarios


@pytest.mark.parametrize(
    ("digests", "passed"),
    [(["a", "a", "a", "b"], True), (["a", "c", "a", "b"], False), (["a", "a", "a", "a"], False)],
)
def test_one_seed_must_give_one_result(
    context: Context, monkeypatch: pytest.MonkeyPatch, digests: list[str], passed: bool
) -> None:
    """Two results of one seed fail, and so does one result of two seeds."""
    left = iter(digests)
    monkeypatch.setattr("nnlaw.nn.stress.reproducibility.train", lambda *_: next(left))
    assert same_seed(context).as_expected == passed


@pytest.mark.slow
@pytest.mark.parametrize("name", ["same-seed", "other-processes"])
def test_reproducibility_scenarios_pass(trained: Run, name: str, hasty: None) -> None:
    """In this process, in others, and with other numbers of threads."""
    row = Runner(trained).run_here(scenarios()[name])
    assert row.outcome is ScenarioOutcome.PASSED, row.observation.text
