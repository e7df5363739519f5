"""benchmarks/other_libraries.py: PyTorch and scikit-learn do the same work as nn."""

from pathlib import Path
from typing import Any

import numpy as np
import other_libraries
import pytest
from other_libraries import SKLEARN, TORCH, Sklearn, Torch, compare

import nnlaw.nn.bench.bench


@pytest.mark.parametrize(("module", "make"), [("torch", Torch), ("sklearn", Sklearn)])
def test_a_library_trains_and_predicts(module: str, make: Any) -> None:
    """If it is installed, it trains the same architecture and predicts probabilities."""
    pytest.importorskip(module)
    x = np.random.default_rng(0).standard_normal((64, 784)).astype(np.float32)
    library = make(x, np.arange(64) % 10)
    assert library.epoch()[1] > 0
    assert np.allclose(np.asarray(library.predict(x)).sum(axis=1), 1, atol=1e-4)


@pytest.mark.slow
def test_libraries_run_in_the_same_rounds(tiny_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Their times, targets, versions and imports are in the results."""

    class Library:
        def __init__(self, name: str) -> None:
            self.name = name

        def epoch(self) -> tuple[float, float]:
            return 100.0, 1.0

        def predict(self, x: Any) -> Any:
            return x

    monkeypatch.setattr(nnlaw.nn.bench.bench, "run_python", lambda code: (0.5, "100.0"))
    monkeypatch.setattr(other_libraries, "version", lambda name: f"{name} 1")
    results = compare(tiny_folder, 2, [lambda x, labels: Library(TORCH), lambda x, labels: Library(SKLEARN)])
    assert results["training"][TORCH]["target"]["held"] and results["training"][SKLEARN]["target"]["times"] == 2.0
    assert results["machine"]["torch"] == "torch 1" and "import torch" in results["startup"]
