"""Reference implementations: a unit with a standard name, its own or one declared by `like`, must compute the same.

Each name has every accepted variant in float64, with its source. A free number of a definition (a slope, an ε or a
margin) is that of the instance, if an attribute has a usual name for it; else it may have any usual value, or the value
of any number among the unit's attributes.
"""

from nnlaw.spec.reference.activations import ACTIVATIONS, log_softmax, sigmoid
from nnlaw.spec.reference.definition import Definition, Given
from nnlaw.spec.reference.functions import INITIALIZERS, METRICS, Initializer, Metric, Variance
from nnlaw.spec.reference.layers import LAYERS
from nnlaw.spec.reference.losses import LOSSES
from nnlaw.spec.reference.names import SYNONYMS, find_reference, numeric_constants, standard_name
from nnlaw.spec.reference.normalization import NORMALIZATIONS
from nnlaw.spec.reference.optimizers import OPTIMIZERS, Optimizer, Rule, trajectory
from nnlaw.spec.reference.schedules import SCHEDULES
from nnlaw.spec.reference.settings import Settings
from nnlaw.spec.reference.utilities import UTILITIES, Utility

__all__ = [
    "ACTIVATIONS",
    "INITIALIZERS",
    "LAYERS",
    "LOSSES",
    "METRICS",
    "NORMALIZATIONS",
    "OPTIMIZERS",
    "SCHEDULES",
    "SYNONYMS",
    "UTILITIES",
    "Definition",
    "Given",
    "Initializer",
    "Metric",
    "Optimizer",
    "Rule",
    "Settings",
    "Utility",
    "Variance",
    "find_reference",
    "log_softmax",
    "numeric_constants",
    "sigmoid",
    "standard_name",
    "trajectory",
]
