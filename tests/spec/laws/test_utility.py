"""Laws of utilities: what is accepted, what is not, and what the message has."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nnlaw.spec import UtilityCase
from nnlaw.spec.conformance import conformance
from nnlaw.spec.discovery.find import find
from nnlaw.spec.discovery.load import load

Check = Callable[[Any, str], tuple[str, list[str]]]


def outcomes(folder: Path, source: str) -> dict[str, str]:
    """The outcomes of the utilities that are found in a file of this source."""
    path = folder / "mine.py"
    path.write_text(f"import numpy as np\n{source}\n", encoding="utf-8")
    loaded = load(path)
    found = [unit for unit in find(loaded.module, loaded.names) if unit.is_unit]
    return {unit.name: str(conformance(unit).outcome) for unit in found}


def test_the_variant_must_be_the_same_for_all_inputs(check: Check) -> None:
    """Rows for some labels and columns for others fail."""

    def one_hot(labels: Any, classes: Any) -> Any:
        rows = np.eye(classes)[labels]
        return rows.T if len(labels) > 6 else rows

    assert check(UtilityCase("mine", one_hot, name="one_hot"), "definition")[0] == "fail"


def test_a_message_has_the_entry_the_inputs_and_the_cause(check: Check) -> None:
    """For one-hot rows of labels that are counted from 1."""

    def one_hot(labels: Any, classes: Any) -> Any:
        return np.eye(classes)[labels - 1]

    outcome, (message,) = check(UtilityCase("mine", one_hot, name="one_hot"), "definition")
    assert outcome == "fail" and "the result[0, 1] = 1, expected 0, for labels = [2, 0, 1, 3, 1, 2, 0]" in message
    assert "labels that are counted from 1 instead of 0" in message


def test_arguments_without_a_meaning_are_inconclusive(check: Check) -> None:
    """A case of its own kind may have arguments that the definition lacks."""

    def one_hot(labels: Any, color: Any) -> Any:
        return np.eye(4)[labels]

    assert check(UtilityCase("mine", one_hot, name="one_hot"), "definition")[0] == "inconclusive"


RIGHT = {
    "one_hot of the different labels": "def one_hot(y):\n    return (y[:, None] == np.unique(y)).astype(int)",
    "one_hot of a list": "def one_hot(ys, n):\n    return [[int(i == y) for i in range(n)] for y in list(ys)]",
    "by the norm of each row": "def clip_by_norm(g, c):\n"
    "    return g * np.minimum(1, c / np.linalg.norm(g, axis=-1, keepdims=True))",
    "central differences of numbers": "def numerical_gradient(f, x, h=1e-4):\n"
    "    if not isinstance(x, float): raise TypeError\n    return (f(x + h) - f(x - h)) / (2 * h)",
    "episodes in a list": "def discount_rewards(rewards, gamma):\n    found = []\n    for one in rewards:\n"
    "        one, total = list(one), 0\n        for t in reversed(range(len(one))):\n"
    "            one[t] = total = one[t] + gamma * total\n        found.append(one)\n    return found",
    "discounts of each step": "def discount_rewards(r, gamma=0.9):\n    d = r * gamma ** np.arange(len(r))\n"
    "    return d / d.max()",
    "a game to a negative score": "def discount_rewards(r, g=0.9):\n    out, s = np.zeros_like(r), 0\n"
    "    for t in range(len(r))[::-1]:\n        out[t] = s = r[t] + (0 if r[t] < 0 else g * s)\n    return out",
    "advantages of the next values": "def gae(rewards, values, next_values, dones, gamma, lam):\n"
    "    a, s = [], 0\n    for r, v, w, d in list(zip(rewards, values, next_values, dones))[::-1]:\n"
    "        s = r + gamma * w * (not d) - v + gamma * lam * (not d) * s\n        a.append(s)\n    return a[::-1]",
    "columns of positions": "def sinusoidal_embedding(positions, dim):\n    i = np.arange(dim // 2)[:, None]\n"
    "    a = positions[None] / 10000 ** (i / (dim // 2 - 1))\n    return np.vstack([np.cos(a), np.sin(a)])",
    "a base of the module": "BASE = 300\ndef positional_encoding(n, d):\n    i = np.arange(d)\n"
    "    a = np.arange(n)[:, None] / BASE ** (i // 2 * 2 / d)\n    return np.where(i % 2, np.cos(a), np.sin(a))",
    "a table made by a method": "class PositionalEncoding:\n    def __init__(self, dim):\n        self.dim = dim\n"
    "    def encode(self, n):\n        i = np.arange(self.dim)\n"
    "        a = (np.arange(n)[:, None] + 1) / 10000 ** (i // 2 * 2 / self.dim)\n"
    "        return np.where(i % 2, np.cos(a), np.sin(a))",
    "one range for all": "def min_max_normalize(data):\n    return (data - data.min()) / np.ptp(data)",
}


@pytest.mark.parametrize("source", RIGHT.values(), ids=RIGHT)
def test_an_accepted_variant_passes(source: str, tmp_path: Path) -> None:
    """Each is recognized, called and right."""
    assert list(outcomes(tmp_path, source).values()) == ["passed"]


WRONG = {
    "the sum of all gradients": "def clip_gradients(grads, threshold):\n    n = sum(np.abs(g).sum() for g in grads)\n"
    "    return [g * min(1, threshold / n) for g in grads]",
    "scaled above the limit only": "def clip_gradients(grads, clip):\n    return [np.minimum(g, clip) for g in grads]",
    "only the first coordinate of a row": "def numerical_gradient(f, x, h=1e-5):\n    g = np.zeros_like(x)\n"
    "    for i in range(len(x)):\n        y = x.copy()\n        y.flat[i] += h\n        g.flat[i] = (f(y) - f(x)) / h\n"
    "    return g * (np.arange(x.size).reshape(x.shape) < 2)",
    "squared discounts": "def discounted_rewards(rewards, gamma):\n    out, s = [], 0\n"
    "    for r in list(rewards)[::-1]:\n        s = r + gamma**2 * s\n        out.append(s)\n    return out[::-1]",
    "sine alone": "def positional_encoding(n, d_model):\n    i = np.arange(d_model)\n"
    "    return np.sin(np.arange(n)[:, None] / 10000 ** (2 * (i // 2) / d_model))",
    "the variance": "def standardize(X):\n    return (X - X.mean(0)) / X.var(0)",
    "divided by the maximum": "def min_max_scale(X):\n    return (X - X.min(0)) / X.max(0)",
}


@pytest.mark.parametrize("source", WRONG.values(), ids=WRONG)
def test_something_else_by_this_name_fails(source: str, tmp_path: Path) -> None:
    """Each is recognized and called."""
    assert list(outcomes(tmp_path, source).values()) == ["failed"]


NOT_FOUND = {
    "other arguments": "def one_hot(word, vocabulary):\n    return [word == each for each in vocabulary]",
    "two classes": "def one_hot(action):\n    return [1, 0] if action == 0 else [0, 1]",
    "two classes of arrays": "def one_hot(y):\n    return np.stack([y == 0, y != 0], axis=1)",
    "several limits": "def clip_gradients(g):\n    return np.clip(g, -3, 7)",
    "prices": "def compute_returns(prices):\n    return prices[1:] / prices[:-1]",
    "learned": "def positional_encoding(n, d):\n    return np.random.randn(n, d)",
    "an empty table": "class PositionalEncoding:\n    def __init__(self, n, d_model):\n"
    "        self.table = np.zeros((n, d_model)) * np.sin(1)",
    "it returns nothing": "def standardize(X):\n    X -= X.mean(0)",
}


@pytest.mark.parametrize("source", NOT_FOUND.values(), ids=NOT_FOUND)
def test_what_is_something_else_is_left_out(source: str, tmp_path: Path) -> None:
    """It is not a unit."""
    assert outcomes(tmp_path, source) == {}
