"""The methods of a class that are forward and backward of a layer, and what their arguments mean by their names."""

from __future__ import annotations

import inspect
import re
from functools import cache
from typing import Any

from nnlaw.spec.discovery.calls import FLAG_NAMES, RATE_NAMES, TEST_NAMES
from nnlaw.spec.discovery.hints import hints
from nnlaw.spec.discovery.nothing import BACKWARD_WORD, is_empty, names_gradient
from nnlaw.spec.discovery.scope import arguments_of, required_of
from nnlaw.spec.discovery.slots import attributes_of

FORWARD = (
    "forward", "forward_pass", "forward_propagation", "forward_prop", "forwardprop", "forward_propagate", "forwards",
    "_forward", "feedforward", "feed_forward", "fprop", "fp", "propagate", "fwd", "forward_batch", "__call__", "call",
    "feed", "apply", "compute", "activate", "run", "predict", "output",
)  # fmt: skip
BACKWARD = (
    "backward", "backward_pass", "backward_propagation", "backward_prop", "backprop", "back_prop", "bprop",
    "backpropagate", "back_propagate", "backpropagation", "back_propagation", "back_propogate", "backward_propagate",
    "backwards", "_backward", "_backwards", "bp", "back", "bwd", "backward_batch",
)  # fmt: skip
FORWARD_WORD = re.compile(r"forward|feed|fprop|fwd|_fp\b", re.I)
UPSTREAM = re.compile(
    r"^(upstream\w*|d_?out\w*|dy|d_?z|d_?a|delta\w*|grad_?out\w*|out\w*_?grad\w*|output_?err\w*)$", re.I
)
NEXT_WEIGHTS = re.compile(
    r"^(w|weights?|theta)_?(of_?)?(next|above|after)(_?layer)?$|^(next|above)_?(layer_?)?(w|weights?|theta)$", re.I
)
TARGETS = re.compile(r"^(y|t|targets?|labels?|y_?true|true|truth|y_?train|expected|desired|ys)$", re.I)
INCOMING = re.compile(
    r"^_?(d|g|dy|dout|d_?out(put)?s?|dvalues?|d[zahc]\d?(_\w+)?|dv|delta\w*|upstream\w*|\w*grad\w*|\w*err\w*|"
    r"d_?l_?d_?\w+|dl\w*|de_?d\w*|dx_?out|eta|loss(?!_?f)\w*|top_?diff|diff|dnext|d_?next|d_?prev|sensitivity|dvals?)$",
    re.I,
)
STORED_X = re.compile(
    r"^_?(x|inp?|inputs?\w*|x_?in|a_?prev|z_?prev|prev\w*|last_?input|h_?prev|data|images?|v)$", re.I
)
STORED_Y = re.compile(r"^_?(y|out|outputs?\w*|a|z|act\w*|h|result|forward_out\w*|last_?output|y_?hat)$", re.I)


COLLECTS = re.compile(r"_?(acc|add|store|save|sum|scale|norm)", re.I)
KEEPS = re.compile(r"(^|_)(save|store|keep|cache|retain|record|remember|memori[sz]e)(_|$)", re.I)
"""Names of arguments of a forward that keeps what backward needs only if they are true."""
OF_AUTOENCODER = re.compile(r"^_*(decode|reconstruct|compute_?(loss|cost)|loss|cost)", re.I)
SAMPLES = re.compile(r"^(m|(mini_?)?batch_?size|(n|num|number)_?(of_?)?(samples|examples|images))$", re.I)


def layer_methods(kind: type) -> tuple[str, str] | None:
    """The names of forward and backward of a class; None if one is missing, or if backward takes targets."""
    others = other_names(kind)
    forward = forward_methods(kind)
    backward_names = [*BACKWARD, *(name for name in others if BACKWARD_WORD.search(name))]
    backward = [name for name in backward_names if is_method(kind, name)] or [
        name for name in others if is_method(kind, name) and name not in forward[:1]
        and any(UPSTREAM.match(row.name) for row in required_of(getattr(kind, name), bound=True)[:1])
    ] or [
        name for name in others if is_method(kind, name) and names_gradient(name) and not COLLECTS.match(name)
        and _takes_slope(required_of(getattr(kind, name), bound=True))
    ]  # fmt: skip
    if not forward or not backward or takes_next_weights(kind):
        return None
    rows = arguments_of(getattr(kind, backward[0]), bound=True)
    names = [row.name for row in rows]
    targets = [name for name in names if TARGETS.match(name)]
    inputs = [row.name for row in required_of(getattr(kind, forward[0]), bound=True)]
    if any(TARGETS.match(name) for name in inputs[1:]):
        return None  # a loss, or a network that computes its loss
    if targets and not any(INCOMING.match(name) for name in names if name not in targets):
        return None  # a network
    if names[:1] == inputs[:1] and not INCOMING.match(names[0]) and any(OF_AUTOENCODER.search(name) for name in others):
        return None  # a network whose targets are its inputs
    return forward[0], backward[0]


def takes_next_weights(kind: type) -> bool:
    """Whether a backward takes the weights of the next layer: only the network with both can be checked."""
    names = [name for name in dir(kind) if BACKWARD_WORD.search(name) and is_method(kind, name)]
    return any(NEXT_WEIGHTS.match(row.name) for name in names for row in required_of(getattr(kind, name), bound=True))


def _takes_slope(rows: list[inspect.Parameter]) -> bool:
    """Whether a method gets a gradient, by the name of an argument, or because there are two: gradient(x, previous)."""
    return any(INCOMING.match(row.name) for row in rows) or len(rows) == 2


@cache
def other_names(kind: type) -> tuple[str, ...]:
    """The attributes of a class whose names are not those of forward and backward."""
    return tuple(name for name in dir(kind) if not name.startswith("__") and name not in (*FORWARD, *BACKWARD))


def forward_methods(kind: type) -> list[str]:
    """The methods with an input that may be a forward, by their names, the most likely first."""
    names = [*FORWARD, *(name for name in other_names(kind) if FORWARD_WORD.search(name))]
    return [name for name in names if is_method(kind, name) and required_of(getattr(kind, name), bound=True)]


@cache
def is_method(kind: type, name: str) -> bool:
    """Whether a class defines a method that does something."""
    method = inspect.getattr_static(kind, name, None)
    return inspect.isfunction(method) and not is_empty(method)


OPTIMIZER = re.compile(r"^_*(optimi[sz]er|opt)(_?instance)?_*$", re.I)


def mode_attribute(instance: Any) -> str:
    """The attribute that is true or false while an instance is in training; "" if there is none."""
    names = [name for name, value in attributes_of(instance).items() if isinstance(value, bool)]
    return next((name for pattern in (FLAG_NAMES, TEST_NAMES) for name in names if pattern.match(name)), "")


def mode_value(row: inspect.Parameter) -> list[Any]:
    """The value that means training, if an argument chooses the mode; else an empty list."""
    if FLAG_NAMES.match(row.name):
        return [True]
    if TEST_NAMES.match(row.name):
        return [False]
    return ["train"] if row.name == "mode" else []


def is_rate(name: str) -> bool:
    """Whether an argument is a learning rate, by its name."""
    if name == hints().learning_rate:
        return True
    return (bool(RATE_NAMES.match(name)) and name.lower() != "alpha") or name.lower() in ("alpha", "lr")
