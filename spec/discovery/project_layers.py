"""Dense layers of the project, for code that takes layers and for losses that leave a factor to them."""

from __future__ import annotations

from collections.abc import Iterator

from nnlaw.spec.discovery.calls import constructions
from nnlaw.spec.discovery.layer_attempts import best_of_forwards
from nnlaw.spec.discovery.layer_gradients import Attempt
from nnlaw.spec.discovery.layer_methods import layer_methods
from nnlaw.spec.discovery.optimizer_owners import LayerOwner
from nnlaw.spec.discovery.scope import Scope
from nnlaw.spec.discovery.stacks import DENSE, OTHER, layer_kinds

MAX_LAYERS = 2


def dense_layers(scope: Scope) -> Iterator[Attempt]:
    """The ways to call dense layers: those of the module or, without one, those of the files beside it."""
    kinds = [kind for name, kind in layer_kinds(scope) if DENSE.search(name) and not OTHER.search(name)]
    for kind in kinds[:MAX_LAYERS]:
        methods, made = layer_methods(kind), list(constructions(kind, scope, limit=1))
        attempt = best_of_forwards(made, methods, scope) if methods is not None and made else None
        if attempt is not None and attempt.layer is not None and not attempt.missing:
            yield attempt


def layer_owners(scope: Scope) -> Iterator[LayerOwner]:
    """Dense layers of weights and a bias that keep both gradients, for an optimizer."""
    for attempt in dense_layers(scope):
        plan, params = attempt.plan, attempt.layer.params if attempt.layer is not None else {}
        order = sorted(params, key=lambda name: -params[name].size)
        # the shapes that backward gives to gradients do not matter
        if len(order) == 2 and plan.after is None and all(plan.grads[name].where == "object" for name in order):
            places = tuple(plan.aliases[name] for name in order)
            yield LayerOwner(attempt.made.instance, places, tuple(plan.grads[name].slot for name in order))
