"""nn/grade/training.py: a network of a student is trained, and its accuracy computed here."""

from pathlib import Path

import pytest

from nnlaw.nn.grade.rubric import Requirement
from nnlaw.nn.grade.training import TrainingData, train

pytestmark = pytest.mark.slow

NETWORK = """import numpy as np
print("training script")
class Nearest:
    def fit(self, x, y):
        self.means = np.array([x[y == k].mean(axis=0) for k in range(10)])
    def scores(self, x):
        return x @ self.means.T - (self.means ** 2).sum(axis=1) / 2
    def hang(self, x):
        while True: pass
raise SystemExit(1)
"""


@pytest.fixture(scope="module")
def data() -> TrainingData:
    """Few synthetic digits."""
    found = TrainingData.load(None)
    return TrainingData(found.images[:1500], found.labels[:1500], found.test_images[:300], found.test_labels[:300])


@pytest.fixture
def file(tmp_path: Path) -> str:
    """The student's file."""
    (tmp_path / "net.py").write_text(NETWORK, encoding="utf-8")
    return str(tmp_path / "net.py")


@pytest.mark.parametrize(
    "predict", ["net.scores(x)", "net.scores(x).T", "net.scores(x).argmax(axis=1)", "net.scores(x).argmax(1)[:, None]"]
)
def test_accuracy_of_scores_and_labels(file: str, data: TrainingData, predict: str) -> None:
    """Scores with classes as columns or rows, and labels, give the same; no training script is run."""
    found = train(Requirement("learns", train="net = Nearest(); net.fit(x, y)", predict=predict), file, data)
    assert found.reason == "" and found.accuracy is not None and found.accuracy > 0.4


@pytest.mark.parametrize(
    ("code", "predict", "words"),
    [
        ("net = Network()", "net.scores(x)", "NameError"),
        ("net = Nearest()", "x[:5]", "expected 300 labels"),
        ("net = Nearest()", "'labels'", "expected 300 labels"),
        ("net = Nearest()", "net.hang(x)", "timed out after 2 s"),
        ("import os; os._exit(0)", "y", "called os._exit"),
        ("raise SystemExit(3)", "y", "SystemExit"),
    ],
)
def test_what_fails_has_a_reason(file: str, data: TrainingData, code: str, predict: str, words: str) -> None:
    """There is no accuracy."""
    found = train(Requirement("learns", train=code, predict=predict, seconds=2.0), file, data)
    assert found.accuracy is None and words in found.reason


def test_labels_of_the_test_images_are_not_sent(file: str, data: TrainingData) -> None:
    """The code gets the training labels and the test images only."""
    names = "sorted(name for name in globals() if name in ('y', 'x', 'one_hot', 'test_labels'))"
    code = f"assert {names} == ['one_hot', 'x', 'y'] and len(y) == 1500"
    assert train(Requirement("learns", train=code, predict="np.zeros(len(x))"), file, data).reason == ""
