"""The lines printed after a training."""

from typing import Any

import pytest

from nnlaw.cli.output.train_output import test_lines as lines_of


def summary(confusion: list[list[int]]) -> dict[str, Any]:
    """What a training with two classes found on its test set."""
    return {"test_accuracy": 0.5, "metrics": {}, "confusion": confusion, "classes": ["cat", "dog"]}


@pytest.mark.parametrize(
    ("confusion", "warns"),
    [([[0, 4], [0, 4]], True), ([[4, 0], [0, 4]], False), ([[0, 4], [1, 3]], False), ([[0, 0], [0, 8]], False)],
)
def test_a_network_that_predicts_one_class_is_named(confusion: list[list[int]], warns: bool) -> None:
    """If the test set has several classes and all of its images get the same one."""
    lines = lines_of(summary(confusion))
    assert ("Warning: the network predicts class dog for every test image" in "".join(lines)) is warns
