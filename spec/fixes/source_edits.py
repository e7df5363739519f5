"""The smallest edit of a file that gives a changed function.

    smallest_edit(path, text, original, changed)          Edit(path, 12, 44, 12, 50, "axis=0", "axis=1")

`original` is a function as parsed from the file's text, `changed` the same function with one change. The edit replaces
the smallest expression that differs, and keeps the author's text of the parts that stay. It is returned only if the
edited file gives `changed`.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import product

from nnlaw.spec.fixes.rules import same
from nnlaw.spec.syntax import parse
from nnlaw.spec.violation import Edit

Pair = tuple[ast.AST, ast.AST]  # a node before and after the change
Place = tuple[int, int]  # line and column, from 1
MAX_CHOICES = 64  # of parentheses to try


def smallest_edit(path: str, text: str, original: ast.FunctionDef, changed: ast.FunctionDef) -> Edit | None:
    """The edit that gives `changed`; None if the text does not allow it."""
    source = _Source(path, text)
    body = ast.unparse(ast.Module(changed.body, []))
    expected = (body, "\n".join(line for line in body.splitlines() if line.strip() != "pass"))
    for edit in _candidates(source, original, changed):
        if _body(edit.apply(text), original) in expected:
            return edit
    return None


def function_at(text: str, name: str, line: int) -> ast.FunctionDef | None:
    """The function of this name whose definition, or first decorator, is at the line; None if there is none."""
    functions = (node for node in ast.walk(parse(text)) if isinstance(node, ast.FunctionDef))
    return next((node for node in functions if (node.name, _first_line(node)) == (name, line)), None)


def _first_line(function: ast.FunctionDef) -> int:
    return min([function.lineno, *(decorator.lineno for decorator in function.decorator_list)])


def _body(text: str, original: ast.FunctionDef) -> str | None:
    """The body of the function in an edited file, in normal form; None if the file can't be parsed."""
    try:
        found = function_at(text, original.name, _first_line(original))
    except SyntaxError:
        return None
    return ast.unparse(ast.Module(found.body, [])) if found else None


def _candidates(source: _Source, original: ast.FunctionDef, changed: ast.FunctionDef) -> Iterator[Edit]:
    """Edits to try, the smallest first."""
    yield from _moved(source, original.body, changed.body)
    if len(original.body) != len(changed.body):
        return
    for old, new in reversed(_differing(original, changed)):
        if isinstance(new, ast.Pass):
            yield from source.without_line(old)
            yield source.edit(old, old, "")
        yield from _swapped(source, old, new)
        if not isinstance(old, ast.FunctionDef):
            for text in dict.fromkeys((source.rendered(old, new), ast.unparse(new))):
                yield from source.without_parentheses(old, new, text)
                yield source.edit(old, old, text)
                yield source.edit(old, old, f"({text})")


def _differing(old: ast.AST, new: ast.AST) -> list[Pair]:
    """From the function down to the smallest node that contains all of the change."""
    pairs = [(old, new)]
    while (children := _children(old, new)) is not None:
        different = [pair for pair in children if not same(*pair)]
        if len(different) != 1 or _reads_better_whole(old, different[0]):
            break
        ((old, new),) = different
        pairs.append((old, new))
    return pairs


def _children(old: ast.AST, new: ast.AST) -> list[Pair] | None:
    """The children before and after the change; None if something differs that has no place in the file."""
    if isinstance(old, ast.FunctionDef) and isinstance(new, ast.FunctionDef):
        return list(zip(old.body, new.body, strict=True))
    if type(old) is not type(new):
        return None
    pairs: list[Pair] = []
    for name, value in ast.iter_fields(old):
        other = getattr(new, name)
        values, others = (each if isinstance(each, list) else [each] for each in (value, other))
        if len(values) != len(others):
            return None
        for one, two in zip(values, others, strict=True):
            if isinstance(one, ast.AST) and isinstance(two, ast.AST):
                pairs.append((one, two))
            elif one != two:
                return None
    return pairs if all(hasattr(one, "col_offset") or same(one, two) for one, two in pairs) else None


def _reads_better_whole(parent: ast.AST, child: Pair) -> bool:
    """Whether to show axis=0 instead of 0, x.shape[1] instead of 1, and np.sin(x) instead of np.sin."""
    if isinstance(parent, ast.Subscript) and isinstance(parent.value, ast.Attribute) and parent.value.attr == "shape":
        return True
    if isinstance(parent, ast.keyword):
        return isinstance(child[0], ast.Constant | ast.UnaryOp | ast.Name)
    return isinstance(parent, ast.Call) and child[0] is parent.func and _children(*child) is None


def _moved(source: _Source, before: list[ast.stmt], after: list[ast.stmt]) -> Iterator[Edit]:
    """A statement, or the value of the return statement, computed before others."""
    i = next((i for i, pair in enumerate(zip(before, after, strict=False)) if not same(*pair)), len(before))
    if i == len(before):
        return
    line, column = source.start(before[i])
    is_long = source.end(before[i])[0] > line  # else it reads better swapped with the next one
    late = next((row for row in before[i + 2 - is_long :] if i < len(after) and same(row, after[i])), None)
    indent = "\n" + source.lines[line - 1][: column - 1]

    def inserted(text: str) -> tuple[Edit]:
        return (Edit(source.path, line, column, line, column, "", text + indent),)

    if late is not None:
        for edit in source.without_line(late):
            yield replace(edit, also=inserted(source.segment(late)))
    last, first = before[-1], after[min(i, len(after) - 1)]
    if len(after) == len(before) + 1 and isinstance(last, ast.Return) and last.value and isinstance(first, ast.Assign):
        name = ast.unparse(first.targets[0])
        text = f"{name} = {source.segment(last.value)}"
        yield replace(source.edit(last.value, last.value, name), also=inserted(text))


def _swapped(source: _Source, old: ast.AST, new: ast.AST) -> Iterator[Edit]:
    """Two statements of a body swapped."""
    for name in ("body", "orelse"):
        before, after = getattr(old, name, None), getattr(new, name, None)
        if not isinstance(before, list) or not isinstance(after, list) or len(before) != len(after):
            continue
        apart = [i for i, pair in enumerate(zip(before, after, strict=True)) if not same(*pair)]
        if len(apart) == 2:
            first, second = (before[i] for i in apart)
            between = source.cut(source.end(first), source.start(second))
            yield source.edit(first, second, source.segment(second) + between + source.segment(first))


class _Source:
    """The text of a file, by the nodes of its syntax tree."""

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self.lines = text.split("\n")
        nodes = (node for node in ast.walk(parse(text)) if isinstance(node, ast.expr) and _is_read(node))
        self.known = {ast.dump(node): node for node in nodes if node.lineno == node.end_lineno}
        """An expression of each form that the author wrote on one line."""
        self.tight_powers = "**" in text.replace(" ** ", "") and " ** " not in text
        """Whether the author writes x**2, not x ** 2."""

    def start(self, node: ast.AST) -> Place:
        return self.place(node.lineno, node.col_offset)  # type: ignore[attr-defined]  # only nodes with a place get here

    def end(self, node: ast.AST) -> Place:
        return self.place(node.end_lineno, node.end_col_offset)  # type: ignore[attr-defined]  # as above

    def place(self, line: int, offset: int) -> Place:
        """Line and column; `ast` counts columns in bytes of UTF-8, from 0."""
        return line, len(self.lines[line - 1].encode()[:offset].decode()) + 1

    def cut(self, start: Place, end: Place) -> str:
        lines = self.lines[start[0] - 1 : end[0]]
        lines[-1] = lines[-1][: end[1] - 1]
        lines[0] = lines[0][start[1] - 1 :]
        return "\n".join(lines)

    def segment(self, node: ast.AST) -> str:
        return self.cut(self.start(node), self.end(node))

    def edit(self, first: ast.AST, last: ast.AST, after: str) -> Edit:
        start, end = self.start(first), self.end(last)
        return Edit(self.path, *start, *end, self.cut(start, end), after)

    def without_line(self, old: ast.AST) -> Iterator[Edit]:
        """The edit that deletes a statement up to the next one, if that has the same indentation."""
        (line, column), (end_line, end_column) = self.start(old), self.end(old)
        indent, after = self.lines[line - 1][: column - 1], self.lines[end_line - 1][end_column - 1 :]
        following = next((i for i in range(end_line, len(self.lines)) if self.lines[i].strip()), len(self.lines))
        behind = [*self.lines, ""][following]
        alone = not indent.strip() and not after.strip()
        if alone and behind.startswith(indent) and behind[len(indent) :][:1].strip():
            end = following + 1, column
            yield Edit(self.path, line, column, *end, self.cut((line, column), end), "")

    def without_parentheses(self, old: ast.AST, new: ast.AST, after: str) -> Iterator[Edit]:
        """The edit that also removes the parentheses around `old`, which another operation may not need."""
        if not isinstance(old, ast.BinOp) or not isinstance(new, ast.BinOp) or type(old.op) is type(new.op):
            return
        (line, column), (end_line, end_column) = self.start(old), self.end(old)
        start, end = (line, max(column - 1, 1)), (end_line, end_column + 1)
        before = self.cut(start, end)
        if before.startswith("(") and before.endswith(")"):
            yield Edit(self.path, *start, *end, before, after)

    def rendered(self, old: ast.AST, new: ast.AST) -> str:
        """The text of `new` in the place of `old`."""
        children = _children(old, new)
        if children is None or any(same(each, old) for each in ast.walk(new)):
            return self.assembled(old, new)
        parts = sorted((pair for pair in children if not same(*pair)), key=lambda pair: self.start(pair[0]))
        texts = [self.rendered(one, other) for one, other in parts]
        origin = self.start(old)
        places = [(_relative(self.start(one), origin), _relative(self.end(one), origin)) for one, _ in parts]

        def composed(pieces: Sequence[str]) -> str:
            text = self.segment(old)
            for (start, end), piece in reversed(list(zip(places, pieces, strict=True))):
                text = Edit("", *start, *end, "", piece).apply(text)
            return text

        return _with_parentheses(composed, texts, new)

    def assembled(self, old: ast.AST, new: ast.AST) -> str:
        """The text of `new`, with expressions that the author wrote elsewhere as they are there."""
        own = {ast.dump(node): node for node in ast.walk(old) if isinstance(node, ast.expr) and _is_read(node)}
        placeholders = _Placeholders(self.known | own)
        skeleton = ast.unparse(placeholders.visit(copy.deepcopy(new)))
        if self.tight_powers:
            skeleton = skeleton.replace(" ** ", "**")
        texts = [self.segment(node) for node in placeholders.nodes]

        def composed(pieces: Sequence[str]) -> str:
            text = skeleton
            for i, piece in enumerate(pieces):
                text = text.replace(_placeholder(i), piece)
            return text

        return _with_parentheses(composed, texts, new)


def _is_read(node: ast.expr) -> bool:
    is_load = isinstance(getattr(node, "ctx", ast.Load()), ast.Load)
    return is_load and not isinstance(node, ast.Slice | ast.Starred)


def _relative(place: Place, origin: Place) -> Place:
    """Line and column in a text that starts at `origin`."""
    line, column = place[0] - origin[0] + 1, place[1]
    return line, column - origin[1] + 1 if line == 1 else column


def _placeholder(i: int) -> str:
    return f"_part_{i}_"


class _Placeholders(ast.NodeTransformer):
    """Replaces known expressions by names."""

    def __init__(self, known: dict[str, ast.expr]) -> None:
        self.known = known
        self.nodes: list[ast.expr] = []

    def visit(self, node: ast.AST) -> ast.AST:
        old = self.known.get(ast.dump(node))
        if old is None:
            visited: ast.AST = super().visit(node)
            return visited
        self.nodes.append(old)
        return ast.Name(_placeholder(len(self.nodes) - 1), ast.Load())


def _with_parentheses(composed: Callable[[Sequence[str]], str], texts: Sequence[str], expected: ast.AST) -> str:
    """The text composed of `texts`, with parentheses around as few of them as give the expected expression."""
    goal = _normal(ast.unparse(expected), expected)
    choices = sorted(product((False, True), repeat=len(texts)), key=sum)
    for choice in choices[:MAX_CHOICES]:
        text = composed([f"({part})" if wrap else part for part, wrap in zip(texts, choice, strict=True)])
        if _normal(text, expected) == goal:
            return text
    return composed(texts)


def _normal(text: str, like: ast.AST) -> str | None:
    """The text in normal form, read as a node of the kind of `like`; None if it can't be parsed."""
    forms = ((ast.Slice, "x[{}]"), (ast.keyword, "f({})"), (ast.expr, "({})"), (ast.AST, "{}"))
    form = next(form for kind, form in forms if isinstance(like, kind))
    try:
        return ast.unparse(parse(form.format(text)))
    except SyntaxError:
        return None
