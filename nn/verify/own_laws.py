"""The caller's own laws: functions with @law in a file, imported into the process that computes outcomes.

    with own_laws([Path("our_laws.py")]):      inside the block they are checked like all others
        check_target(...)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from nnlaw.nn.plugins.loader import import_file
from nnlaw.spec.law import CATALOG, FOR_ANY_CODE
from nnlaw.spec.violation import BadInput


@contextmanager
def own_laws(files: Iterable[Path]) -> Iterator[None]:
    """Import the files and check their laws, too. Raises BadInput if one can't be imported or defines no law."""
    built_in, for_any_code = dict(CATALOG), {kind: set(codes) for kind, codes in FOR_ANY_CODE.items()}
    try:
        for file in dict.fromkeys(files):
            before = set(CATALOG)
            import_file(file, override=True)
            new = set(CATALOG) - before
            if not new:
                raise BadInput(f"{file}: no law is defined: put @law(...) above a function (from nnlaw import law)")
            for kind, code in new:
                FOR_ANY_CODE.setdefault(kind, set()).add(code)
        yield
    finally:
        CATALOG.clear()
        CATALOG.update(built_in)
        FOR_ANY_CODE.update(for_any_code)
