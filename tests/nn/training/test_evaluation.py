"""The metrics of an epoch."""

from pathlib import Path

import pytest

from nnlaw.nn.core.settings import Settings
from nnlaw.nn.training.evaluation import cross_entropy, epoch_metrics, validation_rank
from nnlaw.nn.training.session import Session, prepare

pytestmark = pytest.mark.usefixtures("hasty")


def settings(data: Path, *plugins: str, **given: object) -> Settings:
    """Small and fast."""
    small = {"data": str(data), "plugins": plugins, "layers": "dense:10", "epochs": 2, "validation": 100}
    return Settings(**small | given)  # type: ignore[arg-type]  # settings by name


def trained(data: Path, loss: str) -> Session:
    """A network that is not trained at all."""
    return prepare(settings(data, loss=loss))


@pytest.mark.parametrize("loss", ["mse", "softmax_cross_entropy"])
def test_the_validation_loss_is_the_trained_loss(tiny_folder: Path, loss: str) -> None:
    """`val_loss` equals the model's own loss on the same images in one batch."""
    one = trained(tiny_folder, loss)
    row = epoch_metrics(one.model, one.split, 1, [1.0], 0.0)
    expected, _ = one.model.loss_and_grads(one.split.x_val, one.split.y_val)
    assert row["val_loss"] == pytest.approx(expected, rel=1e-5) and validation_rank(row) == (
        row["val_accuracy"],
        -row["val_loss"],
    )


def test_a_model_without_mean_loss_has_the_cross_entropy(tiny_folder: Path) -> None:
    """Of its probabilities, under the name `val_cross_entropy`."""
    one = trained(tiny_folder, "mse")

    class Bare:
        predict = one.model.predict

    row = epoch_metrics(Bare(), one.split, 1, [1.0], 0.0)
    assert "val_loss" not in row
    assert row["val_cross_entropy"] == cross_entropy(one.model.predict(one.split.x_val), one.split.y_val)
    assert validation_rank(row) == (row["val_accuracy"], -row["val_cross_entropy"])
