"""Makes the mutants of a file: copies with one small mistake each, by the operators of mutmut.

    Source(root, "nn/losses.py").mutants()      a Mutant for every mistake that mutmut knows of

mutmut itself cannot judge this project: it leaves decorated functions, decorators and what stands outside of functions
alone, which here is every initializer, schedule and law, and all claims; and it runs pytest, where here a law judges.
So its operators, its visitor and its other exclusions (annotations, docstrings, `len`) are used, and those three are
lifted.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import libcst as cst
from libcst.metadata import MetadataWrapper, PositionProvider
from mutant import ASIDE, MATHEMATICS, MESSAGE, NAME, REFUSAL, Mutant
from mutmut.mutation.file_mutation import (
    NEVER_MUTATE_FUNCTION_NAMES,
    Mutation,
    MutationVisitor,
    deep_replace,
)
from mutmut.mutation.mutators import mutation_operators
from mutmut.mutation.pragma_handling import IgnoredCode

NEAR = 20  # lines between where a change is noted and where it shows, as in a long call
REFUSALS = ("admit",)  # functions that do nothing but refuse a setting


class Source:
    """One file of `root`, and the mistakes that can be made in it; those in the functions `aside` are told apart."""

    def __init__(self, root: Path, file: str, aside: tuple[str, ...] = ()) -> None:
        self.file, self.text = file, (root / file).read_text(encoding="utf-8")
        visitor = _Visitor(aside)
        self.module = MetadataWrapper(cst.parse_module(self.text)).visit(visitor)
        self.found = visitor.found

    @property
    def count(self) -> int:
        """How many there are, with those that are no program."""
        return len(self.found)

    def mutants(self, chosen: list[int] | None = None) -> list[Mutant]:
        """All of them, or the chosen ones; without those that are no program, or the same as another."""
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
        """Those that make the same of the same code, wherever it stands now, the nearest to `line` first."""
        rows = [row.strip() for row in self.text.splitlines()]
        starts = [n for n in range(len(rows)) if " ".join(rows[n:]).startswith(was)]
        near = [i for i, (_, at, _) in enumerate(self.found) if any(abs(at - n) < NEAR for n in starts)]
        same = [mutant for mutant in self.mutants(near) if (mutant.was, mutant.now) == (was, now)]
        return sorted(same, key=lambda mutant: abs(mutant.line - line))


def _compiles(text: str) -> bool:
    try:
        compile(text, "mutant", "exec")
    except SyntaxError:  # a mutant that is no program is none
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
    """mutmut's visitor, which also enters decorators and decorated functions, and notes where a mutation stands."""

    def __init__(self, aside: tuple[str, ...]) -> None:
        super().__init__(mutation_operators, IgnoredCode(set(), set(), set()))
        self.aside, self.above = aside, list[cst.CSTNode]()
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
        return next(position.start.line for position in positions if position)  # type: ignore[attr-defined]  # libcst says only that metadata are objects

    def _own(self) -> bool:
        """Whether mutmut itself would make this mistake."""
        functions = [above for above in self.above if isinstance(above, cst.FunctionDef)]
        return bool(functions) and not any(function.decorators for function in functions)

    def _sort(self, node: cst.CSTNode) -> str:
        """What the mistake is in: the words of an exception, the condition of a refusal, a name, or mathematics."""
        if any(isinstance(above, cst.Raise) for above in self.above):
            return MESSAGE
        if any(_refuses(above, below) for above, below in zip(self.above, self.above[1:], strict=False)):
            return REFUSAL
        if any(isinstance(n, cst.FunctionDef | cst.ClassDef) and n.name.value in self.aside for n in self.above):
            return ASIDE
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
    """Whether `below` decides, in `above`, about nothing but a refusal."""
    if isinstance(above, cst.If) and below is above.test:
        return all(isinstance(row, cst.Raise) for row in _statements(above.body))
    call = above.value if isinstance(above, cst.Expr) else None
    return isinstance(call, cst.Call) and isinstance(call.func, cst.Name) and call.func.value in REFUSALS


def _statements(block: cst.BaseSuite) -> Iterator[cst.CSTNode]:
    for line in block.body:
        yield from line.body if isinstance(line, cst.SimpleStatementLine) else [line]
