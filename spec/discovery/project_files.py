"""The files beside a module that belong to its project, and the definitions in them.

    files_beside(module)             {Path("layers.py"): "class Dense: ...", ...}
    definitions_beside(module, pattern)      the classes and functions of the files whose text has the pattern
"""

from __future__ import annotations

import contextlib
import inspect
import io
import itertools
import re
from pathlib import Path
from types import ModuleType
from typing import Any

from nnlaw.spec.discovery.load import load

MAX_FILES, MAX_LOADED = 100, 4


def files_beside(module: ModuleType) -> dict[Path, str]:
    """The other files of the folder of a module, and of the one above and its folders if they are parts of a project.

    With the text of each.
    """
    path = Path(getattr(module, "__file__", None) or "")
    if not path.is_file():
        return {}
    folder, above = path.parent, path.parent.parent
    own, upper = sorted(folder.glob("*.py")), sorted(above.glob("*.py"))
    is_part = (above / "__init__.py").is_file() or any(imports(text_of(file), folder.name) for file in upper)
    found = dict.fromkeys((*own, *upper, *sorted(above.glob("*/*.py"))) if is_part else own)
    return {file: text_of(file) for file in itertools.islice((each for each in found if each != path), MAX_FILES)}


def notebooks_beside(module: ModuleType) -> list[Path]:
    """The notebooks in the folder of a module, and in the one above."""
    path = Path(getattr(module, "__file__", None) or "")
    found = [file for folder in path.parents[:2] for file in sorted(folder.glob("*.ipynb"))] if path.is_file() else []
    return found[:MAX_FILES]


def files_below(module: ModuleType) -> dict[Path, str]:
    """The files of the folders in the folder of a module, with the text of each."""
    path = Path(getattr(module, "__file__", None) or "")
    found = sorted(path.parent.glob("*/*.py")) if path.is_file() else []
    return {file: text_of(file) for file in found[:MAX_FILES] if not file.name.startswith("test")}


_loaded: dict[tuple[str, str], dict[str, Any]] = {}
"""By the file of the module and the pattern."""


def definitions_beside(module: ModuleType, pattern: str, first: str = "") -> dict[str, Any]:
    """The classes and functions of some files beside a module whose text has a pattern; loaded once.

    Those that have the pattern `first` come first, then those in the folder of the module.
    """
    key = getattr(module, "__file__", None) or "", pattern
    if key not in _loaded:
        _loaded[key] = {}  # a file that is loaded may need the same
        texts = files_beside(module) | files_below(module)
        files = [file for file, text in texts.items() if re.search(pattern, text, re.M | re.I)]
        files.sort(key=lambda file: not re.search(first, texts[file], re.M | re.I))
        for file in itertools.islice(files, MAX_LOADED):
            with contextlib.suppress(Exception), contextlib.redirect_stdout(io.StringIO()):
                loaded = load(file)
                names = [name for name in loaded.names if name not in loaded.unavailable]
                values = {name: vars(loaded.module).get(name) for name in names}
                _loaded[key] |= {name: value for name, value in values.items()
                                 if inspect.isclass(value) or inspect.isfunction(value)}  # fmt: skip
    return _loaded[key]


def text_of(file: Path) -> str:
    """The text of a file."""
    return file.read_text(encoding="utf-8", errors="ignore")


def imports(text: str, stem: str) -> bool:
    """Whether a file with this text imports a module or a folder of this name."""
    return re.search(rf"^\s*(from|import)\b.*\b{re.escape(stem)}\b", text, re.M) is not None
