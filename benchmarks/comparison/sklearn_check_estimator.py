"""scikit-learn: check_estimator, with its defaults, on a classifier that trains a model and predicts with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.estimator_checks import check_estimator
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from nnlaw.nn.optimizers import Adam
from nnlaw.spec.discovery.build_cases import cases
from nnlaw.spec.gradcheck.gradients import in_float64
from nnlaw.spec.subjects.unit import Unit

KINDS = ("model",)


class NetworkClassifier(ClassifierMixin, BaseEstimator):
    """A model under scikit-learn's protocol: standardized inputs, full batches, Adam."""

    def __init__(self, network: Any = None, steps: int = 150, lr: float = 0.03, seed: int = 0) -> None:
        self.network, self.steps, self.lr, self.seed = network, steps, lr, seed

    def fit(self, X: Any, y: Any) -> NetworkClassifier:
        """Train from the seed."""
        X, y = validate_data(self, X, y, dtype=np.float64)
        check_classification_targets(y)
        self.classes_, labels = np.unique(y, return_inverse=True)
        self.mean_, self.scale_ = X.mean(axis=0), X.std(axis=0) + 1e-8
        rng = np.random.default_rng(self.seed)
        self.network_ = in_float64(self.network(X.shape[1], len(self.classes_), rng))
        movers = {name: Adam() for name in self.network_.params}
        for _ in range(self.steps):
            _, grads = self.network_.loss_and_grads((X - self.mean_) / self.scale_, labels)
            for name, mover in movers.items():
                w = np.array(self.network_.params[name], np.float64)
                mover.step(w.reshape(-1), np.array(grads[name], np.float64).reshape(-1), self.lr)
                self.network_.params[name] = w
        self.n_iter_ = self.steps
        return self

    def predict_proba(self, X: Any) -> Any:
        """Rows of probabilities."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        return self.network_.predict((X - self.mean_) / self.scale_)

    def predict(self, X: Any) -> Any:
        """The likeliest classes."""
        likeliest = self.predict_proba(X).argmax(axis=1)
        return self.classes_[likeliest]


def harnesses(record: Unit) -> Iterator[tuple[str, Callable[[], Any]]]:
    """The one check of a model."""
    cases(record)  # raises where it can't be built
    yield "classifier", lambda: check_estimator(NetworkClassifier(record.thing))
