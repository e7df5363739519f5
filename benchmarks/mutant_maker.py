"""Make the mutants of a file, copies with one small mistake each, with the operators of mutmut.

    Source(root, "nn/losses.py").mutants()      a Mutant for every mistake that mutmut can make

mutmut's own runner is not used. It skips decorated functions, decorators and code outside functions, which here means
every initializer, schedule and law and all declarations. It also runs pytest, while mutants of nn are checked by laws
here. So this module uses mutmut's operators, its visitor and its other exclusions (annotations, docstrings, `len`).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import libcst as cst
from libcst.metadata import MetadataWrapper, PositionProvider
from mutant import MATHEMATICS, MESSAGE, NAME, REFUSAL, WRAPPER, Mutant
from mutmut.mutation.file_mutation import (
    NEVER_MUTATE_FUNCTION_NAMES,
    Mutation,
    MutationVisitor,
    deep_replace,
)
from mutmut.mutation.mutators import mutation_operators
from mutmut.mutation.pragma_handling import IgnoredCode

NEAR = 20  # lines between the recorded and the visible place of a change, as in a long call
REFUSALS = ("check_settings",)  # functions that only reject a setting


class Source:
    """One file of `root` and the mutants that it has; those in the functions `wrappers` are marked as such."""

    def __init__(self, root: Path, file: str, wrappers: tuple[str, ...] = ()) -> None:
        self.file, self.text = file, (root / file).read_text(encoding="utf-8")
        visitor = _Visitor(wrappers)
        self.module = MetadataWrapper(cst.parse_module(self.text)).visit(visitor)
        self.found = visitor.found

    @property
    def count(self) -> int:
        """The number of mutants, including those that do not compile."""
        return len(self.found)

    def mutants(self, chosen: list[int] | None = None) -> list[Mutant]:
        """All mutants or the chosen ones, without those that do not compile and without duplicates."""
        made: dict[str, Mutant] = {}
        for number in range(len(self.found)) if chosen is None else chosen:
            mutation, line, sort, own = self.found[number]
            changed = deep_replace(self.module, mutation.original_node, mutation.mutated_node)
            assert isinstance(changed, cst.Module)
            text = changed.code
            if text not in (self.text, *made) and _compiles(text):
                was, now = _difference(self.text, text)
                made[text] = Mutant(self.file, number, line, was, now, sort, text, own)
        return list(made.values())

    def like(self, line: int, was: str, now: str) -> list[Mutant]:
        """The mutants that make the same change to the same code on any line, the nearest to `line` first."""
        rows = [row.strip() for row in self.text.splitlines()]
        starts = [n for n in range(len(rows)) if " ".join(rows[n:]).startswith(was)]
        near = [i for i, (_, at, _) in enumerate(self.found) if any(abs(at - n) < NEAR for n in starts)]
        same = [mutant for mutant in self.mutants(near) if (mutant.was, mutant.now) == (was, now)]
        return sorted(same, key=lambda mutant: abs(mutant.line - line))


def _compiles(text: str) -> bool:
    try:
        compile(text, "mutant", "exec")
    except SyntaxError:
        return False
    return True


def _difference(before: str, after: str) -> tuple[str, str]:
    """The lines that differ, without indentation, in one line each."""
    one, two = before.splitlines(), after.splitlines()
    while one and two and one[0] == two[0]:
        one, two = one[1:], two[1:]
    while one and two and one[-1] == two[-1]:
        one, two = one[:-1], two[:-1]
    was, now = (" ".join(line.strip() for line in lines) for lines in (one, two))
    return was, now


class _Visitor(MutationVisitor):
    """mutmut's visitor, which also enters decorators and decorated functions, and records the line of each mutation."""

    def __init__(self, wrappers: tuple[str, ...]) -> None:
        super().__init__(mutation_operators, IgnoredCode(set(), set(), set()))
        self.wrappers, self.above = wrappers, list[cst.CSTNode]()
        self.found: list[tuple[Mutation, int, str, bool]] = []

    def on_visit(self, node: cst.CSTNode) -> bool:
        self.above.append(node)
        known = len(self.mutations)
        entered = super().on_visit(node)
        position: Any = self.get_metadata(PositionProvider, node, None)
        for mutation in self.mutations[known:]:
            line = position.start.line if position else self._line()
            self.found.append((mutation, line, self._sort(node), self._own()))
        return entered

    def on_leave(self, original_node: cst.CSTNode) -> None:
        super().on_leave(original_node)
        self.above.pop()

    def _skip_node_and_children(self, node: cst.CSTNode) -> bool:
        if isinstance(node, cst.FunctionDef):
            return node.name.value in NEVER_MUTATE_FUNCTION_NAMES
        return not isinstance(node, cst.Decorator) and super()._skip_node_and_children(node)

    def _line(self) -> int:
        positions = (self.get_metadata(PositionProvider, node, None) for node in reversed(self.above))
        return next(position.start.line for position in positions if position)  # type: ignore[attr-defined]  # libcst types metadata as object

    def _own(self) -> bool:
        """Whether mutmut itself generates this mutant."""
        functions = [above for above in self.above if isinstance(above, cst.FunctionDef)]
        return bool(functions) and not any(function.decorators for function in functions)

    def _sort(self, node: cst.CSTNode) -> str:
        """What the mutant changes: the text of an exception, the condition of an error, a name, or mathematics."""
        if any(isinstance(above, cst.Raise) for above in self.above):
            return MESSAGE
        if any(_refuses(above, below) for above, below in zip(self.above, self.above[1:], strict=False)):
            return REFUSAL
        if any(isinstance(n, cst.FunctionDef | cst.ClassDef) and n.name.value in self.wrappers for n in self.above):
            return WRAPPER
        if any(isinstance(above, cst.Assign) and _assigns_all(above) for above in self.above):
            return NAME
        decorated = any(isinstance(above, cst.Decorator) for above in self.above)
        named = isinstance(node, cst.SimpleString | cst.Call) and not any(
            isinstance(above, cst.Lambda) for above in self.above
        )
        return NAME if decorated and named else MATHEMATICS


def _assigns_all(node: cst.Assign) -> bool:
    target = node.targets[0].target
    return isinstance(target, cst.Name) and target.value == "__all__"


def _refuses(above: cst.CSTNode, below: cst.CSTNode) -> bool:
    """Whether `below` is, in `above`, only the condition of an error."""
    if isinstance(above, cst.If) and below is above.test:
        return all(isinstance(row, cst.Raise) for row in _statements(above.body))
    call = above.value if isinstance(above, cst.Expr) else None
    return isinstance(call, cst.Call) and isinstance(call.func, cst.Name) and call.func.value in REFUSALS


def _statements(block: cst.BaseSuite) -> Iterator[cst.CSTNode]:
    for line in block.body:
        yield from line.body if isinstance(line, cst.SimpleStatementLine) else [line]
