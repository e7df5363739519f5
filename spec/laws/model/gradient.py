"""The gradients that a model returns must be those of the loss that it returns.

Finds mistakes in a network written as one class, and in the way in which correct layers are connected.
"""

from __future__ import annotations

from nnlaw.spec.gradcheck.gradients import check_along, check_model
from nnlaw.spec.law import law
from nnlaw.spec.subjects.cases import ModelCase


@law(
    "gradient",
    kind="model",
    family="gradient",
    statement="The gradients that a model returns must be those of the loss that it returns.",
    why="Every layer can be right and the network still wrong: a layer that is skipped on the way back, a loss that is "
    "divided by N twice. Training with such gradients often works, only worse.",
    depends_on=("registered",),
)
def gradient(case: ModelCase) -> None:
    """Central differences of the loss in float64, on four samples.

    Every entry of biases and of arrays with up to 400 entries; of larger ones 100 entries and three random directions.
    A relative error of 1e-5 passes, one above 1e-4 fails. During training only one random direction through all
    parameters is checked, on 20 samples.
    """
    if case.quick:
        check_along(case.model, case.x[:20], case.labels[:20], case.rng, path=case.path)
    else:
        count = 4 if case.registered else len(case.x)
        check_model(case.model, case.x[:count], case.labels[:count], case.rng, path=case.path)
