"""Which function is the derivative of which, by their names.

    is_derivative_name("mse_prime", "mse")        True; so are dmse, mse_grad, gradient_mse, mse_derivative of mse_loss
"""

from __future__ import annotations

import re

_AFFIX = (
    r"prime|derivatives?|deriv|der|grads?|gradients?|dx|d|delta|backward|backwards|bwd|backprop|back|diff|jacobian|bw"
)
SUFFIX = re.compile(rf"^(.+?)_?({_AFFIX}|\bp)$")
PREFIX = re.compile(rf"^(derivative_?of|grad_?of|gradient_?of|derive|{_AFFIX})_?(.+)$")
_EMPTY = re.compile(r"(_|forward|fwd|loss|cost|function|func|fn|error|fw|compute|calc(ulate)?|get)")


def is_derivative_name(derivative: str, value: str) -> bool:
    """Whether a name is that of the derivative of a function with the other name."""
    return value != derivative and any(
        stem == value.lower().replace("_", "") or (_core(stem) == _core(value) and bool(_core(stem)))
        for stem in stems(derivative)
    )


def stems(name: str) -> set[str]:
    """What is left of a name without the words that mean a derivative."""
    low = re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()
    found = set()
    for pattern, group in ((SUFFIX, 1), (PREFIX, 2)):
        match = pattern.match(low)
        if match:
            found.add(match[group].replace("_", ""))
    words = low.split("_")
    inner = [word for word in words if not re.fullmatch(_AFFIX, word)]
    if 0 < len(inner) < len(words):
        found.add("".join(inner))
    return found


def _core(name: str) -> str:
    return _EMPTY.sub("", name.lower())
