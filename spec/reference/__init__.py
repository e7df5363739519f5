"""The textbook: what a thing must compute that bears, or claims by `like`, a standard name.

Each name has every variant that is accepted, in float64, one line a function where it can be, with its source. What is
free in a definition (a slope, an ε, a margin) may be any usual value or any number that the plugin keeps on itself.
"""

from nnlaw.spec.reference.functions import INITIALIZERS, METRICS, SCHEDULES, Metric, Variance
from nnlaw.spec.reference.layers import LAYERS, log_softmax
from nnlaw.spec.reference.losses import LOSSES
from nnlaw.spec.reference.names import SYNONYMS, constants, standard, textbook
from nnlaw.spec.reference.optimizers import OPTIMIZERS, Optimizer, Rule, walk

__all__ = [
    "INITIALIZERS",
    "LAYERS",
    "LOSSES",
    "METRICS",
    "OPTIMIZERS",
    "SCHEDULES",
    "SYNONYMS",
    "Metric",
    "Optimizer",
    "Rule",
    "Variance",
    "constants",
    "log_softmax",
    "standard",
    "textbook",
    "walk",
]
