"""Load any file, notebook or module as it is, definitions only.

    loaded = load("bits/swish.py")
    loaded.module.Swish            the class, imported as a member of its package
    loaded.unavailable             {"X_train": "line 12: FileNotFoundError: train.csv"}
    loaded.findings                [Finding(..., 7, "np.float", "float")]
    loaded.placeholders            ("torch",)
"""

from __future__ import annotations

import os
import random
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import numpy as np

from nnlaw.spec.discovery.import_hook import import_file
from nnlaw.spec.discovery.removed_numpy import Finding
from nnlaw.spec.discovery.targets import targets
from nnlaw.spec.discovery.unavailable import Placeholder, Unavailable, reason_of
from nnlaw.spec.violation import BadInput


@dataclass
class Loaded:
    """A file's definitions, and what could not be loaded."""

    module: ModuleType
    path: Path  # the file; for a notebook, its .ipynb
    source: str  # the text whose line numbers tracebacks and code objects refer to
    names: tuple[str, ...]  # the top-level names that the file itself defines, in order; not what it imports
    findings: list[Finding]  # removed names of NumPy; grows if code that is called later makes a ragged array
    placeholders: tuple[str, ...]  # absent third-party modules replaced by placeholders
    missing_texts: tuple[str, ...]  # text files that were not found, and that a sample text replaces
    unavailable: dict[str, str]  # names that could not be computed, and why; only what uses them can't be checked


def load(target: str | Path) -> Loaded:
    """The definitions of a file, notebook or module.

    Raises BadInput with one sentence if it can't be found, read or parsed, or is Python 2.
    """
    found = targets([str(target)])
    if len(found) != 1:
        raise BadInput(f"{target}: expected one file, found {len(found)}")
    with _script_settings(found[0].path):
        module = import_file(found[0].path)
    contents = module._nnlaw
    assert contents.source is not None
    names = tuple(contents.definitions.names())
    absent = {name: value for name, value in vars(module).items() if isinstance(value, Unavailable)}
    failed = {name: value for name, value in absent.items() if name in names or not isinstance(value, Placeholder)}
    unavailable = {name: reason_of(value, contents.path) for name, value in failed.items()} | contents.source.skipped
    return Loaded(
        module, found[0].path, contents.source.text, names, contents.findings,
        tuple(contents.all_absent()), tuple(contents.missing_texts), unavailable,
    )  # fmt: skip


@contextmanager
def _script_settings(path: Path) -> Iterator[None]:
    """The process as a script sees it: no arguments, no input, no windows, a fixed seed; set back afterward."""
    arguments, standard_input, folder, search_path = sys.argv, sys.stdin, os.getcwd(), list(sys.path)
    backend, states = os.environ.get("MPLBACKEND"), (random.getstate(), np.random.get_state())
    with open(os.devnull) as nothing, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        os.environ["MPLBACKEND"] = "Agg"
        sys.argv, sys.stdin = [str(path)], nothing
        random.seed(0)  # weights may be made when the file is loaded
        np.random.seed(0)
        try:
            yield
        finally:
            sys.argv, sys.stdin = arguments, standard_input
            sys.path[:] = search_path
            os.chdir(folder)
            random.setstate(states[0])
            np.random.set_state(states[1])
            if backend is None:
                os.environ.pop("MPLBACKEND", None)
            else:
                os.environ["MPLBACKEND"] = backend
