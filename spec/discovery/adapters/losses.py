"""Losses: a function and its derivative, one function with a flag, one that returns both, or a class.

Which argument is the target, which numbers the loss takes (logits, probabilities, labels, one-hot rows) and in which
layout are worked out by trying. Value and gradient must agree in one of these scenarios, without any factor.
"""

from __future__ import annotations

import ast
import contextlib
import copy
import inspect
import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial, wraps
from numbers import Real
from pathlib import Path
from typing import Any, cast

import numpy as np

from nnlaw.spec.arrays import Array, is_finite
from nnlaw.spec.discovery.adapted_loss import (
    LINKS,
    TOTALS,
    AdaptedLoss,
    LossCode,
    Roles,
    describe,
    mask_of,
    signature_of,
)
from nnlaw.spec.discovery.adapters.activations import FLAGS
from nnlaw.spec.discovery.calls import Randomness, constructions
from nnlaw.spec.discovery.found import Found, Reading
from nnlaw.spec.discovery.function_unit import point_to
from nnlaw.spec.discovery.hints import hints
from nnlaw.spec.discovery.layer_methods import FORWARD, TARGETS, layer_methods
from nnlaw.spec.discovery.layouts import LAYOUTS, Layout
from nnlaw.spec.discovery.name_pairs import is_derivative_name, stems
from nnlaw.spec.discovery.nothing import class_location, is_base_class, is_empty
from nnlaw.spec.discovery.project_files import definitions_beside, files_beside, imports
from nnlaw.spec.discovery.recipes import recipe_of_loss
from nnlaw.spec.discovery.remarks import remarks_of_loss
from nnlaw.spec.discovery.scenarios import SCENARIOS, SEQUENCES, SINGLE_OUTPUTS, Scenario, with_outputs
from nnlaw.spec.discovery.scope import Scope, arguments_of, required_of
from nnlaw.spec.discovery.second_settings import (
    Changed,
    functions_with_other_texts,
    second_functions,
    second_instance,
    with_other_texts,
    with_settings,
)
from nnlaw.spec.discovery.slots import array_slots, attributes_of
from nnlaw.spec.discovery.source_text import nodes_of, source_text
from nnlaw.spec.subjects.cases import Case, LossCase
from nnlaw.spec.subjects.object_subject import subject_of
from nnlaw.spec.violation import Location

VALUES = (
    "calculate", "loss", "forward", "__call__", "call", "compute", "cost", "compute_loss", "calculate_loss",
    "calc_loss", "calc", "function", "func", "fn", "f", "evaluate", "loss_function", "cost_function", "error", "value",
    "forward_pass", "forward_propagation", "loss_fn", "get_loss", "compute_cost", "eval", "apply", "activation",
    "fprop", "feedforward", "feed_forward", "objective",
)  # fmt: skip
GRADIENTS = (
    "gradient", "grad", "backward", "derivative", "prime", "backward_pass", "backprop", "deriv", "loss_prime",
    "loss_derivative", "cost_derivative", "cost_prime", "delta", "dloss", "d_loss", "gradients", "backward_propagation",
    "first_derivative", "derive", "df", "d", "loss_gradient", "compute_gradient", "calculate_gradient", "error_prime",
    "compute_derivative", "loss_grad", "bprop", "backpropagation", "calc_gradient", "get_gradient", "error_derivative",
    "func_deriv", "f_prime", "derivate", "der", "diff", "dfunc", "loss_backward", "d_func", "calculate_derivative",
    "_backward", "backpropagate", "back_propagation", "back", "backwards",
)  # fmt: skip
PREDICTIONS = re.compile(
    r"^(y_?pred\w*|y_?hat|yhat|preds?|predictions?|predicted\w*|y_?p|p|out\w*|logits?|scores?|probs?|"
    r"probabilities|a|al|aL|a\d|a_?out|z|input_?\w*|inputs?|x|dvalues|h|y_?out|estimates?|o|yh|actual_?output|a_?last)$",
    re.I,
)
LOGITS = re.compile(r"^(z|logits?|scores?)$", re.I)
OTHER_TARGETS = re.compile(r"^(\w*true\w*|\w*target\w*|\w*label\w*|\w*expected\w*|\w*desired\w*|gt|ground\w*|actual|"
                           r"real\w*|y_?t|observed|ans\w*|one_?hot\w*|d_?true|correct\w*)$", re.I)  # fmt: skip
LOSS_WORDS = re.compile(
    r"loss|cost|error|entropy|mse|mae|bce|cce|rmse|hinge|huber|quadratic|square|kl_?div|objective|criterion|"
    r"likelihood|nll|log_?cosh|divergence|distance|cosine|rss|sse", re.I,
)  # fmt: skip
MASK = re.compile(r"^(\w*_)?masks?(_\w*)?$", re.I)
EPSILON = 1e-6
AGREES, WRONG_SHAPE = 1e-5, 1e3
BATCHES, SINGLE = ("rows", "columns"), ("one column", "one")
LABEL_OF_ALL = re.compile(r"\bargmax\(\s*([\w.]+\s*)?\)")
"""The label of one sample: that of a batch is taken along an axis."""
OF_OUTPUTS = ("real", "binary")
"""Targets of losses that may have a single output, (N, 1), which must not be taken for (N,)."""
OUTPUTS = range(2, 101)  # numbers of outputs that are tried if they occur in the code
MAX_READINGS = 3


def adapt(scope: Scope) -> Iterator[Found | None]:
    """The losses of the module."""
    links = links_in(scope)
    for name, kind in list(scope.classes.items()):
        if not is_base_class(kind):
            yield _of_data(name, kind, scope, links) or _class(name, kind, scope, links)
    yield from _functions(scope, links)


def _of_data(name: str, kind: type, scope: Scope, links: list[str]) -> Found | None:
    """A loss that is constructed with its data, `MSE(y, p).loss()`; None if it is not one."""
    taken = _with_data_in_calls(kind)
    found = _class(name, taken, scope, links) if taken is not kind else None
    if found is None or not found.readings:
        return None
    calls = [re.sub(r"\.(\w+)(\([^)]*\))", r"\2.\1()", row.calls, count=1) for row in found.readings]
    rows = zip(found.readings, calls, strict=True)
    return replace(found, readings=tuple(replace(row, calls=text) for row, text in rows))


def _with_data_in_calls(kind: Any) -> type:
    """The class; of a loss whose constructor takes prediction and target, its method for the value takes them."""
    rows = required_of(kind)
    named = any(LOSS_WORDS.search(each.__name__) for each in kind.__mro__[:-1])
    bare = [name for name in dir(kind) if has_method(kind, name) and not required_of(getattr(kind, name), bound=True)]
    value = next((name for name in VALUES if name in bare), "")
    slope = next((name for name in bare if name in GRADIENTS or re.search("grad|deriv", name, re.I)), "")
    if not named or len(rows) != 2 or not value or not slope or is_target(rows[0].name) == is_target(rows[1].name):
        return cast("type", kind)

    def loss(self: Any, *given: Any) -> Any:
        self.made = kind(*given)
        return getattr(self.made, value)()

    def gradient(self: Any) -> Any:
        return getattr(self.made, slope)()

    for function, name in ((loss, value), (gradient, slope)):
        function.__name__ = name
        point_to(function, getattr(kind, name))
    own = [inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD), *rows]
    vars(loss)["__signature__"] = inspect.Signature(own)
    methods = {value: loss, slope: gradient, "__init__": lambda self: None, "__module__": kind.__module__}
    return type(kind.__name__, (kind,), methods)


def links_in(scope: Scope) -> list[str]:
    """The functions from logits to predictions in the module whose derivative is left to the loss.

    They are functions without a derivative, classes without backward, and classes whose backward returns what it gets.
    """
    found = []
    for link in LINKS:
        classes = {n: k for n, k in scope.classes.items() if link in n.lower() and not LOSS_WORDS.search(n)}
        functions = [name for name in {**scope.functions, **scope.namespace} if link in name.lower()]
        derived = any(is_derivative_name(_last(one), _last(two)) for one in functions for two in functions)
        if classes and not any(passes_on(kind, scope) for kind in classes.values()):
            continue
        strings = link == "softmax" and re.search(r"['\"]softmax['\"]", source_text(scope.module))  # a setting
        if classes or strings or (functions and not (derived and link == "sigmoid")):
            found.append(link)
    return found


def is_used_with(scope: Scope, link: str) -> bool:
    """Whether another file of the project that imports the module, or is imported together with it, has softmax or
    sigmoid, which then may pass on the gradient; not if the module has a class of this name, which was compared.
    """
    path = Path(getattr(scope.module, "__file__", "") or "")
    if not path.is_file() or any(link in name.lower() for name in scope.everything if name in scope.classes):
        return False
    texts = files_beside(scope.module)
    users = [text for text in texts.values() if imports(text, path.stem)]
    return any(
        link in text.lower() and (imports(text, path.stem) or any(imports(user, file.stem) for user in users))
        for file, text in texts.items()
    )


def passes_on(kind: type, scope: Scope) -> bool:
    """Whether a class has no backward, or one that returns the gradient that it gets."""
    methods = layer_methods(kind)
    if methods is None:
        return True
    for made in constructions(kind, scope, limit=1):
        x = np.random.default_rng(0).standard_normal((5, 3))
        dy = x[::-1] + 1.0
        try:
            getattr(made.instance, methods[0])(x.copy())
            return np.array_equal(getattr(made.instance, methods[1])(dy.copy()), dy)
        except Exception:
            return False
    return False


def is_target(name: str) -> bool:
    """Whether an argument is a target, by its name."""
    return bool(TARGETS.match(name) or OTHER_TARGETS.match(name))


def roles_of(names: list[str], *, gradient: bool = False) -> list[Roles]:
    """What arguments may be, by their names: one possibility if these decide it, else both orders."""
    masks = [i for i, name in enumerate(names) if MASK.match(name)]
    if masks and len(names) > 2:
        rest = roles_of([name for name in names if not MASK.match(name)], gradient=gradient)
        return [(*roles[: masks[0]], "m", *roles[masks[0] :]) for roles in rest if len(masks) == 1]
    if len(names) == 0:
        return [()]
    if len(names) == 1:
        return [("t",)] if is_target(names[0]) else [("1",), ("p",), ("t",)]
    if len(names) == 2:
        first, second = (is_target(name) for name in names)
        if first != second:
            both = [("t", "p")] if first else [("p", "t")]
            own = names[1 if first else 0]
            others = ("o", *("z" for _ in LOGITS.findall(own))) if gradient else ()
            return both + [tuple(other if role == "p" else role for role in both[0]) for other in others]
        if first and second:  # (y, t), (y_true, target)
            short = [bool(re.fullmatch(r"y", name, re.I)) for name in names]
            if short[0] != short[1]:
                return [("p", "t")] if short[0] else [("t", "p")]
        return [("p", "t"), ("t", "p")]
    if len(names) == 3 and gradient:
        if names[0].lower() == "z":
            return [("z", "p", "t")]
        rest = roles_of(names[1:])
        return [("1", *roles) for roles in rest] + [(*roles, "1") for roles in roles_of(names[:2])]
    return []


def takes_targets(names: list[str]) -> bool:
    """Whether arguments may be predictions and targets, and perhaps a mask."""
    return len(names) == 2 or (len(names) == 3 and len(roles_of(names)) > 0)


def _class(name: str, kind: type, scope: Scope, links: list[str]) -> Found | None:
    """A class as a loss; None if it isn't one."""
    gradients = [method for method in GRADIENTS if has_method(kind, method)]
    gradients += [m for m in vars(kind) if m not in gradients and not m.startswith("__") and has_method(kind, m)
                  and any(is_derivative_name(m, value) for value in VALUES if value != "activation")]  # fmt: skip
    values = [method for method in VALUES if has_method(kind, method)]
    if not values:
        return None
    named = bool(LOSS_WORDS.search(name)) or any(LOSS_WORDS.search(base.__name__) for base in kind.__mro__[1:-1])
    if named and not gradients:  # get_grad_wrt_logits(pred, target)
        gradients = [m for m in vars(kind) if re.search("grad|deriv", m, re.I) and has_method(kind, m)]
    rows = [arguments_of(getattr(kind, value)) for value in values]
    if not named and not any(any(is_target(row.name) for row in row_list[1:]) for row_list in rows):
        return None
    if not gradients:
        return _pair_of_class(name, kind, values, scope, links) if named else None
    codes: list[LossCode] = []
    for made in constructions(kind, scope, limit=2):
        for value, gradient in itertools.product(values, gradients):
            if value == gradient:
                continue
            value_names = [row.name for row in signature_of(getattr(made.instance, value))]
            gradient_names = [row.name for row in signature_of(getattr(made.instance, gradient))]
            if not takes_targets(value_names) or len(gradient_names) > 3:
                continue
            if not named and not any(map(is_target, value_names)):
                continue
            codes += _codes(made.instance, value, value_names, gradient, gradient_names)
        if codes:
            break
    if not codes:
        return None
    style = f"class with {codes[0].value} and {codes[0].gradient}"
    network = _is_network(codes[0].thing)
    return found_of(name, style, class_location(kind), kind, codes, scope, links, named=named, network=network)


def _pair_of_class(name: str, kind: type, values: list[str], scope: Scope, links: list[str]) -> Found | None:
    """A class with a method that returns the loss and its gradient; None if it has no such method."""
    for made, value in itertools.product(constructions(kind, scope, limit=2), values):
        names = [row.name for row in signature_of(getattr(made.instance, value))]
        codes = [LossCode(made.instance, value, roles, None, ()) for roles in roles_of(names) if takes_targets(names)]
        codes = [code for code in codes if returns_pair(code)]
        if codes:
            style = f"class whose {value} returns the loss and its gradient"
            return found_of(name, style, class_location(kind), kind, codes, scope, links, named=True)
    return None


def _is_network(instance: Any) -> bool:
    """Whether it has weights, and a forward of one argument."""
    forwards = [getattr(instance, name) for name in FORWARD if has_method(type(instance), name)]
    weights = any(array.dtype.kind == "f" and array.ndim for _, array in array_slots(instance))
    return weights and any(len(required_of(method)) == 1 for method in forwards)


def has_method(kind: type, name: str) -> bool:
    """Whether a class has a method of this name that does something."""
    method = getattr(kind, name, None)
    return callable(method) and hasattr(method, "__code__") and not is_empty(method)


def _codes(
    thing: Any,
    value: str | Callable[..., Any],
    value_names: list[str],
    gradient: str | Callable[..., Any],
    gradient_names: list[str],
    flags: dict[str, Any] | None = None,
) -> Iterator[LossCode]:
    for roles in roles_of(value_names):
        for others in roles_of(gradient_names, gradient=True):
            ambiguous = len(roles_of(value_names)) > 1 and len(roles_of(gradient_names, gradient=True)) > 1
            if ambiguous and len(others) == 2 and roles != others and value_names == gradient_names:
                continue  # the same names are the same arguments
            yield LossCode(thing, value, roles, gradient, others, flags or {})


def _functions(scope: Scope, links: list[str]) -> Iterator[Found]:
    taken: set[str] = set()
    functions = dict(scope.functions)
    for name, function in functions.items():
        names = [row.name for row in signature_of(function)]
        flag = next((row.name for row in arguments_of(function) if FLAGS.match(row.name)), "")
        words = bool(LOSS_WORDS.search(name)) or any(map(is_target, names[1:] or names))
        if flag and len([one for one in names if one != flag]) == 2 and (words or LOSS_WORDS.search(name)):
            names = [one for one in names if one != flag]
            off = partial(function, **{flag: False})
            off.__name__, off.__code__ = function.__name__, function.__code__  # type: ignore[attr-defined]  # a partial has neither
            codes = list(_codes(None, off, names, function, names, {flag: True}))
            yield from _some(name, f"a function with a flag {flag}", function, codes, scope, links, (name,))
            continue
        if not takes_targets(names) or name in taken:
            continue
        partners = [
            other
            for other, candidate in functions.items()
            if other != name and _same_owner(name, other) and _is_derivative_of(other, name)
            and 2 <= len(signature_of(candidate)) <= 3
        ]  # fmt: skip
        for other in partners[:1]:
            gradient = functions[other]
            other_names = [row.name for row in signature_of(gradient)]
            codes = list(_codes(None, function, names, gradient, other_names))
            found = list(_some(name, f"functions {name} and {other}", function, codes, scope, links, (name, other)))
            taken.update((name, other) if found else ())
            yield from found
        if not partners and words:
            calls = [function, *with_objects(function, names)]
            codes = [LossCode(None, call, roles, None, ()) for call in calls for roles in roles_of(names)]
            codes = [code for code in codes if returns_pair(code)]
            of_objects = "" if not codes or codes[0].value is function else " of objects with arrays"
            style = f"a function{of_objects} that returns the loss and its gradient"
            found = list(_some(name, style, function, codes, scope, links, (name,)))
            taken.update((name,) if found else ())
            yield from found
    for name, function in functions.items():
        for value in losses_beside(scope, name) if name not in taken else ():
            value_names, names = ([row.name for row in signature_of(each)] for each in (value, function))
            codes = list(_codes(None, value, value_names, function, names)) if 2 <= len(names) <= 3 else []
            style = f"functions {value.__name__} of another file and {name}"
            yield from _some(name, style, function, codes, scope, links, (name,))


class WithArray:
    """An object with an array in one attribute; any other attribute is None."""

    def __init__(self, name: str, array: Array) -> None:
        setattr(self, name, array)

    def __getattr__(self, name: str) -> None:
        if name.startswith("__"):
            raise AttributeError(name)


def with_objects(function: Callable[..., Any], names: list[str]) -> list[Callable[..., Any]]:
    """The function of arrays instead of objects with arrays, such as pred.array, if it returns an object with a loss
    and a gradient; an empty list for any other.
    """
    nodes = [node for node in nodes_of(function) if isinstance(node, ast.Attribute) and ARRAY_NAME.match(node.attr)]
    reads = {node.value.id: node.attr for node in nodes if isinstance(node.value, ast.Name)}
    if not reads.keys() & {*names}:
        return []

    @wraps(function)
    def of_arrays(*arrays: Array) -> tuple[Any, Any]:
        rows = zip(names, arrays, strict=True)
        given = [WithArray(reads[name], array) if name in reads else array for name, array in rows]
        found = attributes_of(function(*given))
        gradients = [value for name, value in found.items() if re.search("grad", name, re.I)]
        losses = [value for value in found.values() if isinstance(value, Real)]
        return losses[0], gradients[0]

    point_to(of_arrays, function)
    return [of_arrays]


ARRAY_NAME = re.compile(r"^_?(array|arr|data|values?|val)$")


def _is_derivative_of(derivative: str, value: str) -> bool:
    """Whether the name is that of the derivative, or, in another class, the same."""
    own = _last(derivative), _last(value)
    return is_derivative_name(*own) or own[0] == own[1]


def _last(name: str) -> str:
    return name.rpartition(".")[2]


def _same_owner(first: str, second: str) -> bool:
    """Whether functions are those of one class, or the second is of a class of derivatives: Loss.mse, LossPrime.mse."""
    owners = [name.rpartition(".")[0] for name in (first, second)]
    return owners[0] == owners[1] or (all(owners) and is_derivative_name(owners[1], owners[0]))


def losses_beside(scope: Scope, derivative: str) -> list[Callable[..., Any]]:
    """The only function of two arguments in other files of the project whose derivative has this name, in a list."""
    if not LOSS_WORDS.search(derivative) or not stems(_last(derivative)):
        return []
    found: list[Callable[..., Any]] = []
    for name, thing in definitions_beside(scope.module, rf"^\s*(class|def)\s+\w*({LOSS_WORDS.pattern})").items():
        own = vars(thing) if inspect.isclass(thing) else {name: thing}
        functions = [each.__func__ if isinstance(each, staticmethod) else each for each in own.values()]
        functions = [each for each in functions if inspect.isfunction(each) and len(signature_of(each)) == 2]
        found += [each for each in functions if is_derivative_name(_last(derivative), each.__name__)]
    texts = "\n".join(files_beside(scope.module).values())
    is_only = len(found) == 1 and len(re.findall(rf"\bdef {found[0].__name__}\(", texts)) == 1
    return found if is_only else []


def returns_pair(code: LossCode) -> bool:
    """Whether a function returns a number and an array of the shape of the prediction."""
    for scenario in itertools.chain(SCENARIOS, *other_scenarios([code])):
        p, t = scenario.draw(np.random.default_rng(0), 5, 3)
        with contextlib.suppress(Exception), np.errstate(all="ignore"):  # it may return lists of unequal lengths
            values = {"p": p, "t": t, "m": mask_of(p)}
            found = code.call(copy.deepcopy(code.thing), "value", code.value_roles, values)
            if isinstance(found, tuple) and len(found) == 2 and (np.ndim(found[0]), np.shape(found[1])) == (0, p.shape):
                return True
    return False


def returns_number(code: LossCode) -> bool:
    """Whether the value is one number for a batch."""
    for scenario in (*SCENARIOS, *SEQUENCES):
        p, t = scenario.draw(np.random.default_rng(0), 5, 3)
        with contextlib.suppress(Exception), np.errstate(all="ignore"):
            values = {"p": p, "t": t, "m": mask_of(p)}
            found = code.call(copy.deepcopy(code.thing), "value", code.value_roles, values)
            return np.ndim(found[0] if code.gradient is None else found) == 0
    return False


def _some(
    name: str, style: str, function: Any, codes: list[LossCode], scope: Scope, links: list[str], names: tuple[str, ...]
) -> Iterator[Found]:
    """The Found of functions; nothing if they don't run, as other functions of two arguments don't."""
    if codes:
        named = bool(LOSS_WORDS.search(name))
        found = found_of(name, style, Location.of(function), function, codes, scope, links, named=named, names=names)
        if found is not None and (found.readings or named):
            yield found


def found_of(
    name: str, style: str, location: Location, thing: Any, codes: Iterable[LossCode], scope: Scope, links: list[str],
    *, named: bool, names: tuple[str, ...] = (), network: bool = False, scenarios: tuple[Scenario, ...] = SCENARIOS,
) -> Found | None:  # fmt: skip
    """The readings of a loss, those first whose gradient agrees with the value; None if it is not a loss.

    A gradient of another shape than the prediction is a mistake of a loss; that of a `network` is that of its weights.
    Code that takes no predictions (N, 3) is tried with other `scenarios`: see other_scenarios().
    """
    randomness, reading = Randomness.of(scope.module), partial(found_reading, name, style, location, thing, names=names)
    codes = list(codes)
    numbers = {code.value for code in codes if returns_number(code)}
    codes = [code for code in codes if not numbers or code.value in numbers or _is_named_after_value(code)]
    rows: list[tuple[float, AdaptedLoss]] = []
    error: Exception | None = None
    names_of: tuple[str, ...] = (*SINGLE, "one row") if _takes_one_sample(codes) else (*BATCHES, *SINGLE)
    names_of = {SEQUENCES: ("rows",), SINGLE_OUTPUTS: ("vector",)}.get(scenarios, names_of)
    for layout, code in itertools.product((LAYOUTS[row] for row in names_of), codes):
        if layout.single and rows and not rows[-1][1].layout.single:
            break
        for scenario in scenarios if hints().allows(layout) else ():
            if hints().targets not in ("", scenario.targets):
                continue
            try:
                with np.errstate(all="ignore"):
                    rows += _trials(code, scenario, layout, randomness, named)
            except Exception as caught:
                error = error or caught
            if rows and rows[-1][0] <= AGREES and scenario.domain == "real":
                return reading([_column_of(rows[-1], rows)])
    agreeing = [row for row in rows if row[0] <= AGREES]
    any_numbers = any(loss.scenario.domain == "real" and loss.smooth for _, loss in rows)
    if agreeing and not (any_numbers and agreeing[0][1].scenario.domain != "real"):
        return reading([_column_of(agreeing[0], rows)])
    if any_numbers:  # it takes any numbers, so probabilities are a special case that may hide a mistake
        rows = [row for row in rows if row[1].scenario.domain == "real"]
    rows = [row for row in rows if not network or row[0] < WRONG_SHAPE / 2]
    is_loss = named or any(isinstance(code.value, str) for code in codes)
    for others in other_scenarios(codes) if error and is_loss and not rows and scenarios is SCENARIOS else ():
        found = found_of(
            name, style, location, thing, codes, scope, links, named=named, names=names, network=network,
            scenarios=others,
        )  # fmt: skip
        if found is not None and found.readings:
            return found
    if not rows:
        if error is None or not named or network:
            return None
        reason = (
            f"found no predictions and targets that it takes ({type(error).__name__}: {error}); "
            f'name them: check({name}, targets="labels", layout="columns")'
        )
        return Found("loss", name, style, location, thing, reason=reason, names=names)
    rows.sort(key=lambda row: (row[1].layout.name != "rows", not row[1].is_multiple, row[0]))
    for link in links:
        if (together := _with_link(rows, link)) is not None:
            return reading([together], note=(
                f"convention: the gradient is that of {link} and loss together, by the logits; "
                f"the backward of {link} passes it on"
            ))  # fmt: skip
    for link in LINKS:
        together = _with_link(rows, link) if link not in links and is_used_with(scope, link) else None
        if together is not None:
            where = f"the gradient is that of {link} and loss together, and the {link} is in another file"
            return reading([together], missing={link: where})
    gradient = codes[0].gradient if isinstance(codes[0].gradient, str) else ""
    for link, (where, text) in itertools.product(
        LINKS, {f"the name {gradient}": gradient, "its docstring": docstrings_of(thing)}.items()
    ):
        linked = _with_link(rows, link, exact=False) if link[:5] in text.lower() else None
        if linked is not None:
            reason = f"{where} has the gradient of {link} and loss together; that {link} was not compared"
            return reading([linked], missing={link: reason})
    return reading(rows[:MAX_READINGS])


def other_scenarios(codes: Iterable[LossCode]) -> Iterator[tuple[Scenario, ...]]:
    """For losses that take no predictions (N, 3): other numbers of outputs, sequences, and one output per sample."""
    for count in output_counts(codes):
        yield with_outputs(count)
    yield from (SEQUENCES, SINGLE_OUTPUTS)


def _is_named_after_value(code: LossCode) -> bool:
    """Whether the gradient has the name of the value in its own, as loss_prime, beside a cost that is a mean."""
    return isinstance(code.value, str) and isinstance(code.gradient, str) and code.value in code.gradient


def output_counts(codes: Iterable[LossCode]) -> list[int]:
    """The numbers of outputs that losses may be written for: counts and lengths of attributes, numbers in the code."""
    found: list[int] = []
    for code in codes:
        for value in attributes_of(code.thing).values() if code.thing is not None else ():
            if isinstance(value, int | np.ndarray):
                found += [value] if isinstance(value, int) else list(value.shape) if value.ndim == 1 else []
        function = getattr(type(code.thing), code.value) if isinstance(code.value, str) else code.value
        constants = getattr(inspect.unwrap(function), "__code__", None)
        found += [value for value in (constants.co_consts if constants else ()) if type(value) is int]
    return [count for count in dict.fromkeys(found) if count in OUTPUTS]


def _with_outputs(loss: AdaptedLoss) -> tuple[AdaptedLoss, str]:
    """The loss, with its number of outputs if it takes only that one, and a note on it."""
    trials = [replace(loss.scenario, outputs=count) for count in (6, 3)]
    for scenario in trials if not loss.scenario.outputs else ():
        try:
            with np.errstate(all="ignore"):
                copy.deepcopy(loss).forward(*scenario.draw(np.random.default_rng(1), 4, 3))
        except Exception as error:
            raised = error
        else:
            if scenario is trials[0]:
                break
            note = f"compared with 3 outputs alone: with 6 it raises {type(raised).__name__}"
            return AdaptedLoss(loss.code, scenario, loss.layout, loss.randomness, loss.total, loss.link), note
    return loss, ""


def _takes_one_sample(codes: list[LossCode]) -> bool:
    """Whether the source of a loss takes a single label from a one-hot row, or the entry of the label from a row."""
    for code in codes:
        function = getattr(type(code.thing), code.value) if isinstance(code.value, str) else code.value
        text = source_text(function)
        rows = [row.name for row in required_of(function, bound=isinstance(code.value, str))]
        named = dict(zip(code.value_roles, rows, strict=False))
        entry = rf"\b{named.get('p')}\[{named.get('t')}\]"
        if LABEL_OF_ALL.search(text) or ({"p", "t"} <= set(named) and re.search(entry, text)):
            return True
    return False


def _column_of(row: tuple[float, AdaptedLoss], rows: list[tuple[float, AdaptedLoss]]) -> tuple[float, AdaptedLoss]:
    """The reading itself; of a loss that takes vectors (N,), that with columns (N, 1) if their values differ."""
    loss = row[1]
    for other in rows if loss.layout.name == "one" else ():
        found = other[1]
        if found.layout.name == "one column" and found.code is loss.code and found.scenario == loss.scenario:
            draw = loss.scenario.draw(np.random.default_rng(1), 5, 3)
            return other if found.broadcasts(*draw) else row
    return row


def docstrings_of(thing: Any) -> str:
    """The docstrings of a function, or of a class and its methods, in lower case."""
    things = [thing, *(value for value in getattr(thing, "__dict__", {}).values() if inspect.isfunction(value))]
    return " ".join(each.__doc__ or "" for each in things).lower()


def _trials(
    code: LossCode, scenario: Scenario, layout: Layout, randomness: Randomness, named: bool
) -> list[tuple[float, AdaptedLoss]]:
    """Value and gradient in one scenario: the largest difference relative to the largest slope."""
    links = tuple(LINKS) if "z" in code.gradient_roles else ("",)
    if links[0] and scenario.domain != "real":
        return []
    p, t = scenario.draw(np.random.default_rng(1), 5, 3)
    found = []
    for link in links:
        loss = AdaptedLoss(code, scenario, layout, randomness, link=link)
        if scenario.targets == "labels" and are_numbers(loss, p, t):
            continue
        value = np.asarray(loss.values(p, t)[0], np.float64)
        if not is_finite(value) or (value.ndim and not named and value.shape == p.shape):
            continue
        code_shape = layout.split(p)[0].shape
        known = {(), (1,), (1, 1), code_shape}
        if value.shape not in (known if layout.single else known | {(5,), (5, 1), (1, 5), p.shape[:-1]}):
            continue  # one number per output, or products of samples: such code takes one sample at a time
        for total in TOTALS if value.ndim and value.size > 1 else ("",):
            trial = AdaptedLoss(code, scenario, layout, randomness, total, link)
            found.append((mismatch(trial, p, t), trial))
    return [min(found, key=lambda row: row[0])] if any(np.isfinite(error) for error, _ in found) else []


def are_numbers(loss: AdaptedLoss, p: Array, labels: Array) -> bool:
    """Whether labels are numbers to the loss, which takes fractions as well, not indices or names of classes."""
    try:
        first, second = (loss.forward(p, labels + shift) for shift in (0.2, 0.4))
    except Exception:
        return False
    return bool(np.isfinite(first) and np.isfinite(second) and not np.isclose(first, second, rtol=1e-9))


def mismatch(loss: AdaptedLoss, p: Array, t: Array) -> float:
    """The largest difference of backward and central differences, relative to the largest slope; infinite if the value
    does not depend on the prediction.
    """
    point = np.array(p)
    loss.forward(point, t)
    slope = loss.backward()
    numeric = np.zeros(point.shape)
    for at in np.ndindex(*point.shape):
        old, values = point[at], []
        for h in (EPSILON, -EPSILON):
            point[at] = old + h
            values.append(loss.forward(point, t))
        point[at] = old
        numeric[at] = (values[0] - values[1]) / (2 * EPSILON)
    largest = float(np.abs(numeric).max())
    if not is_finite(numeric) or not largest > 1e-7:
        return np.inf
    loss.smooth = bool((np.abs(numeric) > 1e-9).all())
    if slope.size == 2 * p.size:
        return np.inf  # the slopes by both arguments: there is no target
    if slope.shape != p.shape:
        return WRONG_SHAPE
    if not is_finite(slope):
        return WRONG_SHAPE / 2
    multiple = float(np.vdot(slope, numeric) / np.vdot(numeric, numeric)) * numeric
    loss.is_multiple = bool(np.allclose(slope, multiple, rtol=0, atol=AGREES * np.abs(multiple).max()))
    off = np.abs(slope - numeric)
    return float((off / largest).max()) if (off > 1e-7).any() else 0.0


def _with_link(
    rows: list[tuple[float, AdaptedLoss]], link: str, *, exact: bool = True
) -> tuple[float, AdaptedLoss] | None:
    """The loss after softmax or sigmoid, if its gradient is that by the logits; or that times its number of entries."""
    for _, loss in rows:
        scenario = replace(loss.scenario, domain="real")
        if loss.link or (link == "softmax") != (loss.scenario.domain == "rows"):
            continue
        p, t = scenario.draw(np.random.default_rng(1), 5, 3)
        trial = AdaptedLoss(loss.code, scenario, loss.layout, loss.randomness, loss.total, link)
        try:
            with np.errstate(all="ignore"):
                error = mismatch(trial, p, t)
        except Exception:
            continue
        if error <= AGREES or (not exact and abs(error - (p.size - 1)) <= AGREES * p.size):
            return error, trial
    return None


def found_reading(
    name: str, style: str, location: Location, thing: Any, rows: list[tuple[float, AdaptedLoss]],
    names: tuple[str, ...], note: str = "", missing: Mapping[str, str] | None = None,
) -> Found:  # fmt: skip
    """The unit with a reading per loss; `note` is printed with each, and what is `missing` is not compared in any."""
    readings = []
    for loss, own in (_with_outputs(row[1]) for row in rows):
        draw = loss.scenario.draw(np.random.default_rng(1), 5, 3)
        notes = *filter(None, [note, own]), *remarks_of_loss(loss, *draw)
        compared = (f"prediction {draw[0].shape}",)
        masked = "m" in loss.code.value_roles and not loss.ignores_masked(*draw)
        lost = {"mask": "the loss depends on predictions that the mask leaves out"} if masked else {}
        for other, changed in _with_other_texts(loss) if not loss.link else ():
            text = f"the gradient is that of {other.link} and loss together; that {other.link} was not compared"
            lost |= {with_settings("", changed): text} if other.link else {}
        cases = partial(_cases, name, loss)
        readings.append(Reading(describe(loss.code, name, loss), cases, compared, lost | dict(missing or {}), notes))
    return Found("loss", name, style, location, thing, tuple(readings), names=names or (name,))


def _cases(name: str, loss: AdaptedLoss, seed: int) -> list[Case]:
    rng = np.random.default_rng((seed, 5))
    own = _last(name) if not loss.scenario.steps else ""  # definitions have no sequences
    found: list[Case] = [
        LossCase(
            name, subject_of(copy.deepcopy(loss)), *loss.scenario.draw(rng, *size), seed=seed, name=own,
            registered=False, recipe=recipe_of_loss(loss, name),
        )
        for size in ((5, 3), (4, 6))
    ]
    if not loss.layout.single and not loss.scenario.outputs and loss.scenario.targets in OF_OUTPUTS:
        with contextlib.suppress(Exception), np.errstate(all="ignore"):  # it may refuse a single output
            p, t = loss.scenario.draw(rng, 5, 1)
            if np.isfinite(loss.forward(p, t)):
                found.append(LossCase(
                    name, subject_of(copy.deepcopy(loss)), p, t, seed=seed, name=_last(name), registered=False
                ))  # fmt: skip
    with contextlib.suppress(Exception), np.errstate(all="ignore"):
        p, t = loss.scenario.draw(rng, 5, 3)
        second = second_loss(loss)
        if second is not None and np.isfinite(second[0].forward(p, t)):
            path = with_settings(name, second[1])
            found.append(LossCase(path, subject_of(second[0]), p, t, seed=seed, registered=False, is_second=True))
    ignored = _ignored_label(loss.code) if loss.scenario.targets == "labels" else None
    if ignored is not None:
        with contextlib.suppress(Exception), np.errstate(all="ignore"):  # it may have another meaning
            p, t = loss.scenario.draw(rng, 5, 3)
            t = np.where(np.arange(t.size).reshape(t.shape) % 3 == 1, ignored, t)
            if np.isfinite(loss.forward(p, t)):
                path, subject = with_settings(name, {"ignored label": ignored}), subject_of(copy.deepcopy(loss))
                found.append(LossCase(path, subject, p, t, seed=seed, registered=False, is_second=True))
    for other, changed in _with_other_texts(loss):
        with contextlib.suppress(Exception), np.errstate(all="ignore"):
            p, t = other.scenario.draw(rng, 5, 3)
            if np.isfinite(value := other.forward(p, t)) and value != loss.forward(p, t):
                path = with_settings(name, changed)
                found.append(LossCase(path, subject_of(other), p, t, seed=seed, registered=False, is_second=True))
    return found


def _with_other_texts(loss: AdaptedLoss) -> Iterator[tuple[AdaptedLoss, Changed]]:
    """The loss with each other text of a setting, such as reduction="sum", for predictions and targets that it takes.

    Another text may be the name of another loss, such as one of probabilities.
    """
    code = loss.code
    if code.thing is not None:
        codes = [(replace(code, thing=thing), changed) for thing, changed in with_other_texts(code.thing, {})]
    else:
        functions = [each for each in (code.value, code.gradient) if callable(each)]
        codes = [
            (replace(code, value=value, gradient=gradient[0] if gradient else None), changed)
            for (value, *gradient), changed in functions_with_other_texts(functions)
        ]
    for other, changed in codes:
        one = AdaptedLoss(other, loss.scenario, loss.layout, loss.randomness, loss.total, loss.link)
        yield _as_it_takes(one), changed


def _as_it_takes(loss: AdaptedLoss) -> AdaptedLoss:
    """The loss with the predictions and targets for which backward agrees, if it does not for its own.

    One that takes any numbers keeps them: others could hide a mistake. It may be one after softmax or sigmoid. If all
    disagree, it has the first ones for which it is finite.
    """
    own = _error_of(loss)
    if own <= AGREES or loss.link or (np.isfinite(own) and loss.smooth):
        return loss
    trials = [AdaptedLoss(loss.code, one, loss.layout, loss.randomness) for one in SCENARIOS]
    rows = [(error, trial) for trial in trials if np.isfinite(error := _error_of(trial))]
    linked = [found[1] for link in LINKS if (found := _with_link(rows, link)) is not None]
    agreeing = [trial for error, trial in rows if error <= AGREES]
    return next(iter([*agreeing, *linked, *(trial for _, trial in rows)]), loss)


def _error_of(loss: AdaptedLoss) -> float:
    """How far backward is from central differences; infinite if it can't be called."""
    with contextlib.suppress(Exception), np.errstate(all="ignore"):
        return mismatch(loss, *loss.scenario.draw(np.random.default_rng(1), 5, 3))
    return np.inf


IGNORED = re.compile(r"^_?(ignored?|pad(ding)?)_?(index|idx|token|id|value|label)?$", re.I)


def _ignored_label(code: LossCode) -> int | None:
    """The label of padding, which does not count: a number among the attributes or the defaults; None without one."""
    function = getattr(type(code.thing), code.value) if isinstance(code.value, str) else code.value
    numbers = attributes_of(code.thing) if code.thing is not None else {}
    numbers = numbers | {row.name: row.default for row in arguments_of(function)}
    return next((value for key, value in numbers.items() if IGNORED.match(key) and type(value) is int), None)


def second_loss(loss: AdaptedLoss) -> tuple[AdaptedLoss, Changed] | None:
    """The loss with second values of its settings, and these; None without one to change.

    Arrays of ones, such as weights of the classes, are settings, too.
    """
    code = loss.code
    changed: Changed
    if code.thing is not None:
        thing, changed = second_instance(code.thing, {}) or (copy.deepcopy(code.thing), {})
        changed = changed | _with_other_ones(thing)
        if not changed:
            return None
        code = replace(code, thing=thing)
    else:
        functions = [each for each in (code.value, code.gradient) if callable(each)]
        others = second_functions(functions)
        if others is None:
            return None
        (value, *gradient), changed = others
        code = replace(code, value=value, gradient=gradient[0] if gradient else None)
    return AdaptedLoss(code, loss.scenario, loss.layout, loss.randomness, loss.total, loss.link), changed


def _with_other_ones(thing: Any) -> dict[str, list[float]]:
    """Change the attributes that are arrays of ones; return their new values by name."""
    changed = {}
    for name, array in attributes_of(thing).items():
        is_float = isinstance(array, np.ndarray) and array.dtype.kind == "f"
        if is_float and array.size > 1 and (array == 1).all():
            changed[name] = np.linspace(0.5, 1.5, array.size).round(2)
            setattr(thing, name, changed[name].reshape(array.shape).astype(array.dtype))
    return {name: values.tolist() for name, values in changed.items()}
