"""A unit: one layer, loss, optimizer, function or model to check, of any class.

    Unit("layer", "swish", Swish)
"""

from __future__ import annotations

import copy
import inspect
from dataclasses import dataclass, field
from typing import Any

from nnlaw.spec.contracts.obeys import Declaration, declaration_of
from nnlaw.spec.contracts.shapes import parse
from nnlaw.spec.violation import Location

METHODS = {"layer": ("forward", "backward"), "loss": ("forward", "backward"), "optimizer": ("step",),
           "model": ("loss_and_grads", "predict")}
"""The methods that every class of a kind must have."""
FUNCTIONS = ("initializer", "schedule", "batches", "metric")
"""The kinds whose units are functions."""


@dataclass(frozen=True)
class Unit:
    """One unit: its kind and name, and the class, function or instance itself.

    `contract` is used if there is no @obeys, `options` are settings to construct or call it with, and `expected`
    names the laws that are expected to fail, each with the reason.
    """

    kind: str
    name: str
    thing: Any
    contract: str | None = None
    options: dict[str, Any] = field(default_factory=dict)
    expected: dict[str, str] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """Place, kind and name, as error messages begin: `mine.py:8: layer swish`."""
        location = Location.of(getattr(self.thing, self._method) if inspect.isclass(self.thing) else self.thing)
        return f"{location}: {self.kind} {self.name}" if location.path else f"{self.kind} {self.name}"

    @property
    def _method(self) -> str:
        return next((m for m in METHODS.get(self.kind, ()) if hasattr(self.thing, m)), "__init__")

    @property
    def declaration(self) -> Declaration | None:
        """The contract given here, or that of @obeys."""
        return Declaration(parse(self.contract)) if self.contract else declaration_of(self.thing)

    def make(self, settings: dict[str, Any]) -> Any:
        """A new instance; a copy if the unit is an instance already."""
        if not inspect.isclass(self.thing):
            return copy.deepcopy(self.thing)
        return self.thing(**settings)
