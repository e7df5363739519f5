"""Names of gradients: dW, grad_W, weights_gradient, dEdW are those of W.

    is_gradient_of("dweights", "W")       True
"""

from __future__ import annotations

import re

PREFIXES = ("d", "grad", "gradient", "delta", "nabla", "dl", "dld", "ded", "djd", "dcd", "dlossd", "dcostd", "lastd",
            "lastn", "g", "del", "gradof", "gradientof", "dldd", "dedd", "dloss", "dcost", "deltas", "sumd", "totald",
            "accd", "partial")  # fmt: skip
SUFFIXES = ("grad", "gradient", "grads", "gradients", "delta", "deltas", "derivative", "g", "error", "d", "dt", "diff",
            "update", "prime")  # fmt: skip


def short_name(name: str) -> str:
    """A name in lower case without underscores; plural and long names of weights and biases are equal to short ones."""
    low = name.replace("_", "").lower()
    return re.sub(r"^(.*?)(weights?|biases|bias)(\d*)$", lambda m: m[1] + m[2][0] + m[3], low)


def is_gradient_of(gradient: str, parameter: str) -> bool:
    """Whether a name is that of the gradient of a parameter: dW, grad_W, weights_gradient, dEdW of W."""
    found, base = gradient.replace("_", "").replace("/", "").lower(), parameter.replace("_", "").lower()
    for one in {base, short_name(parameter)}:
        for prefix in PREFIXES:
            if found in (prefix + one, f"{prefix}{one}s", f"{prefix}{one}1") or (
                found.startswith(prefix) and short_name(found[len(prefix) :]) == short_name(one)
            ):
                return True
        for suffix in SUFFIXES:
            stem = found.removesuffix(suffix)
            if stem != found and short_name(stem) == short_name(one):
                return True
    return False
