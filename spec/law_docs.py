"""Where the counterexamples lie, in the checkout as in the installed wheel, and how to run one.

    file = counterexample("layer", "gradient")
    conformance(load(file).case()).violations       exactly one, of this law
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

from nnlaw.spec.locations import fixtures
from nnlaw.spec.violation import BadInput


def counterexample(kind: str, code: str) -> Path | None:
    """The file that breaks this law and no other, or None where there is none, as for a user's own law."""
    file = fixtures() / "laws" / kind / f"{code.replace('-', '_')}.py"
    return file if file.is_file() else None


def load(file: Path) -> ModuleType:
    """Import a counterexample. Raises BadInput where it is no Python file."""
    found = importlib.util.spec_from_file_location(f"counterexample_{file.stem}", file)
    if found is None or found.loader is None:
        raise BadInput(f"{file}: expected a Python file")
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module
