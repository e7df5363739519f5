"""docs/diagnostics.md: what every law states, and what the laws say of counterexamples and planted bugs.

    python benchmarks/diagnostics.py          judges fixtures/laws and fixtures/faults, and writes the page

A test holds the page to what is said today: the words exactly, numbers within a hundredth.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from nnlaw._names import install
from nnlaw.nn.verify.targets import file_records
from nnlaw.spec.conformance import conformance
from nnlaw.spec.law import CATALOGUE, Law
from nnlaw.spec.law_docs import load
from nnlaw.spec.violation import Violation

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "diagnostics.md"
LAWS, FAULTS = (sorted((ROOT / "fixtures" / name).glob("*.py")) for name in ("laws", "faults"))
NUMBER = re.compile(r"(?<![\w.])[-−]?\d+(?:\.\d+)?(?:e[-+]?\d+)?(?![\w.]*\.py)")
NEAR, TINY = 0.01, 1e-6  # relative; and what is less is rounding, of which every machine has its own


def violations(path: Path) -> list[Violation]:
    """What is broken in one file."""
    if path in LAWS:
        return conformance(load(path).case()).violations
    (record,) = file_records(path)
    return conformance(record).violations


def told(path: Path, found: Violation) -> str:
    """The diagnostic in one line, without the place, which is this file.

    Which mistake explains a wrong gradient is told in kill-matrix.md.
    """
    cause = "" if path in FAULTS and found.law == "gradient" else found.cause
    text = found.also(cause=cause).message.replace(f" ({path.name}:{found.where.line})", "")
    return re.sub(r"\s+", " ", text)


def differs(one: str, other: str) -> bool:
    """Whether words differ, or numbers by more than a hundredth of the larger one."""
    if NUMBER.split(one) != NUMBER.split(other):
        return True
    pairs = zip(*(map(_number, NUMBER.findall(text)) for text in (one, other)), strict=True)
    return any(abs(a - b) > max(TINY, NEAR * max(abs(a), abs(b))) for a, b in pairs)


def _number(text: str) -> float:
    return float(text.replace("−", "-"))


def lines(folder: str, paths: list[Path]) -> Iterator[str]:
    """One row a file."""
    yield from ("| file | what is said |", "|---|---|")
    for path in paths:
        for found in violations(path):
            yield row(folder, path, found)


def row(folder: str, path: Path, found: Violation) -> str:
    """One row of the page."""
    return f"| [{path.stem}](../fixtures/{folder}/{path.name}) | {told(path, found).replace('|', chr(92) + '|')} |"


def stated(law: Law) -> str:
    """One row of the catalogue."""
    return f"| {law.kind} | {law.code} | {law.statement} |"


def page() -> str:
    """The text of docs/diagnostics.md."""
    return "\n".join((
        "# What the laws say",
        "",
        "Written by `python benchmarks/diagnostics.py`: each diagnostic names where it was seen, which array at which "
        "index, what is, what was expected, the law, and, where it can be told, what caused it.",
        "",
        "## Of each law's own counterexample",
        "",
        *lines("laws", LAWS),
        "",
        "## What each law states",
        "",
        "| kind | law | statement |",
        "|---|---|---|",
        *(stated(law) for law in CATALOGUE.values()),
        "",
        "## Of planted bugs",
        "",
        "Which mistake explains a wrong gradient is told in [kill-matrix.md](kill-matrix.md).",
        "",
        *lines("faults", FAULTS),
        "",
    ))  # fmt: skip


def main() -> int:
    """Write the page."""
    PAGE.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    install()  # the files import nn and spec
    sys.exit(main())
