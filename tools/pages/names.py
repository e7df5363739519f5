"""The page docs/names/README.md: every standard name with its source and the variants that are accepted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from nnlaw.spec.reference import INITIALIZERS, LAYERS, LOSSES, METRICS, OPTIMIZERS, SYNONYMS, UTILITIES
from nnlaw.spec.reference.names import simplified

TABLES: dict[str, Mapping[str, Any]] = {
    "Layers and activations": LAYERS, "Losses": LOSSES, "Optimizers": OPTIMIZERS, "Initializers": INITIALIZERS,
    "Metrics": METRICS, "Utilities": UTILITIES,
}  # fmt: skip
INTRODUCTION = """# Standard names

A class or function with a standard name is compared with the definition of that name: `Adam`, `LSTMCell`,
`cross_entropy`. Case and underscores don't matter, and neither do words that describe nothing, such as `my`,
`by_hand`, `layer`, `optimizer` or `v2`: `MyAdamOptimizer` and `adam_v2` are Adam. Names with other words are not
compared: `RAdam`, `hard_sigmoid`. In code that is not registered, dense and flatten are not compared either: people
give these names to many functions.

If the values agree with one of the accepted variants, the law `definition` passes. Free numbers, such as a slope or a
margin, are read from attributes and arguments with a usual name (`alpha`, `margin`, `eps`, ...).

If your code computes something else on purpose, rename it, or write a comment with the reason:

```python
class Adam:  # nnlaw: ignore[definition] without bias correction, as in the lecture
```

A registered class can also declare `expected = {"definition": "the reason"}`, and `like = "gelu"` makes a class with
another name be compared.
"""


def pages() -> dict[str, str]:
    """The page, by its path in docs/names/."""
    return {"README.md": INTRODUCTION + "".join(_section(title, table) for title, table in TABLES.items())}


def _section(title: str, table: Mapping[str, Any]) -> str:
    return "\n".join(["", f"## {title}", "", "| name | also | definition and accepted variants |", "|---|---|---|",
                      *_rows(table), ""])  # fmt: skip


def _rows(table: Mapping[str, Any]) -> Iterator[str]:
    for name, row in sorted(table.items()):
        others = sorted(other for other, means in SYNONYMS.items() if means == simplified(name))
        accepted = getattr(row, "accepted", "")
        text = f"{row.source}: {accepted}" if accepted else row.source
        yield f"| {name} | {', '.join(others)} | {text} |"


__all__ = ["pages"]
