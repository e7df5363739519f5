"""The text of a Python file or notebook as Python 3 reads it, or one sentence on why it can't be read.

    read_source(Path("net.py")).tree       the syntax tree
    read_source(Path("old.py"))            BadInput: old.py:12: Python 2 code (print without parentheses), ...
"""

from __future__ import annotations
import __future__

import ast
import re
import tokenize
import warnings
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from nnlaw.spec.discovery.notebook import read_cells
from nnlaw.spec.syntax import parse
from nnlaw.spec.violation import BadInput, relative_to_cwd

PYTHON_2 = (
    ("print without parentheses", re.compile(r"\bprint\s+[^\s(=]|\bprint\s*$|\bprint\s*\(.*\)\s*%|\bprint\s*>>")),
    ("except E, name", re.compile(r"\bexcept\s+[\w.()\s,]+,\s*\w+\s*:")),
    ("raise E, message", re.compile(r"\braise\s+[\w.]+\s*,")),
    ("exec without parentheses", re.compile(r"\bexec\s+[^\s(=]")),
    ("the operator <>", re.compile(r"<>")),
    ("backticks", re.compile(r"`")),
    ("a number such as 0777 or 10L", re.compile(r"\b0\d+\b|\b\d+[lL]\b")),
    ("a string ur'...'", re.compile(r"\bur['\"]")),
    ("tuples as parameters", re.compile(r"\b(def\s+\w+\s*\(.*\(|lambda\s*\()")),
    ("tabs mixed with spaces", re.compile(r"^ *\t")),
)
"""What only Python 2 accepts, as it looks in a line that Python 3 rejects."""


@dataclass(frozen=True)
class Source:
    """A file's text, its syntax tree, and the compiler flags of its `from __future__` imports."""

    path: Path
    text: str
    tree: ast.Module
    flags: int
    skipped: dict[str, str]  # cells of a notebook that are not Python, each with the reason


def read_source(path: Path) -> Source:
    """Read and parse a .py or .ipynb file.

    Raises BadInput with the line if it can't be read, is Python 2 or has a syntax error.
    """
    skipped: dict[str, str] = {}
    if path.suffix == ".ipynb":
        text, skipped = read_cells(path)
    else:
        text = _decode(path)
    try:
        with warnings.catch_warnings():  # the file's author sees these when it runs
            warnings.simplefilter("ignore")
            tree = parse(text, str(path))
            flags = _take_future_imports(tree, everywhere=path.suffix == ".ipynb")
            compile(tree, str(path), "exec", flags, dont_inherit=True)  # finds `return` outside a function, ...
    except SyntaxError as error:
        raise BadInput(_describe(path, text, error)) from error
    except (RecursionError, MemoryError) as error:
        raise BadInput(f"{relative_to_cwd(str(path))}: an expression is nested too deeply to be parsed") from error
    except ValueError as error:  # null bytes
        raise BadInput(f"{relative_to_cwd(str(path))}: {error}") from error
    return Source(path, text, tree, flags, skipped)


def _take_future_imports(tree: ast.Module, everywhere: bool) -> int:
    """The compiler flags of `from __future__` imports; `everywhere` also takes those of later cells out of the tree."""
    flags = 0
    for node in list(tree.body):
        if isinstance(node, ast.ImportFrom) and node.module == "__future__":
            flags |= sum(getattr(__future__, alias.name).compiler_flag for alias in node.names)
            if everywhere:
                tree.body.remove(node)
    return flags


def _decode(path: Path) -> str:
    """The text of a .py file, in the encoding that it declares."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror or error}") from error
    try:
        encoding, _ = tokenize.detect_encoding(BytesIO(data).readline)
        return data.decode(encoding).replace("\r\n", "\n").replace("\r", "\n")
    except (SyntaxError, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: not encoded in UTF-8, and no other encoding is declared") from error


def _describe(path: Path, text: str, error: SyntaxError) -> str:
    """The sentence of a syntax error: Python 2, or the parser's message."""
    lines = text.split("\n")
    first = error.lineno or 0
    line = re.sub(r"#.*", "", lines[first - 1]) if 0 < first <= len(lines) else ""
    shown = relative_to_cwd(str(path))
    place = f"{shown}:{first}" if first else shown
    for what, pattern in PYTHON_2:
        if pattern.search(line) or (what in PYTHON_2[0] and "call to 'print'" in (error.msg or "")):
            return f"{place}: Python 2 code ({what}), expected Python 3"
    return f"{place}: {error.msg}"
