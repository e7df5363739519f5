"""The findings about each package: the rows of findings.toml and their lines in the source.

    findings()                  every row, in order
    row.spot()                  "npdl/layers/core.py:95"
"""

from __future__ import annotations

import importlib
import inspect
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
BUG, CONVENTION = "bug", "convention"


@dataclass(frozen=True)
class Finding:
    """One row. `fails` lists the failures that it explains, as "unit | law"; empty if it was found by reading."""

    package: str
    sort: str
    title: str
    text: str
    place: str
    quote: str
    fails: tuple[str, ...] = ()
    script: str = ""
    sharpened: bool = False
    """Whether a law was made stricter to catch it."""

    @property
    def script_path(self) -> Path:
        """The file of the script."""
        return HERE / "scripts" / f"{self.script}.py"

    def spot(self) -> str:
        """File and line of the quote in the source of `place`. Raises ValueError if it is not there."""
        module, _, name = self.place.partition(":")
        thing: Any = importlib.import_module(module)
        for part in name.split("."):
            thing = thing.__dict__[part] if inspect.isclass(thing) else getattr(thing, part)
        thing = thing.fget if isinstance(thing, property) else getattr(thing, "__func__", thing)
        lines, first = inspect.getsourcelines(thing)
        at = next((i for i, line in enumerate(lines) if self.quote in line), None)
        if at is None:
            raise ValueError(f"{self.title}: {self.quote!r} not found in {self.place}")
        root = Path(importlib.import_module(module.partition(".")[0]).__file__ or "").parent.parent
        return f"{Path(inspect.getsourcefile(thing) or '').relative_to(root)}:{first + at}"


def findings() -> list[Finding]:
    """Every row of findings.toml."""
    rows = tomllib.loads((HERE / "findings.toml").read_text(encoding="utf-8"))["finding"]
    return [Finding(**{**row, "fails": tuple(row.get("fails", ()))}) for row in rows]
