"""Code whose steps are along the sums of all earlier gradients, because nothing sets these to zero in between."""

from __future__ import annotations

import contextlib
import copy
import inspect
import itertools
import re
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

import numpy as np

from nnlaw.spec.arrays import Array
from nnlaw.spec.discovery.adapted_layer import AdaptedLayer, Given
from nnlaw.spec.discovery.layer_attempts import STEP_AFTER, given_after
from nnlaw.spec.discovery.layer_methods import is_method, other_names
from nnlaw.spec.discovery.scope import required_of
from nnlaw.spec.discovery.source_text import source_text
from nnlaw.spec.subjects.cases import Case
from nnlaw.spec.violation import Cause, Location, Violation

SUMMED = Cause(
    "accumulated-gradients", "gradients are added to those of the step before, and nothing sets them to 0 between steps"
)


def sums_steps(name: str, location: Location, seed: int) -> list[Case]:
    """The cases of code whose steps are along sums of all earlier gradients: its violation of `repeatable-backward`."""
    raise Violation(
        "repeatable-backward", location=replace(location, unit=name), array="the second step",
        actual="along the sum of the gradients of both steps", expected="along the gradient of the second step alone",
        cause=SUMMED.text, cause_code=SUMMED.code,
    )  # fmt: skip


def summing_method_of_layer(layer: AdaptedLayer, x: Array, kind: type) -> str:
    """The method of a layer that takes such steps; "" if there is none, or if other code may reset the gradients."""
    plan = layer.plan
    steps: dict[str, tuple[Given, ...] | None] = {
        name: tuple(given for row in required_of(getattr(kind, name), bound=True) if (given := given_after(row)))
        for name in other_names(kind) if STEP_AFTER.match(name) and is_method(kind, name)
    }  # fmt: skip
    if any(kept.where == "step" for kept in plan.grads.values()):
        steps = {plan.backward: None}
    for name, arguments in steps.items():
        with contextlib.suppress(Exception), np.errstate(all="ignore"):
            step = None if arguments is None or plan.after is not None else (name, arguments)
            summed = copy.deepcopy(layer).adds_up_over_steps(x, step)
            if summed and not _may_be_reset(kind, [kept.slot.key for kept in plan.grads.values()]):
                return name if plan.after is None else plan.after[0]
    return ""


RESET = r"zero_?grad|reset|clear|\*=\s*0|\.fill\(|zeros(_like)?\(|\[\s*(:|\.\.\.)\s*\]\s*=\s*0|setattr\("
MAX_FILES = 200


def _may_be_reset(kind: type, gradients: Collection[str]) -> bool:
    """Whether the file of a class, except its constructor, or a file beside it may set these gradients to zero."""
    names = "|".join(map(re.escape, gradients)) or "grad"
    pattern = re.compile(rf"{RESET}|\b({names})\b[\"'\]]*\s*=(?!=)", re.I)
    path = Path(inspect.getsourcefile(kind) or "")
    try:
        text = path.read_text("utf-8").replace(source_text(vars(kind).get("__init__", kind)), "")
        files = itertools.chain(path.parent.glob("*.py"), path.parent.parent.glob("*.py"))
        beside = [file.read_text("utf-8") for file in itertools.islice(files, MAX_FILES) if file != path]
    except (OSError, UnicodeDecodeError):
        return True
    modules = f"{re.escape(path.stem)}|{re.escape(path.parent.name)}"
    imports = re.compile(rf"^\s*(from|import)\b.*\b({modules})\b|^\s*from \.", re.M)
    texts = [text, *filter(imports.search, beside)]
    return any(pattern.search(re.sub("#.*", "", each)) for each in texts)
