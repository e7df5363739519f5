"""The numbers of an instance, by name, from which a definition takes its free numbers: a slope, an ε, a stride.

    Settings({"alpha": 0.3}).choose("slope", 0.01, 0.1)      [0.3]: an attribute with a usual name decides
    Settings({"p": 0.3}).choose("slope", 0.01, 0.1)          [0.01, 0.1, 0.3]: else it is any usual value or attribute
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

NAMES = {
    "slope": ("alpha", "slope", "negativeslope", "leak", "leakage", "leakiness", "a"),
    "alpha": ("alpha", "a"),
    "beta": ("beta",),
    "delta": ("delta",),
    "margin": ("margin", "delta"),
    "gamma": ("gamma", "focusing"),
    "smoothing": ("smoothing", "labelsmoothing", "smooth"),
    "eps": ("eps", "epsilon"),
    "groups": ("groups", "numgroups", "ngroups", "g"),
    "stride": ("stride", "strides", "s", "step"),
    "dilation": ("dilation", "dilationrate"),
    "keep": ("keepprob", "keep", "keeprate", "pkeep", "keepprobability", "probkeep", "retain", "retainprob"),
    "drop": ("rate", "drop", "dropout", "dropoutrate", "dropoutratio", "droprate", "dropprob", "pdrop",
             "dropoutprob", "dropoutprobability", "probdrop"),
}  # fmt: skip
"""The usual names of each free number, in lower case without underscores."""


@dataclass(frozen=True)
class Settings:
    """The numbers among the attributes by simplified name, and the values of parameters that are one number."""

    numbers: Mapping[str, float] = field(default_factory=dict)
    learned: tuple[float, ...] = ()

    def choose(self, role: str, *usual: float) -> list[float]:
        """The values that a free number may have: that of the attribute with such a name or, if there is none, any
        usual value and any number of the instance.
        """
        found = self.named(role) or [*usual, *self.numbers.values()]
        return list(dict.fromkeys([*found, *self.learned]))

    def named(self, role: str) -> list[float]:
        """The values of the attributes with a usual name of this number."""
        return [self.numbers[name] for name in NAMES[role] if name in self.numbers]
