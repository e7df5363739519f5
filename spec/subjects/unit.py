"""A unit: one layer, loss, optimizer, function or model to check, of any class.

    Unit("layer", "swish", Swish)
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from nnlaw.spec.contracts.obeys import Declaration
from nnlaw.spec.contracts.shapes import parse
from nnlaw.spec.subjects.object_subject import subject_of
from nnlaw.spec.subjects.subject import Subject

METHODS = {"layer": ("forward", "backward"), "loss": ("forward", "backward"), "optimizer": ("step",),
           "model": ("loss_and_grads", "predict")}
"""The methods that every class of a kind must have."""
FUNCTIONS = ("initializer", "schedule", "batches", "metric", "utility")
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
    def subject(self) -> Subject:
        """The subject of the class, function or instance."""
        return subject_of(self.thing)

    @property
    def label(self) -> str:
        """Place, kind and name, as error messages begin: `mine.py:8: layer swish`."""
        subject = self.subject
        method = next((m for m in METHODS.get(self.kind, ()) if subject.has(m)), "__init__")
        location = subject.location(method if subject.form == "class" else "")
        return f"{location}: {self.kind} {self.name}" if location.path else f"{self.kind} {self.name}"

    @property
    def declaration(self) -> Declaration | None:
        """The contract given here, or that of @obeys."""
        return Declaration(parse(self.contract)) if self.contract else self.subject.declaration

    def make(self, settings: dict[str, Any]) -> Subject:
        """A new instance; a copy if the unit is an instance already."""
        subject = self.subject
        return subject.create(settings) if subject.form == "class" else subject.copy()
