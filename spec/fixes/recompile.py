"""Change the functions of the code under test, and put the changed ones into a case.

    for source, mutation, variant in builder.variants():        # builder = VariantBuilder.of(case)
        builder.case_of(variant)                                # a case like the first
        with mutation.applied(): ...                            # the source contains it here alone
"""

from __future__ import annotations

import ast
import contextlib
import copy
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from nnlaw.spec.discovery.source import read_source
from nnlaw.spec.fixes.distance import expressions
from nnlaw.spec.fixes.mutate import Mutation, mutations
from nnlaw.spec.fixes.rules import TIERS, Operands
from nnlaw.spec.fixes.source_edits import function_at, smallest_edit
from nnlaw.spec.fixes.stores import Store, stores_of
from nnlaw.spec.subjects.cases import Case, FunctionCase, ModelCase, OptimizerCase
from nnlaw.spec.subjects.subject import SourceFunction, Subject
from nnlaw.spec.syntax import parse
from nnlaw.spec.violation import BadInput, Edit, together

MAX_TIER_OF_FORWARD = 1  # forward may store the wrong array for backward, but it computes what it should
MAX_TIER_OF_VALUE = 2  # of forward, if its value is wrong
SIMPLE = ("missing-square", "missing-call")
"""Changes of that tier that are tried in forward; with factors, shapes would have too many axes."""
STORED = {"layer": (1, True), "loss": (2, False)}
"""What a changed backward may use even if forward does not store it: how many arguments, whether the result."""


@dataclass
class VariantBuilder:
    """A case, if there is one, the subject under test, and its functions that have a source."""

    case: Case | None
    subject: Subject
    functions: list[SourceFunction]
    _storing: dict[str, Source | None] = field(default_factory=dict)
    """Forward as it stores more, by the text of the file."""

    @classmethod
    def of(cls, case: Case) -> VariantBuilder | None:
        """None if there is no source to change."""
        subject = _subject_of(case)
        functions = [f for f in subject.functions() if _is_as_on_disk(f)] if subject is not None else []
        return cls(case, subject, functions) if subject is not None and functions else None

    @classmethod
    def of_function(cls, function: Subject) -> VariantBuilder | None:
        """A function alone, without a case."""
        functions = [f for f in function.functions() if _is_as_on_disk(f)]
        return cls(None, function, functions) if functions else None

    @property
    def kind(self) -> str:
        """The kind of the unit."""
        return "function" if self.case is None else self.case.kind

    @cached_property
    def stores(self) -> list[Store]:
        """What forward could store besides; a change that uses it needs the store."""
        if self._forward is None or self.kind not in STORED:
            return []
        inputs, result = STORED[self.kind]
        return list(stores_of(self._forward, inputs=inputs, result=result))

    @property
    def _forward(self) -> SourceFunction | None:
        """The author's forward, if it is a method."""
        return next((f for f in self.functions if f.of_class and is_forward(f.name)), None)

    @cached_property
    def known(self) -> set[str]:
        """Expressions as the author writes them."""
        return set().union(*(expressions(source.tree) for source in self.sources()))

    def needed(self, source: Source, mutation: Mutation) -> list[Store]:
        """The stores that a change uses."""
        forward = self._forward
        if forward is None or source.path != forward.path or not self.stores:
            return []
        read = {node.attr for node in ast.walk(mutation.new) if isinstance(node, ast.Attribute)}
        return [store for store in self.stores if store.name in read]

    def variants(
        self,
        codes: Collection[str] = (),
        *,
        of_value: bool = False,
        may_be_at: Callable[[str, ast.AST], bool] = lambda function, node: True,
    ) -> Iterator[tuple[Source, Mutation, Subject]]:
        """Every change of every function, tier by tier, and the class or function with it.

        With `codes`, only changes of the first tier that correct these mistakes. Functions that compute the value alone
        are changed in the first tier, and forward in the first two; with `of_value`, in all and in three. Nodes of a
        function where the mistake can't be stay as they are.
        """
        sources = self.sources()
        trees = [source.tree for source in sources]
        streams = [
            _undone(
                mutations(
                    source.tree,
                    [*_operands(source.tree, trees), *self._storable(source.function)],
                    partial(may_be_at, source.tree.name),
                    [node for node in parse(source.function.text).body if isinstance(node, ast.FunctionDef)],
                )
            )
            for source in sources
        ]
        waiting = [next(stream, None) for stream in streams]
        for tier in range(len(TIERS) if not codes else 1):
            for i, (source, stream) in enumerate(zip(sources, streams, strict=True)):
                if is_forward(source.tree.name) and tier > (MAX_TIER_OF_VALUE if of_value else MAX_TIER_OF_FORWARD):
                    continue
                if source.function.of_value and tier and not of_value:
                    continue
                simple = of_value and is_forward(source.tree.name) and tier == MAX_TIER_OF_VALUE
                mutation = waiting[i]
                while mutation is not None and mutation.tier == tier:
                    is_tried = (not codes or mutation.code in codes) and (not simple or mutation.code in SIMPLE)
                    if is_tried and not self._is_of_other_size(mutation):
                        with contextlib.suppress(Exception):  # some changes do not compile
                            with mutation.applied():
                                variant = self.variant([source], self.needed(source, mutation))
                            yield source, mutation, variant
                    mutation = next(stream, None)
                waiting[i] = mutation

    def _is_of_other_size(self, mutation: Mutation) -> bool:
        """Whether it takes the length of a parameter, or of what is computed: that may be 1 by chance."""
        parent, new = mutation.parent, mutation.new
        if not isinstance(parent, ast.Call) or ast.unparse(parent.func) != "len":
            return False
        is_name = isinstance(new, ast.Name | ast.Attribute)
        return not is_name or (self.kind == "layer" and getattr(new, "attr", "") in self.subject.params)

    def sources(self) -> list[Source]:
        """The functions as trees, the likely methods first."""
        found = [Source.of(f) for f in self.functions]
        return [source for source in found if source is not None]

    def _storable(self, function: SourceFunction) -> list[ast.expr]:
        """What a change of a function may use if forward stores it."""
        tree = function_at(function.text, function.name, function.line)
        if tree is None or not function.of_class or function == self._forward:
            return []
        own = [argument.arg for argument in tree.args.args]
        return [store.expression for store in self.stores if store.array not in own]

    def variant(
        self, sources: Sequence[Source], stores: Sequence[Store] = (), tracer: Subject | None = None
    ) -> Subject:
        """The class or function in which these functions are as their trees are now, and forward has these stores."""
        trees = [source.tree for source in sources]
        if stores and self._forward is not None:
            text = together([store.edit for store in stores]).apply(self._forward.text)
            if text not in self._storing:
                self._storing[text] = Source.of(replace(self._forward, text=text))
            if (changed := self._storing[text]) is not None:
                trees.append(changed.tree)
        return self.subject.variant(trees, tracer)

    def case_of(self, variant: Subject) -> Case:
        """The case with its subject, and those that it makes, of another class."""
        case: Any = self.case
        if isinstance(case, FunctionCase) or case.kind == "function":
            own: dict[str, Any] = {"thing": variant}
        elif isinstance(case, OptimizerCase):
            own = {"make": lambda: case.make().copy(variant)}
        else:
            own = self._instance_of(variant)
        found: Case = replace(case, **own)
        return found

    def _instance_of(self, variant: Subject) -> dict[str, Any]:
        case: Any = self.case
        own = {name: getattr(case, name).copy() for name in ARRAYS if hasattr(case, name)}
        if isinstance(case, ModelCase):
            own["make"] = lambda rng: case.make(rng).copy(variant)
        return own | {case.kind: getattr(case, case.kind).copy(variant)}


@dataclass
class Source:
    """A function, and its tree, which may be changed."""

    function: SourceFunction
    tree: ast.FunctionDef

    @classmethod
    def of(cls, function: SourceFunction) -> Source | None:
        """None if it has no source, or a loop that might never end once it is changed."""
        try:
            tree = function_at(function.text, function.name, function.line)
        except SyntaxError:
            return None
        if tree is None or any(isinstance(node, ast.While) for node in ast.walk(tree)):
            return None
        return cls(function, _without_annotations(tree))

    @property
    def path(self) -> str:
        """The path of the file."""
        return self.function.path

    def edit(self) -> Edit | None:
        """The edit of the file that makes the function read as its tree does now."""
        original = function_at(self.function.text, self.tree.name, self.function.line)
        return smallest_edit(self.path, self.function.text, original, self.tree) if original else None


def _undone(changes: Iterator[Mutation]) -> Iterator[Mutation]:
    """The mutations of a tree, which contains none of them."""
    for mutation in changes:
        mutation.put(False)
        yield mutation


def is_forward(name: str) -> bool:
    """Whether a method of this name computes the output: forward, feed_forward, forward_pass, __call__."""
    return "forward" in name or name == "__call__"


def _is_as_on_disk(function: SourceFunction) -> bool:
    """Whether the text is that of the file, if there is one: edits are not made of text that the code sends."""
    path = Path(function.path)
    try:
        return not path.is_file() or read_source(path).text.rstrip("\n") == function.text.rstrip("\n")
    except BadInput:
        return False


def _without_annotations(tree: ast.FunctionDef) -> ast.FunctionDef:
    """The function without what is evaluated when it is defined."""
    tree.decorator_list = []
    tree.returns = None
    for argument in ast.walk(tree.args):
        if isinstance(argument, ast.arg):
            argument.annotation = None
    tree.args.defaults = [_none_at(d) for d in tree.args.defaults]  # the function's own are put back later
    tree.args.kw_defaults = [d and _none_at(d) for d in tree.args.kw_defaults]
    return tree


def _none_at(default: ast.expr) -> ast.expr:
    return ast.copy_location(ast.Constant(None), default)


def _operands(tree: ast.FunctionDef, trees: Sequence[ast.FunctionDef]) -> Operands:
    """What may be inserted into `tree`: its own names, entries and lengths, and the attributes of any function."""
    found: dict[str, ast.expr] = {}
    for each in (tree, *(other for other in trees if other is not tree)):
        called = {id(node.func) for node in ast.walk(each) if isinstance(node, ast.Call)}
        for node in ast.walk(each):
            text = ast.unparse(node) if isinstance(node, ast.expr) else ""
            of_self = text.startswith("self.") and "[" not in text.partition("self.params")[0]
            of_self = of_self or _is_complement(node) or _is_entry(node)
            if isinstance(node, ast.arg) and node.arg != "self" and each is tree:
                found.setdefault(node.arg, ast.Name(node.arg, ast.Load()))
            elif isinstance(node, ast.Constant):
                if type(node.value) in (int, float) and node.value not in USUAL_NUMBERS:
                    found.setdefault(text, node)
            elif id(node) in called or not (of_self or each is tree or _is_constant_name(node)) or text in found:
                continue
            elif isinstance(node, ast.Name) and node.id not in ("np", "self"):
                found[text] = ast.Name(node.id, ast.Load())
            elif isinstance(node, ast.Attribute | ast.Subscript) and (_is_entry(node) or (of_self and _is_array(node))):
                found[text] = _loaded(node)
            elif isinstance(node, ast.BinOp | ast.Subscript | ast.Call) and _may_be_inserted(node, text):
                found[text] = node
    return [copy.deepcopy(node) for node in found.values()]  # apart from the trees, which are changed


USUAL_NUMBERS = (0, 1, 2, 3, 0.5)
"""Numbers that are tried in place of others anyway."""


def _is_constant_name(node: ast.AST) -> bool:
    """Whether it is a name like ALPHA, as of a global number."""
    return isinstance(node, ast.Name) and node.id.isupper() and len(node.id) > 1


def _may_be_inserted(node: ast.BinOp | ast.Subscript | ast.Call, text: str) -> bool:
    return _is_complement(node) or _is_loaded(node) or (isinstance(node, ast.Call) and text.startswith("len("))


def _is_complement(node: ast.AST) -> bool:
    """Whether it is 1 − self.rate, of which backward may need the same."""
    if not (isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub) and isinstance(node.left, ast.Constant)):
        return False
    right = node.right
    of_self = isinstance(right, ast.Attribute) and isinstance(right.value, ast.Name) and right.value.id == "self"
    return of_self and node.left.value == 1


def _is_loaded(node: ast.AST) -> bool:
    return isinstance(getattr(node, "ctx", None), ast.Load)


def _is_array(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and node.attr not in ("params", "grads", "T")


def _is_entry(node: ast.AST) -> bool:
    """Whether it is self.cache["x"], an entry that another method may read."""
    owner = node.value if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant) else None
    return isinstance(owner, ast.Attribute) and ast.unparse(owner).startswith("self.") and owner.attr != "grads"


def _loaded(node: ast.Attribute | ast.Subscript) -> ast.expr:
    new = copy.copy(node)
    new.ctx = ast.Load()
    return new


def _subject_of(case: Any) -> Subject | None:
    """The subject under test: an instance or a function."""
    if isinstance(case, OptimizerCase):
        found: Subject = case.make()
        return found
    return next((getattr(case, name) for name in ("layer", "loss", "model", "thing") if hasattr(case, name)), None)


ARRAYS = ("x", "labels", "prediction", "target")  # copied, because a change may write into them
