"""A utility with a standard name must give the textbook's result.

It finds one-hot rows without the last class, clipped gradients that are too short, numerical gradients that are twice
as large, and scalers that use the statistics of the test set.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from nnlaw.spec.arrays import Array, first_index
from nnlaw.spec.law import law
from nnlaw.spec.laws._names import why_compared
from nnlaw.spec.reference import UTILITIES, Utility, find_reference
from nnlaw.spec.subjects.cases import UtilityCase
from nnlaw.spec.violation import NO_CAUSE, Inconclusive, Violation


@law(
    "definition",
    kind="utility",
    family="numerics",
    statement="A utility with a standard name gives the textbook's result.",
    why="A wrong helper makes right code look wrong: a numerical gradient that is twice as large contradicts a right "
    "one, and labels without a column for the last class are never learned.",
)
def definition(case: UtilityCase) -> None:
    """Compare the results with the definition for fixed inputs. One accepted variant must match all of them within a
    relative error of 1e-4; numerical gradients within 1e-2.
    """
    name, row = find_reference(case.thing, case.name, UTILITIES)
    settings = case.thing.settings()
    other = [each.name for each in settings if each.required and each.name not in row.examples[0]]
    if other:
        raise Inconclusive(f"arguments that the definition of {name} does not have: {', '.join(other)}")
    known = {each.name: each.default for each in settings if not each.required} | case.settings
    given = [{each.name: example[each.name] for each in settings if each.required} for example in row.examples]
    found = [_outputs(case.thing(**inputs, **case.settings)) for inputs in given]

    def agreement(variant: Any) -> float:
        """The mean share of the outputs that agree."""
        pairs = zip(found, given, strict=True)
        return float(np.mean([_agreement(row, each, _outputs(variant(**inputs, **known))) for each, inputs in pairs]))

    best = max(row.variants, key=agreement)
    if agreement(best) == 1:
        return
    for each, inputs in zip(found, given, strict=True):
        expected = _outputs(best(**inputs, **known))
        difference = _first_difference(row, each, expected)
        if difference is not None:
            break
    assert difference is not None
    output, index = difference
    shown = (f"shape {each[output].shape}", f"shape {expected[output].shape}")
    if each[output].shape == expected[output].shape:
        shown = (f"{each[output][index]:.6g}", f"{expected[output][index]:.6g}")
    cause = next((why for why, mistake in row.mistakes.items() if agreement(mistake) == 1), NO_CAUSE)
    violation = Violation(
        "definition",
        location=case.location,
        array=row.outputs[output],
        index=index or None,
        actual=shown[0],
        expected=f"{shown[1]}, for {_shown({**inputs, **known})}",
        cause=cause.text,
        cause_code=cause.code,
    )
    raise violation.with_fields(note=why_compared(case, case.thing, name, row.source))


def _outputs(value: Any) -> list[Array]:
    return [np.asarray(each, np.float64) for each in (value if isinstance(value, list | tuple) else [value])]


def _agreement(row: Utility, found: list[Array], right: list[Array]) -> float:
    """The share of the entries that agree; an output of another shape agrees in no entry."""
    pairs = list(zip(found, right, strict=False))
    return sum(float(np.mean(_close(row, *pair))) for pair in pairs if pair[0].shape == pair[1].shape) / len(pairs)


def _close(row: Utility, found: Array, right: Array) -> Array:
    return np.isclose(found, right, rtol=row.tolerance, atol=1e-6)


def _first_difference(row: Utility, found: list[Array], right: list[Array]) -> tuple[int, tuple[int, ...]] | None:
    """The number of the first output that differs, and the index of its first entry that does."""
    for i, (one, other) in enumerate(zip(found, right, strict=False)):
        if one.shape != other.shape:
            return i, ()
        off = ~_close(row, one, other)
        if off.any():
            return i, first_index(off)
    return None


def _shown(inputs: Mapping[str, Any]) -> str:
    """The inputs, arrays by their shapes if they are long."""
    return ", ".join(f"{key} = {_text(value)}" for key, value in inputs.items())


def _text(value: Any) -> str:
    if isinstance(value, list):
        return f"{len(value)} arrays"
    if isinstance(value, np.ndarray):
        return str(value.tolist()) if value.size < 16 else f"an array of shape {value.shape}"
    return f"{value:g}"
