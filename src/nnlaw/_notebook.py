"""`%%check` for a cell of a notebook.

    %load_ext nnlaw

    %%check
    class Dense: ...

runs the cell, then checks every class and function that it defines, and shows a report for each.
"""

from __future__ import annotations

import ast
from typing import Any


def load(ipython: Any) -> None:
    """Register the magic with an IPython shell."""

    def check(line: str, cell: str) -> None:
        """%%check [NAME ...]: run the cell, then check what it defines, or only the classes and functions named."""
        result = ipython.run_cell(cell)
        if result.success:
            _check(ipython.user_module, line.split() or _defined(cell))

    ipython.register_magic_function(check, "cell", "check")


def _defined(cell: str) -> list[str]:
    """The names of the classes and functions at the top level of a cell; magics and shell commands are skipped."""
    from IPython.core.inputtransformer2 import TransformerManager

    tree = ast.parse(TransformerManager().transform_cell(cell))
    return [node.name for node in tree.body if isinstance(node, ast.ClassDef | ast.FunctionDef)]


def _check(module: Any, names: list[str]) -> None:
    from IPython.display import display

    from nnlaw.spec.conformance import conformance
    from nnlaw.spec.discovery.find import find

    unknown = [name for name in names if not hasattr(module, name)]
    units = [unit for unit in find(module, [name for name in names if name not in unknown]) if unit.is_unit]
    for unit in units:
        display(conformance(unit, explain=True))
    if unknown:
        print(f"not defined: {', '.join(unknown)}")
    elif not units:
        print("nothing to check: found no layer, loss, optimizer, network or function with a derivative")
