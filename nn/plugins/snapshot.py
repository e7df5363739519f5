"""The source of a user's plugin files and of the modules beside them that they import, to be copied into a run.

    plugin_sources(["mine.py", "b/other.py"])      {"1-mine.py": b"...", "2-other.py": b"...", "helper.py": b"..."}

The copies are in one folder, as the originals were, so that `import helper` finds the copy.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path

from nnlaw.spec.syntax import parse

NOT_UTF_8 = re.compile("[\ud800-\udfff]")  # as Python shows such bytes of a file name
OWN = {"nnlaw"}  # never copied, even if a plugin is beside it in a checkout


def copy_name(i: int, path: str) -> str:
    """The file name of the copy of the i-th plugin, from 1; `_` for bytes that are not UTF-8, which zip can't store."""
    return NOT_UTF_8.sub("_", f"{i}-{Path(path).name}")


def plugin_sources(plugins: Sequence[str]) -> dict[str, bytes]:
    """The content of each plugin file and of the modules beside it, by relative path with `/`. Raises OSError."""
    found = {}
    for i, name in enumerate(plugins, 1):
        path = Path(name).resolve()
        found[copy_name(i, name)] = path.read_bytes()
        found |= {file.relative_to(path.parent).as_posix(): file.read_bytes() for file in _neighbors(path)}
    return found


def _neighbors(path: Path) -> list[Path]:
    """The modules beside a file that it imports, directly or indirectly; all files of a package."""
    found: list[Path] = []
    waiting = [path]
    while waiting:
        for name in _imported(waiting.pop()):
            new = [file for file in _files(name, path.parent) if file not in (path, *found)]
            found += new
            waiting += new
    return found


def _imported(path: Path) -> Iterator[str]:
    """The top-level names that a file imports: numpy of `import numpy.linalg`, helper of `from helper import act`."""
    try:
        tree = parse(path.read_bytes())
    except (SyntaxError, ValueError):  # a file of a package, possibly never imported
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            yield node.module.partition(".")[0]


def _files(name: str, folder: Path) -> list[Path]:
    """The files of a module if Python finds it in this folder; [] if it finds it elsewhere or not at all."""
    try:
        spec = None if name in OWN else find_spec(name)
    except (ImportError, ValueError):
        return []
    if spec is None:
        return []
    places = [Path(place).resolve() for place in spec.submodule_search_locations or ()]
    if places:
        return [file for place in places if place.parent == folder for file in sorted(place.rglob("*.py"))]
    file = Path(spec.origin or "").resolve()
    return [file] if file.parent == folder and file.suffix == ".py" else []
