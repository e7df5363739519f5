"""Updates that divide gradients by the batch size, in the file of a unit and in the other files of its project.

    averaging_update(module)        "opt.py:9"; "" if there is none
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

MAX_FILES = 100
_COUNT = r"(self\.)?(\w*batch_?size|m|n|N|len\()"
AVERAGE = re.compile(
    r"(np|numpy)\.mean\(\s*[\w.]*(grad|delta|d[wWbB]|nabla)[\w.\[\]'\"]*\s*,"
    rf"|\b(lr|eta|alpha|learning_?rate)\s*/\s*{_COUNT}"
    rf"|\b[\w.]*(grad|nabla|delta)\w*(\[[^\]]*\])?\s*/=?\s*{_COUNT}"
)
STEP = re.compile(r"update|step|optim|train|fit|sgd|descent|apply", re.I)


def averaging_update(module: ModuleType) -> str:
    """File and line of an update, in a function of such a name or in a script, that takes a mean over the batch."""
    path = Path(getattr(module, "__file__", None) or "")
    for file in _files(path):
        function = ""
        for number, line in enumerate(file.read_text(encoding="utf-8", errors="ignore").splitlines(), 1):
            found = re.match(r"(\s*)def\s+(\w+)", line)
            if found or re.match(r"\S", line):
                function = found[2] if found else ""
            if AVERAGE.search(line) and (STEP.search(function) or (not function and line[:1].isspace())):
                return f"{file.name}:{number}"
    return ""


def _files(path: Path) -> Iterator[Path]:
    """The file itself, then those of its folder and of the one above that import it."""
    if path.is_file():
        yield path
        imports = re.compile(rf"^\s*(from|import)\b.*\b{re.escape(path.stem)}\b", re.M)
        others = itertools.chain(sorted(path.parent.glob("*.py")), sorted(path.parent.parent.glob("*.py")))
        for file in itertools.islice(others, MAX_FILES):
            if file != path and imports.search(file.read_text(encoding="utf-8", errors="ignore")):
                yield file
