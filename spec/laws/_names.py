"""Why a unit is compared with a definition, and how to declare that it is something else."""

from __future__ import annotations

from nnlaw.spec.contracts.declared import declared_value
from nnlaw.spec.subjects.cases import Case
from nnlaw.spec.subjects.subject import Subject


def why_compared(case: Case, thing: Subject, standard: str, source: str = "") -> str:
    """The note of a violation: the unit has a standard name, or declares one by `like`.

    `source` is that of the definition, if the rest of the message lacks it.
    """
    name, _, settings = (case.name, "", "") if case.registered else case.path.partition("(")
    reason = f"it declares like = {standard!r}" if declared_value(thing, "like") else f"its name is {name}"
    if case.is_second and f"{standard}=True" in settings:
        reason = f"it is {case.path}"
    definition = f"{standard} ({source})" if source else standard
    return (
        f"compared with {definition} because {reason}; if it is meant to be something else, rename it, or write "
        "# nnlaw: ignore[definition] with the reason"
    )
