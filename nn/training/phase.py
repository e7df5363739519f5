"""The phases of a training in which a law can fail."""

from __future__ import annotations

from enum import Enum


class Phase(Enum):
    """The values are stored in failure reports."""

    CHECK_DATA = "data"
    CHECK_NETWORK = "audit"  # before the first step
    PERTURB = "perturb"  # the gradient by the input, for adversarial training
    STEP = "step"
    CHECK_WEIGHTS = "weights"  # after the last step of an epoch
    CHECK_EPOCH = "epoch"
    EVALUATE = "evaluate"
    CHECK_RELOADED = "reload"  # the network, loaded from its saved weights
