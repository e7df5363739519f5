"""Which statements of a file define something, and which only run it.

    Definitions(tree).needed()                  imports, functions, classes, and what they depend on
    Definitions(tree).needed({"TABLE"})         what binds TABLE, and what that depends on

A training script, a plot or `if __name__ == "__main__"` is left out. A statement is kept if it binds or changes a name
that a kept statement reads: `TABLE[k] = ...`, `f.prime = ...`, `TABLE.append(...)`, also inside if, try, with and for.
"""

from __future__ import annotations

import ast
import builtins
import dis
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from nnlaw.spec.subjects.compiled import codes_in

_DEFINITION = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_LOOP = (ast.For, ast.AsyncFor, ast.While)
_IMPORT = (ast.Import, ast.ImportFrom)
_CHANGING_METHODS = {
    "append", "extend", "insert", "add", "update", "setdefault", "pop", "remove", "discard", "clear", "sort", "reverse",
    "register",
}  # fmt: skip
_MAKES_A_DEFINITION = {
    "partial", "vectorize", "frompyfunc", "namedtuple", "TypeVar", "NewType", "Enum", "make_dataclass",
    "frozenset", "set", "dict", "list", "tuple",
}  # fmt: skip


@dataclass
class _Effects:
    """What a statement does with the names of its module."""

    reads: set[str] = field(default_factory=set)  # at once or, in a function, when called
    binds: set[str] = field(default_factory=set)
    changes: set[str] = field(default_factory=set)  # by assigning to an attribute or item, or by a method
    rebinds_when_called: set[str] = field(default_factory=set)  # `global W` in a function
    changes_when_called: set[str] = field(default_factory=set)  # `Dense.backward = ...` in a function
    changes_arguments: set[int] = field(default_factory=set)  # positions of those that it changes


class Definitions:
    """The statements of a module at its top level, and what each of them reads, binds and changes."""

    def __init__(self, tree: ast.Module) -> None:
        self.statements = [part for statement in tree.body for part in _separate(statement)]
        self._effects: dict[ast.stmt, _Effects] = {}
        self._pruned: dict[tuple[ast.stmt, ...], ast.stmt] = {}  # by the original and the parts that are kept
        self._leaves = [leaf for statement in self.statements for leaf in _leaves(statement)]
        effects = [self.effects(leaf) for leaf in self._leaves]
        self.reads = set().union(*(row.reads for row in effects))
        self.bound = set().union(*(row.binds for row in effects))
        self._bound_outside_loops = set().union(
            *(row.binds for leaf, row in zip(self._leaves, effects, strict=True) if not isinstance(leaf, _LOOP))
        )
        self._simple = set(self._simple_values())
        self.functions = {
            leaf.name: self.effects(leaf) for leaf in self._leaves if isinstance(leaf, _DEFINITION[:2])
        }
        self._defined_names = set().union(*(self._defined(leaf) for leaf in self._leaves))

    def needed(self, names: Iterable[str] | None = None) -> list[ast.stmt]:
        """The statements that define `names`, or everything that the file defines, in order, without the rest."""
        everything = names is None
        reached = set(names or ())
        while True:
            kept = [part for statement in self.statements if (part := self._keep(statement, reached, everything))]
            missing = reached - set().union(*(self.effects(each).binds for each in kept)) - set(dir(builtins))
            kept += [part for part in self._last_resort(missing) if part not in kept]
            found = reached.union(*(self.effects(part).reads for part in kept))
            if everything:  # `f.prime = ...` changes f, which may be read by no other statement
                found |= {name for part in kept for leaf in _leaves(part) for name in self._defined(leaf)}
            if found == reached:
                return sorted(kept, key=lambda part: part.lineno)
            reached = found

    def names(self) -> list[str]:
        """The names that the file itself defines: classes, functions and values, in order."""
        found: dict[str, None] = {}
        for part in self.needed():
            for leaf in _leaves(part):
                if not isinstance(leaf, _IMPORT):
                    binds = sorted(self.effects(leaf).binds)
                    found.update(dict.fromkeys(name for name in binds if not name.startswith("__")))
        return list(found)

    def effects(self, statement: ast.stmt) -> _Effects:
        """What a statement reads, binds and changes."""
        if statement not in self._effects:
            self._effects[statement] = _effects(statement)
        return self._effects[statement]

    def changed_definitions(self, statement: ast.stmt) -> set[str]:
        """The classes and functions of the file that a statement changes, also by calling a function of the file."""
        if isinstance(statement, _DEFINITION):
            return set()
        found = set(self.effects(statement).changes)
        for node in _outside_functions(statement):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in self.functions:
                function = self.functions[node.func.id]
                found |= function.changes_when_called | function.rebinds_when_called
                for i in function.changes_arguments & set(range(len(node.args))):
                    found |= set(_root(node.args[i]))
        return found & self._defined_names

    def _defined(self, leaf: ast.stmt) -> set[str]:
        return self.effects(leaf).binds if isinstance(leaf, _DEFINITION) else set()

    def _keep(self, statement: ast.stmt, reached: set[str], everything: bool) -> ast.stmt | None:
        """The statement with only the parts that are needed, or None."""

        def prune(body: list[ast.stmt]) -> list[ast.stmt]:
            return [part for child in body if (part := self._keep(child, reached, everything))]

        if isinstance(statement, ast.If):
            body = [] if _is_main_guard(statement) else prune(statement.body)
            orelse = prune(statement.orelse)
            pruned: ast.stmt = ast.If(statement.test, body or [ast.Pass()], orelse)
            kept = (*body, *orelse)
            if not kept and self.changed_definitions(ast.copy_location(ast.Expr(statement.test), statement)) & reached:
                kept = (ast.Pass(),)
        elif isinstance(statement, ast.Try):
            body, orelse, final = prune(statement.body), prune(statement.orelse), prune(statement.finalbody)
            bodies = [prune(handler.body) for handler in statement.handlers]
            handlers = [
                ast.ExceptHandler(handler.type, handler.name, part or [ast.Raise()])  # the error is the reason then
                for handler, part in zip(statement.handlers, bodies, strict=True)
            ]
            # whether a handler runs depends on the body, so that is kept as well
            pruned = ast.Try(body or statement.body, handlers, orelse, final or ([] if handlers else [ast.Pass()]))
            kept = (*body, *orelse, *final, *(part for body in bodies for part in body))
        else:
            return statement if self._needed(statement, reached, everything) else None
        if not kept:
            return None
        pruned = ast.fix_missing_locations(ast.copy_location(pruned, statement))
        return self._pruned.setdefault((statement, *kept), pruned)

    def _needed(self, leaf: ast.stmt, reached: set[str], everything: bool) -> bool:
        """Whether a statement binds or changes a name that is reached, or defines something by itself."""
        effects = self.effects(leaf)
        if effects.changes & (reached | {"sys.path"}) or self.changed_definitions(leaf) & reached:
            return True
        binds = effects.binds
        if isinstance(leaf, _LOOP):  # a training loop binds what was bound before
            binds = binds - self._bound_outside_loops
        return bool(binds & reached) or (everything and self._defines(leaf))

    def _defines(self, leaf: ast.stmt) -> bool:
        """Whether the statement is a definition: it need not be read by another one to be kept."""
        if isinstance(leaf, _IMPORT):  # not one that only the skipped script reads
            binds = self.effects(leaf).binds
            return not binds or not binds & self.reads
        if isinstance(leaf, (*_LOOP, ast.With, ast.AsyncWith, ast.Match)):
            return any(isinstance(node, _DEFINITION) for node in ast.walk(leaf))
        return isinstance(leaf, _DEFINITION) or leaf in self._simple or _is_exec(leaf)

    def _simple_values(self) -> Iterator[ast.stmt]:
        """Assignments of constants, functions, classes, lambdas, and of values made of such alone."""
        found = {name for leaf in self._leaves if isinstance(leaf, _DEFINITION) for name in self.effects(leaf).binds}
        functions = set(found)
        found |= {name for leaf in self._leaves if isinstance(leaf, _IMPORT) for name in self.effects(leaf).binds}
        for leaf in self._leaves:
            if not isinstance(leaf, ast.Assign | ast.AnnAssign) or leaf.value is None:
                continue
            if _is_simple(leaf.value, found, functions):
                yield leaf
                found |= self.effects(leaf).binds
                if isinstance(leaf.value, ast.Lambda):
                    functions |= self.effects(leaf).binds

    def _last_resort(self, missing: set[str]) -> Iterator[ast.stmt]:
        """Statements of the main block, and calls of functions with `global`, that bind names bound nowhere else."""
        for statement in self.statements:
            if isinstance(statement, ast.If) and _is_main_guard(statement):
                for child in statement.body:
                    if isinstance(child, (*_IMPORT, ast.Assign, ast.AnnAssign)) and self.effects(child).binds & missing:
                        yield child
            elif isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
                called = statement.value.func
                function = self.functions.get(called.id) if isinstance(called, ast.Name) else None
                if function and function.rebinds_when_called & missing:
                    yield statement


def _is_exec(leaf: ast.stmt) -> bool:
    """Whether it is `exec(...)`, which may define anything."""
    return isinstance(leaf, ast.Expr) and isinstance(leaf.value, ast.Call) and ast.unparse(leaf.value.func) == "exec"


def _is_main_guard(statement: ast.If) -> bool:
    """Whether it is `if __name__ == "__main__"`, alone or with another condition."""
    tests = [node for node in ast.walk(statement.test) if isinstance(node, ast.Compare) and len(node.ops) == 1]
    return any("__name__" in ast.unparse(node) and isinstance(node.ops[0], ast.Eq) for node in tests)


def _separate(statement: ast.stmt) -> list[ast.stmt]:
    """`from a import b, c` as two statements, so that one missing name does not take the other with it."""
    if not isinstance(statement, _IMPORT):
        return [statement]
    if isinstance(statement, ast.ImportFrom) and statement.module == "__future__":
        return []
    parts: list[ast.stmt] = []
    for alias in statement.names:
        part: ast.stmt = ast.Import([alias])
        if isinstance(statement, ast.ImportFrom):
            part = ast.ImportFrom(statement.module, [alias], statement.level)
        parts.append(ast.copy_location(part, statement))
    return parts


def _leaves(statement: ast.stmt) -> Iterator[ast.stmt]:
    """The statements inside if and try, or the statement itself."""
    if isinstance(statement, ast.If | ast.Try):
        is_main = isinstance(statement, ast.If) and _is_main_guard(statement)
        bodies = [statement.orelse] if is_main else [statement.body, statement.orelse]
        if isinstance(statement, ast.Try):
            bodies += [statement.finalbody, *(handler.body for handler in statement.handlers)]
        for body in bodies:
            for child in body:
                yield from _leaves(child)
    else:
        yield statement


def _is_simple(value: ast.expr, names: set[str], functions: set[str]) -> bool:
    """Whether a value is made of constants, functions, classes and lambdas alone, so that it costs nothing."""
    if isinstance(value, ast.Lambda | ast.Constant):
        return True
    if isinstance(value, ast.Name):
        return value.id in names or hasattr(builtins, value.id)
    if isinstance(value, ast.Call):
        called = value.func.attr if isinstance(value.func, ast.Attribute) else getattr(value.func, "id", "")
        arguments = [*value.args, *(keyword.value for keyword in value.keywords)]
        return all(_is_simple(part, names, functions) for part in arguments) and (
            called in _MAKES_A_DEFINITION
            or any(isinstance(part, ast.Lambda) or getattr(part, "id", "") in functions for part in arguments)
        )
    if isinstance(value, ast.ListComp | ast.DictComp | ast.SetComp | ast.GeneratorExp | ast.Await):
        return False
    children = [child for child in ast.iter_child_nodes(value) if isinstance(child, ast.expr)]
    return all(_is_simple(child, names, functions) for child in children)


def _effects(statement: ast.stmt) -> _Effects:
    effects = _Effects()
    code = compile(ast.Module([statement], []), "", "exec", dont_inherit=True)
    star = isinstance(statement, ast.ImportFrom) and statement.names[0].name == "*"
    for instruction in () if star else dis.get_instructions(code):
        if instruction.opname in ("STORE_NAME", "STORE_GLOBAL") and not instruction.argval.startswith("__annot"):
            effects.binds.add(instruction.argval)
    for nested in codes_in(code):
        for instruction in dis.get_instructions(nested):
            if instruction.opname in ("LOAD_NAME", "LOAD_GLOBAL", "LOAD_FROM_DICT_OR_GLOBALS"):
                effects.reads.add(instruction.argval)
            elif instruction.opname == "STORE_GLOBAL" and nested is not code:
                effects.rebinds_when_called.add(instruction.argval)
    if isinstance(statement, _DEFINITION[:2]):
        arguments = [row.arg for row in (*statement.args.posonlyargs, *statement.args.args)]
        own = {name for nested in codes_in(code) for name in nested.co_varnames}
        changed = {name for part in statement.body for node in _outside_functions(part) for name in _changed(node)}
        effects.changes_when_called = changed - own
        effects.changes_arguments = {i for i, name in enumerate(arguments) if name in changed}
    elif not isinstance(statement, ast.ClassDef):
        for node in _outside_functions(statement):
            effects.changes |= set(_changed(node))
    return effects


def _outside_functions(node: ast.AST) -> Iterator[ast.AST]:
    yield node
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, (*_DEFINITION, ast.Lambda)):
            yield from _outside_functions(child)


def _changed(node: ast.AST) -> Iterator[str]:
    """The names that a node changes: the root of an attribute or item assigned to, or of a method such as append."""
    if isinstance(node, ast.Attribute | ast.Subscript) and isinstance(node.ctx, ast.Store | ast.Del):
        yield from _root(node)
    elif isinstance(node, ast.Call):
        if isinstance(node.func, ast.Attribute) and node.func.attr in _CHANGING_METHODS:
            yield from _root(node.func)
            if node.func.attr == "register":
                yield from (argument.id for argument in node.args if isinstance(argument, ast.Name))
        if isinstance(node.func, ast.Attribute) and node.func.attr in ("__setattr__", "__delattr__") and node.args:
            yield from _root(node.args[0])
        elif isinstance(node.func, ast.Lambda):
            yield from (argument.id for argument in node.args if isinstance(argument, ast.Name))
        elif isinstance(node.func, ast.Name) and node.args:
            if node.func.id in ("setattr", "delattr"):
                yield from _root(node.args[0])
            elif node.func.id.startswith("register"):
                yield from (argument.id for argument in node.args if isinstance(argument, ast.Name))


def _root(node: ast.expr) -> Iterator[str]:
    """The name at the root of `a.b[c].d`, and "sys.path" if it is that."""
    if ast.unparse(node).startswith("sys.path"):
        yield "sys.path"
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    if isinstance(node, ast.Name):
        yield node.id
