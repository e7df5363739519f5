"""Utilities with a standard name: one-hot labels, clipped and numerical gradients, returns, positions, scaled features.

Each row of TOOLS has the pattern of its names, what its arguments are by their names, and the ways to call it: those
that run and give something of the expected form are its readings. Arguments of unknown meaning must have defaults.
"""

from __future__ import annotations

import contextlib
import inspect
import io
import itertools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from types import SimpleNamespace
from typing import Any, TypeGuard

import numpy as np

from nnlaw.spec.arrays import Array, is_finite
from nnlaw.spec.discovery.found import Found
from nnlaw.spec.discovery.function_unit import Function, FunctionUnit, found_functions, point_to
from nnlaw.spec.discovery.scope import Scope, parameters_of_call, required_of
from nnlaw.spec.discovery.slots import array_slots
from nnlaw.spec.discovery.source_text import nodes_of, source_text
from nnlaw.spec.reference.utilities import UTILITIES, smooth

Call = Callable[..., Any]
Inputs = dict[str, Any]
Form = Callable[[Call, Inputs], list[Any]]
"""A way to call a utility: it calls the author's code with roles as names, and returns the outputs as arrays."""

PREFIX = r"^_*((get|compute|calc(ulate)?|apply|make|create|build|generate|gen|do|to|my|np|numpy|eval(uate)?)_)*"
QUIET = re.compile(r"verbose|debug|print\w*|plot")


@dataclass(frozen=True)
class Tool:
    """How one utility is recognized and called.

    `roles` are what its arguments may be, with patterns of their names; the first argument that has no such name is
    `main`. Without an argument for the role `number`, it is a number of the source or of the module. An argument for
    an `optional` role may also be left out, if it has a default.
    """

    standard: str
    names: str
    roles: Mapping[str, str]
    forms: Sequence[Form]
    single: Form | None = None
    """A way to call it for one item after the other, if it runs in no other."""
    main: str = ""
    always: tuple[str, ...] = ()
    needed: tuple[str, ...] = ()
    number: str = ""
    optional: str = ""
    of_class: bool = False
    source: str = ""
    """A pattern that its source, or that of a function it calls, must have."""


def adapt(scope: Scope) -> Iterator[Found]:
    """The utilities of the module."""
    yield from found_functions(scope, _read)


def _read(name: str, thing: Any) -> FunctionUnit | None:
    low = re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()
    for tool in TOOLS:
        if inspect.isclass(thing) == tool.of_class and re.search(f"{PREFIX}({tool.names})$", low):
            roles = _roles(tool, thing)
            readings = [] if roles is None else [*_readings(tool, thing, roles)]
            if readings:
                calls = ", ".join(row.name for row in parameters_of_call(thing))
                return FunctionUnit("utility", tool.standard, readings, f"({calls})")
    return None


def _roles(tool: Tool, thing: Any) -> dict[str, inspect.Parameter] | None:
    """The argument of each role; None if another one is required, or a role that is needed is missing."""
    if tool.source and not any(re.search(tool.source, source_text(each)) for each in _with_called(thing)):
        return None
    found: dict[str, inspect.Parameter] = {}
    for row in parameters_of_call(thing):
        if row.kind in (row.VAR_POSITIONAL, row.VAR_KEYWORD):
            continue
        patterns = tool.roles.items()
        role = next((each for each, names in patterns if each not in found and re.fullmatch(names, row.name, re.I)), "")
        if not role and row.default is row.empty:
            role = tool.main if tool.main not in found else ""
        if not role and QUIET.fullmatch(row.name) and row.default is not row.empty:
            role = "verbose"
        if "base" in tool.roles and row.default in (1e4,) and not re.search("len|pos|seq|max|context", row.name):
            role = "base"
        if role:
            found[role] = row
        elif row.default is row.empty:
            return None
    return found if {*tool.needed} <= {*found} else None


def _with_called(thing: Any) -> list[Any]:
    """The function or class, and the functions of its module that it calls by their names."""
    names = {getattr(node, "id", "") for node in nodes_of(thing)}
    module = vars(inspect.getmodule(thing)) if inspect.getmodule(thing) else {}
    return [thing, *(module[name] for name in sorted(names & {*module}) if inspect.isfunction(module[name]))]


def _readings(tool: Tool, thing: Any, roles: Mapping[str, inspect.Parameter]) -> Iterator[list[Function]]:
    """The ways to call it that run, with and without the optional argument."""
    row = roles.get(tool.optional)
    choices = [roles]
    if row is not None and row.default is not row.empty:
        without = {role: each for role, each in roles.items() if role != tool.optional}
        choices = [roles, without] if row.default is None else [roles]
    numbers: list[Inputs] = [{}]
    if tool.number and tool.number not in roles:
        numbers = _numbers(tool, thing)
    for forms in (tool.forms, [tool.single] if tool.single else []):
        found = False
        for form, known in itertools.product(forms, numbers):
            functions = [_function(tool, thing, each, form, known) for each in choices]
            if all(map(partial(_runs, tool), functions)):
                found = True
                yield functions
        if found:
            return


def _numbers(tool: Tool, thing: Any) -> list[Inputs]:
    """The number that the role may have: a global of such a name that it uses, or the only one of the source.

    The number of classes may also follow from the labels, and without a global one the base is the usual one.
    """
    names = {getattr(node, "id", "") for each in _with_called(thing) for node in nodes_of(each)}
    module = vars(inspect.getmodule(thing)) if inspect.getmodule(thing) else {}
    found = [module.get(name) for name in sorted(names) if re.fullmatch(tool.roles[tool.number], name, re.I)]
    if tool.number != "base" and not any(map(_is_number, found)):
        found += [getattr(node, "value", None) for node in nodes_of(thing)]
    low, high = RANGES[tool.number]
    numbers = [{tool.number: each} for each in dict.fromkeys(filter(_is_number, found)) if low <= each < high]
    if tool.number in ("base", "classes"):
        return [*numbers, {}]
    return numbers if len(numbers) == 1 else []


RANGES = {"base": (2, 1e9), "classes": (5, 1001), "gamma": (0.01, 1), "limit": (1e-3, 1e6)}
"""Which numbers of the source may be that."""


def _is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _function(tool: Tool, thing: Any, roles: Mapping[str, inspect.Parameter], form: Form, known: Inputs) -> Function:
    """The protocol of a utility: its inputs by their roles, to arrays; known numbers are defaults of its signature."""
    names = {role: row.name for role, row in roles.items()}
    positional = {row.name for row in roles.values() if row.kind is row.POSITIONAL_ONLY}

    def call(**values: Any) -> Any:
        values["verbose"] = False
        given = {names[role]: value for role, value in values.items() if role in names}
        first = [given.pop(name) for name in names.values() if name in positional and name in given]
        with contextlib.redirect_stdout(io.StringIO()):
            return thing(*first, **given)

    def utility(**inputs: Any) -> Any:
        copies = {key: _copied(value) for key, value in {**known, **inputs}.items()}
        return [np.asarray(each, np.float64) for each in form(call, copies)]

    example = UTILITIES[tool.standard].examples[0]
    rows = [inspect.Parameter(role, inspect.Parameter.KEYWORD_ONLY)
            for role in example if (role in roles or role in tool.always) and role not in known]  # fmt: skip
    rows += [inspect.Parameter(role, inspect.Parameter.KEYWORD_ONLY, default=each) for role, each in known.items()]
    point_to(utility, getattr(thing, "transform", thing.__init__) if inspect.isclass(thing) else thing)
    vars(utility)["__signature__"] = inspect.Signature(rows)
    return utility


def _copied(value: Any) -> Any:
    return [each.copy() for each in value] if isinstance(value, list) else np.copy(value) if np.ndim(value) else value


def _runs(tool: Tool, function: Function) -> bool:
    """Whether it gives finite arrays of the expected form for each example."""
    row = UTILITIES[tool.standard]
    rows = inspect.signature(function).parameters.values()
    known = {each.name: each.default for each in rows if each.default is not each.empty}
    try:
        for example in row.examples:
            inputs = {each.name: example[each.name] for each in rows if each.default is each.empty}
            found = function(**inputs)
            if not all(map(is_finite, found)):
                return False
            shapes = [_shapes(variant(**inputs, **known)) for variant in row.variants]
            if tool.standard == "one_hot":
                count = len(inputs["labels"])
                shape, largest = found[0].shape, int(max(inputs["labels"]))
                if len(shape) != 2 or count not in shape or known.get("classes", count) not in shape:
                    return False
                if max(shape[0] if shape[1] == count else 0, shape[1] if shape[0] == count else 0) < largest:
                    return False  # of other classes, or of two only
            elif [each.shape for each in found] not in shapes:
                return False
    except Exception:
        return False
    return True


def _shapes(outputs: Any) -> list[tuple[int, ...]]:
    return [np.shape(each) for each in (outputs if isinstance(outputs, list) else [outputs])]

# ------------------------------------------------------------------------------------------------- one-hot labels


def _labels(change: Callable[[Array], Any]) -> Form:
    return lambda call, given: [call(**{**given, "labels": change(given["labels"])})]


def _each_label(call: Call, given: Inputs) -> list[Any]:
    """One call for each label. Raises ValueError if there are fewer classes."""
    rows = np.stack([np.ravel(call(**{**given, "labels": int(label)})) for label in given["labels"]])
    if rows.shape[1] <= max(given["labels"]):
        raise ValueError
    return [rows]


ONE_HOT = Tool(
    "one_hot",
    r"one_?hot(_?(encod\w*|labels?|vectors?|matrix|y|targets?|rows|classes))?|categorical"
    r"|(y|labels?|ind(ex|ices)|convert|encode)_?(to|2)?_?one_?hot",
    {"classes": r"c|k|n|n_\w+|\w*(class|categor|depth|vocab|size|dim|cols?|len|num)\w*"},
    (_labels(np.asarray), _labels(lambda y: y[:, None]), _labels(lambda y: y[None]), _labels(np.ndarray.tolist)),
    _each_label, main="labels", needed=("labels",), optional="classes", number="classes",
)  # fmt: skip

# ---------------------------------------------------------------------------------------------- clipped gradients


def _clipped(make: Callable[[list[Array]], Any], arrays_of: Callable[[Any], list[Array]]) -> Form:
    """Gradients that are returned, alone or with others, or changed in place."""

    def form(call: Call, given: Inputs) -> list[Any]:
        grads = make(given["grads"])
        returned = call(**{**given, "grads": grads, "low": -given["limit"]})
        for each in (returned, *(returned if isinstance(returned, tuple | list) else ())):
            with contextlib.suppress(Exception):
                if _shapes(arrays_of(each)) == _shapes(given["grads"]):
                    return arrays_of(each)
        return arrays_of(grads)

    return form


def _of_dict(keys: Sequence[str]) -> Form:
    return _clipped(lambda rows: dict(zip(keys, rows, strict=True)), lambda found: [found[key] for key in keys])


AS_LIST = _clipped(list, list)
AS_OBJECTS = _clipped(
    lambda rows: [SimpleNamespace(grad=each, data=np.zeros_like(each)) for each in rows],
    lambda found: [each.grad for each in found],
)


def _one_array(call: Call, given: Inputs) -> list[Any]:
    """One call for each array. Only where all are clipped alone is it what is expected."""
    rows = []
    for each in given["grads"]:
        returned = call(**{**given, "grads": each, "low": -given["limit"]})
        found = returned[0] if isinstance(returned, tuple | list) else returned
        rows.append(each if found is None else found)
    return rows


CLIP_ROLES = {
    "grads": r"(d|g|\w*grad\w*|params?|parameters|tensors?|values|arrays|x|arr\w*)",
    "low": r"(min|low|lower|clip_?min|min_\w+|a)",
    "limit": r"(max\w*|\w*(clip|limit|threshold|thresh|bound|norm)\w*|theta|c|m|b|v|value|high|upper)",
}
CLIP_FORMS = (AS_LIST, _of_dict(("W", "b")), AS_OBJECTS)
CLIP = Tool(
    "clip_gradients", r"clip(_all)?_?(grads?|gradients?)|(grads?|gradients?)_?clip(ping|ped|per)?", CLIP_ROLES,
    CLIP_FORMS, _one_array, main="grads", needed=("grads",), number="limit",
)  # fmt: skip

# -------------------------------------------------------------------------------------------- numerical gradients


def _differences(change: Callable[[Array], Array], *, pair: bool = False) -> Form:
    """f of the whole array, which it may also change in place; with `pair` f returns a gradient as well."""

    def form(call: Call, given: Inputs) -> list[Any]:
        x = np.ascontiguousarray(change(given["x"]))
        before = x.copy()

        def f(*args: Any, **others: Any) -> Any:
            values = smooth(np.asarray(args[0] if args else x, np.float64))
            if "df" in given:
                return values
            return (float(values.sum()), np.zeros_like(x)) if pair else float(values.sum())

        further = {"df": np.ascontiguousarray(change(given["df"]))} if "df" in given else {}
        found = call(**{**given, "x": x, "f": f, **further})
        found = found[0] if isinstance(found, tuple) else found
        found = np.asarray(found, np.float64)
        if found.shape != x.shape:
            raise ValueError
        shape = given["x"].shape
        return [found.reshape(shape), (x - before).reshape(shape)]

    return form


def _each_number(call: Call, given: Inputs) -> list[Any]:
    """f of one number, for each of them."""
    found = [float(call(**{**given, "x": float(x), "f": smooth})) for x in given["x"].ravel()]
    return [np.reshape(found, given["x"].shape), np.zeros_like(given["x"])]


NUMERICAL = Tool(
    "numerical_gradient",
    r"(num|numeric(al)?|finite_?diff\w*|approx\w*|empirical)_?(grad|gradients?|gradient_\w+)"
    r"(_(array|vector|nd|\dd|central|forward))?|(finite|central|forward)_?diff(erences?)?(_grad\w*)?"
    r"|gradient_?(numerical|approx\w*)",
    {
        "f": r"f|fn|func|function|fun|loss\w*|cost\w*|j|objective|forward",
        "h": r"h|eps\w*|delta|step\w*|dx",
        "df": r"df|d_?out|upstream\w*|dy|grad_output",
        "x": r"x|x0|theta|params?|parameters|w|weights?|point|inputs?|v",
    },
    (_differences(np.asarray), _differences(np.ravel), _differences(lambda x: x.reshape(-1, 1)),
     _differences(np.ravel, pair=True), _differences(lambda x: x.reshape(-1, 1), pair=True)),
    _each_number, needed=("f", "x"),
)  # fmt: skip

# -------------------------------------------------------------------------------------------- returns, advantages


def _rewards(change: Callable[[Array], Any], *, bootstrapped: bool = False) -> Form:
    """One episode after the other; with `bootstrapped` the values have one entry more, that of the last state."""

    def form(call: Call, given: Inputs) -> list[Any]:
        values = given.get("values")
        if values is not None and bootstrapped:
            values = np.append(values, given["last_value"])
        arrays = {key: change(value) for key, value in given.items() if np.ndim(value) == 1}
        given = {**given, **arrays, "low": 0} | ({"values": change(values)} if values is not None else {})
        found = call(**given)
        found = found[0] if isinstance(found, tuple) else found
        found = np.asarray(found, np.float64)
        return [found if found.ndim == 0 else found.ravel()]

    return form


REWARD_ROLES = {
    "gamma": r"(gamma|g|discount\w*|y|\w*(gamma|discount)\w*)",
    "lam": r"(lam\w*|lmbda|lambd|tau|\w*(lambda|lam))",
    "next_values": r"(next_v\w*|v\w*_next|values_next|next_state_values?)",
    "last_value": r"(last_v\w*|bootstrap\w*|final_v\w*|next_value|next_val|r_?end|last_val)",
    "rewards": r"(r|rs|rews?|\w*rewards?|reward_\w+|ep_r\w*)",
    "values": r"(v|vs|vals?|values?|v_\w+|state_values|baseline\w*|critic\w*)",
    "dones": r"(dones?|terminals?|terminated|is_?(done|terminal)\w*|done_\w+|terminations?)",
    "masks": r"(masks?|non_?terminals?|not_dones?|continues?)",
}
ROWS: tuple[Callable[[Array], Any], ...] = (np.asarray, np.ndarray.tolist, lambda x: x[:, None])


def _both_ends(rewards: Callable[[Callable[[Array], Any]], Form]) -> list[Form]:
    """With numbers and with truth values for the ends of episodes."""

    def with_booleans(form: Form) -> Form:
        return lambda call, given: form(call, {**given, "dones": given["dones"].astype(bool)})

    return [each for form in map(rewards, ROWS) for each in (form, with_booleans(form))]


RETURNS = Tool(
    "discounted_returns",
    r"discount(ed)?(_?and_?norm\w*)?(_?(rewards?|returns?|cum\w*|sums?))*|(monte_carlo_)?returns"
    r"|rewards?_?to_?go|norm\w*_discounted_rewards",
    REWARD_ROLES, [*map(_rewards, ROWS), _rewards(lambda x: [x.tolist()])], needed=("rewards",), number="gamma",
)  # fmt: skip
GAE = Tool(
    "gae", r"gae(_\w*)?|generali[sz]ed_?advantage\w*|advantages?(_gae)?|\w+_gae", REWARD_ROLES, _both_ends(_rewards),
    needed=("rewards", "values", "gamma", "lam"),
)  # fmt: skip

# ------------------------------------------------------------------------------------------- positional encodings


def _table(found: Any, given: Inputs) -> Array:
    """The table without axes of one, for the first positions. Raises ValueError if all positions are the same."""
    table = np.squeeze(np.asarray(found, np.float64))
    table = table[: given["length"]] if table.shape[-1] == given["dim"] else table[..., : given["length"]]
    if (table == table[:1]).all():
        raise ValueError
    return table


def _of_length(call: Call, given: Inputs) -> list[Any]:
    found = call(**given)
    return [_table(found[0] if isinstance(found, tuple) else found, given)]


def _of_positions(call: Call, given: Inputs) -> list[Any]:
    return [_table(call(**{**given, "length": np.arange(given["length"])}), given)]


def _of_each_position(call: Call, given: Inputs) -> list[Any]:
    return [np.stack([np.ravel(call(**{**given, "length": each})) for each in range(given["length"])])]


def _kept_table(call: Call, given: Inputs) -> list[Any]:
    """The array of a new instance that has the size of the table."""
    instance = call(**{**given, "dropout": 0.0})
    size = (given["length"], given["dim"])
    arrays = [array for _, array in array_slots(instance) if array.shape[-1:] == size[1:]]
    return [next(each for each in (_table(array, given) for array in arrays) if each.shape == size)]


def _by_method(argument: Callable[[int, int], Any]) -> Form:
    """What a method of a new instance adds to zeros, or returns for a length."""

    def form(call: Call, given: Inputs) -> list[Any]:
        instance = call(**{**given, "dropout": 0.0})
        methods = [getattr(instance, name) for name in POSITION_METHODS if callable(getattr(instance, name, None))]
        arguments = [argument(given["length"], given["dim"])] if required_of(methods[0]) else []
        return [_table(methods[0](*arguments), given)]

    return form


POSITION_METHODS = ("forward", "__call__", "encode", "encoding", "get", "add", "call", "apply", "generate")


POSITION_ROLES = {
    "base": r"(base|theta|\w*10000|scalar|max_?wave\w*|freq\w*|wave_?length\w*)",
    "dropout": r"(\w*drop\w*|p)",
    "dim": r"(d|\w*(dim|depth|d_?model|model|emb\w*|hidden|channels|features?|width)\w*|C|D)",
    "length": r"(\w*(len|pos|seq|tokens|context|steps|time|size|rows|max)\w*|t|T|L|n|k)",
}
POSITIONS = Tool(
    "positional_encoding",
    r"(sin\w*_)?pos(ition)?(al)?_?enc(od\w*)?(_table|_matrix|_sin\w*)?|sin\w*_?pos\w*|pos(ition)?(al)?_?embedd?ings?"
    r"|(sin\w*|position\w*)_?(encod\w*|embedd?ings?)(_table)?",
    POSITION_ROLES, (_of_length, _of_positions), _of_each_position, always=("length", "dim"),
    needed=("length", "dim"), number="base", source=r"\bsin\(",
)  # fmt: skip

POSITIONS_OF_CLASS = replace(
    POSITIONS, needed=("dim",), of_class=True, single=None,
    forms=(_by_method(lambda n, d: np.zeros((1, n, d))), _kept_table, _by_method(lambda n, d: np.zeros((n, 1, d))),
           _by_method(lambda n, d: np.zeros((n, d))), _by_method(lambda n, d: n)),
)  # fmt: skip

# ------------------------------------------------------------------------------------------------ scaled features


def _fit_and_transform(call: Call, given: Inputs) -> list[Any]:
    """Methods of instances: the test set and the training set transformed, and the test set back."""
    train, test = given["train"], given["test"]
    scaler = call()
    fitted = scaler.fit(train.copy())
    scaler = fitted if type(fitted) is type(scaler) else scaler
    moved = np.array(scaler.transform(test.copy()))
    both = getattr(call(), "fit_transform", None)
    own = np.array(both(train.copy()) if both is not None else scaler.transform(train.copy()))
    back = getattr(scaler, "inverse_transform", None)
    return [moved, own, back(moved.copy()) if back is not None else test]


def _scaled(call: Call, given: Inputs) -> list[Any]:
    found = call(**given)
    count = 2 if "test" in given else 1
    return list(found[:count]) if isinstance(found, tuple) else [found]


FEATURE_ROLES = {
    "train": r"(x|x_?tr\w*|\w*train\w*|data|features|arr\w*|a|values|matrix|dataset|inputs?)",
    "test": r"(x_?te\w*|\w*test\w*|x_?val\w*)",
}
FEATURES = Tool(
    "minmax_scale", r"min_?max_?(scal(e|ing)|normali[sz]e|normali[sz]ation|norm)", FEATURE_ROLES, (_scaled,),
    needed=("train",),
)  # fmt: skip
SCALER = Tool("minmax_scaler", r"min_?max_?(scal(er|ar)|normali[sz]er)", {}, (_fit_and_transform,),
              always=("train", "test"), of_class=True)  # fmt: skip

TOOLS = (
    ONE_HOT,
    replace(CLIP, standard="clip_by_value", names=r"(grad\w*_)?clip\w*_by_value|clip_grad\w*_value_?"),
    replace(CLIP, standard="clip_by_global_norm", names=r"(grad\w*_)?clip\w*_global_?norm\w*|global_norm_clip\w*",
            single=None),
    replace(CLIP, standard="clip_by_norm", names=r"(grad\w*_)?clip\w*_(norm|l2)\w*"),
    CLIP,
    NUMERICAL,
    RETURNS,
    GAE,
    replace(GAE, forms=_both_ends(partial(_rewards, bootstrapped=True)), always=("last_value",)),
    POSITIONS,
    POSITIONS_OF_CLASS,
    replace(SCALER, standard="standard_scaler",
            names=r"standard_?scal(er|ar)|standardi[sz]er|z_?score_?(scaler|normali[sz]er)"),
    SCALER,
    replace(FEATURES, standard="standardize",
            names=r"(feature_)?standardi[sz](e|ation)(_?(data|features?|x|dataset|columns))?|z_?score(_?normali[sz]\w*)?"),
    FEATURES,
)  # fmt: skip
