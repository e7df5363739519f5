"""In every layer more than a tenth of the units must respond to the input.

Finds ReLUs whose input is negative for every sample, and saturated sigmoids: units that have no gradient.
"""

from __future__ import annotations

from nnlaw.spec.law import law
from nnlaw.spec.laws.model._shared import wrong_scale
from nnlaw.spec.subjects.cases import ModelCase
from nnlaw.spec.violation import Cause, Location, NotApplicable, Violation

MAX_DEAD = 0.9  # the largest share of constant units
DEAD = Cause(
    "dead-units",
    "often ReLUs whose input is always negative, after a step that was too long or with biases far below 0; lower the "
    "learning rate, or use leaky_relu",
)


@law(
    "live-units",
    kind="model",
    family="learning",
    statement="In every layer more than a tenth of the units must respond to the input.",
    why="A unit with the same output for every sample has no gradient and never recovers. A layer of such units passes "
    "nothing on, and the network learns the frequencies of the classes at best.",
    depends_on=("symmetry",),
)
def live_units(case: ModelCase) -> None:
    """The outputs of every hidden layer on the batch; a unit is dead if its output is the same for all samples.

    Fails if more than 90% of the units of a layer are dead.
    """
    model = case.fresh()
    if not model.has("activations"):
        raise NotApplicable("the model has no activations method")
    for path, output in model.call("activations", case.x).items():
        flat = output.reshape(len(output), -1)
        dead = float((flat == flat[0]).all(axis=0).mean())
        if dead > MAX_DEAD:
            scale = wrong_scale(case.fresh())
            cause = scale if scale is not None and scale.code == "small-initial-weights" else DEAD
            raise Violation(
                "live-units",
                location=Location(path, "forward"),
                array="the output",
                actual=f"constant in {dead:.0%} of its units over {len(flat)} samples",
                expected=f"at most {MAX_DEAD:.0%} constant units",
                cause=cause.text,
                cause_code=cause.code,
            )
