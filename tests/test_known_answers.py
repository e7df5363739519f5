"""nn and the reference functions of spec agree with two independent sources: fixtures/known."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nnlaw.nn.builtin  # noqa: F401  # registers what is compared
from nnlaw.nn.plugins.registry import REGISTRY
from nnlaw.spec import reference

FOLDER = Path(__file__).parents[1] / "fixtures" / "known"
KNOWN: list[dict[str, Any]] = json.loads(next(FOLDER.glob("*.json")).read_text(encoding="utf-8"))["answers"]
BUILT_IN = [row for row in KNOWN if (row["kind"], row["name"]) in REGISTRY.plugins]
NORM = ("gain", "shift", "mean", "variance")


def of_kind(rows: list[dict[str, Any]], kind: str) -> Any:
    """The rows of one kind, one test each."""
    chosen = [row for row in rows if row["kind"] == kind]
    return pytest.mark.parametrize("row", chosen, ids=lambda row: f"{row['name']}-{row['equation'][:12]}")


def made(row: dict[str, Any]) -> Any:
    """The built-in class of that name with the row's settings; a layer gets the row's arrays, in float64."""
    settings = {k: v for k, v in row.get("settings", {}).items() if k not in (*NORM, "training")}
    thing = REGISTRY.find(row["kind"], row["name"]).thing(**settings)
    if row["kind"] == "layer":
        thing.build((3,), np.random.default_rng(0))
        thing.training = row["settings"].get("training", True)
        for holder in (thing.params, thing.state):
            holder |= {name: np.array(row["settings"].get(name, array)) for name, array in holder.items()}
    return thing


def test_the_table_is_frozen() -> None:
    """The digest is that of SHA256SUMS."""
    digest, name = (FOLDER / "SHA256SUMS").read_text().split()
    assert hashlib.sha256((FOLDER / name).read_bytes()).hexdigest() == digest


def test_the_table_covers_the_built_in_classes() -> None:
    """Every family of built-in plugins that computes numbers is compared."""
    found = {row["name"] for row in BUILT_IN}
    assert found >= {"relu", "sigmoid", "tanh", "softmax", "batchnorm", "softmax_cross_entropy", "mse", "sgd", "adam"}


@of_kind(BUILT_IN, "layer")
def test_built_in_layers_agree_with_known_values(row: dict[str, Any]) -> None:
    """Forward to the last digits, and dx as well."""
    layer = made(row)
    np.testing.assert_allclose(layer.forward(np.array(row["x"])), row["y"], rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(layer.backward(np.array(row["dy"])), row["dx"], rtol=1e-11, atol=1e-13)


@of_kind(BUILT_IN, "loss")
def test_built_in_losses_agree_with_known_values(row: dict[str, Any]) -> None:
    """The number and its gradient."""
    loss = made(row)
    assert loss.forward(np.array(row["x"]), np.array(row["target"])) == pytest.approx(row["loss"], rel=1e-13)
    np.testing.assert_allclose(loss.backward(), row["dx"], rtol=1e-11, atol=1e-14)


@of_kind(BUILT_IN, "optimizer")
def test_built_in_optimizers_follow_the_known_path(row: dict[str, Any]) -> None:
    """The weights after every step."""
    optimizer, w = made(row), np.array(row["w"])
    for g, expected in zip(row["gradients"], row["path"], strict=True):
        optimizer.step(w, np.array(g), row["lr"])
        np.testing.assert_allclose(w, expected, rtol=1e-12)


@of_kind([row for row in KNOWN if row.get("settings", {}).get("training", True)], "layer")
def test_reference_layers_agree_with_known_values(row: dict[str, Any]) -> None:
    """One of the accepted variants gives the row's output; batchnorm is compared in training mode only."""
    settings = row["settings"]
    arrays = {name: np.array(value) for name, value in settings.items() if name in NORM}
    numbers = reference.Settings({name: value for name, value in settings.items() if isinstance(value, float)})
    given = reference.Given([np.array(row["x"])], arrays, numbers)
    found = [y for of in reference.LAYERS[row["name"]].variants for (y,) in of(given)]
    assert any(np.allclose(y, row["y"], rtol=1e-12, atol=1e-14) for y in found)


@of_kind(KNOWN, "loss")
def test_reference_losses_agree_with_known_values(row: dict[str, Any]) -> None:
    """One of the accepted variants gives the row's loss."""
    given = reference.Given([np.array(row["x"])], target=np.array(row["target"]))
    found = [value for of in reference.LOSSES[row["name"]].variants for (value,) in of(given)]
    assert any(value == pytest.approx(row["loss"], rel=1e-12) for value in found)
