"""No layer is dead: more than a tenth of its units answer differently to different inputs."""

from __future__ import annotations

from nnlaw.spec.law import law
from nnlaw.spec.subjects.cases import ModelCase
from nnlaw.spec.violation import Location, NotApplicable, Violation

DEAD = 0.9  # more than this share of constant units and a layer hardly computes


@law(
    "live-units",
    kind="model",
    family="gradient",
    statement="No layer is dead: more than a tenth of its units answer differently to different inputs.",
    depends_on=("symmetry",),
)
def live_units(case: ModelCase) -> None:
    """A unit whose output is the same for every sample is dead: no gradient revives it."""
    model = case.fresh()
    if not hasattr(model, "activations"):
        raise NotApplicable("the model does not show its activations")
    for path, output in model.activations(case.x).items():
        flat = output.reshape(len(output), -1)
        dead = float((flat == flat[0]).all(axis=0).mean())
        if dead > DEAD:
            raise Violation(
                "live-units",
                location=Location(path, "forward"),
                array="the output",
                actual=f"constant in {dead:.0%} of its units over {len(flat)} samples",
                expected=f"at most {DEAD:.0%} dead units",
                cause="ReLUs that never answer: after a step that was too long, or with biases far below zero; lower "
                "the learning rate, or use leaky_relu",
            )
