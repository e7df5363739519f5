"""Scenario: accuracy on corrupted images, fifteen corruptions in five severities each."""

from __future__ import annotations

import numpy as np

from nnlaw.nn.stress.image_grid import save_image_grid
from nnlaw.nn.stress.images.corruptions import CORRUPTIONS, SEVERITIES, SIDE, corrupt
from nnlaw.nn.stress.scenario import Context, Observation, Skip, scenario
from nnlaw.nn.stress.trained_network import trained_network
from nnlaw.spec.arrays import Array

FLOOR = 0.9  # of the clean accuracy, at severity 1 of the mild corruptions
MILD = ("shot noise", "impulse noise", "glass blur", "shear", "scale", "rotate", "translate")


@scenario(
    "corruptions",
    what="fifteen corruptions in five severities, as in MNIST-C",
    expected="images stay in [0, 1] and are reproducible from the seed, each severity is farther from the clean image "
    f"than the one before, and severity 1 of {', '.join(MILD)} keeps {FLOOR:.0%} of the accuracy",
)
def corruptions(context: Context) -> Observation:
    """Accuracy under the other corruptions, and at higher severities, is reported without a limit."""
    of = trained_network(context, 200, 2000)
    if of.shape != (SIDE, SIDE):
        raise Skip(f"images of {of.shape[0]}×{of.shape[1]} pixels; the severities are made for {SIDE}×{SIDE}")
    clean, images = of.accuracy(of.x), of.as_images(of.x)
    table: dict[str, list[float]] = {}
    faults: list[str] = []
    shown = []
    for name in CORRUPTIONS:
        found = [corrupt(name, images, severity, context.rng) for severity in SEVERITIES]
        table[name] = [of.accuracy(part.reshape(len(part), -1)) for part in found]
        faults += _faults(name, images, found, context.rng)
        shown.append(np.stack([part[0] for part in (images, *found)]))
    faults += [f"{name}: accuracy {table[name][0]:.1%}" for name in MILD if table[name][0] < FLOOR * clean]
    path = context.folder / "corruptions.png"
    save_image_grid(np.stack(shown), list(CORRUPTIONS), ["clean", *map(str, SEVERITIES)], path)
    errors = {name: 1 - float(np.mean(row)) for name, row in table.items()}
    worst = sorted(errors, key=lambda name: -errors[name])[:3]
    observed = f"accuracy {clean:.1%} clean, {1 - np.mean(list(errors.values())):.1%} over all; lowest: "
    observed += ", ".join(f"{name} ({1 - errors[name]:.1%})" for name in worst)
    observed += "".join(f"; {fault}" for fault in faults)
    relative = {name: error / (1 - clean) if clean < 1 else None for name, error in errors.items()}
    metrics = {"images": len(of.x), "clean": clean, "accuracy": table, "error_relative_to_clean": relative}
    return Observation(observed, not faults, metrics)


def _faults(name: str, clean: Array, found: list[Array], rng: np.random.Generator) -> list[str]:
    """Faults of one corruption itself."""
    faults = []
    if not all(part.shape == clean.shape and part.min() >= 0 and part.max() <= 1 for part in found):
        faults.append(f"{name}: pixels outside [0, 1]")
    if not np.array_equal(corrupt(name, clean, SEVERITIES[-1], rng), found[-1]):
        faults.append(f"{name}: not reproducible from the seed")
    distances = [float(np.sqrt(((part - clean) ** 2).sum(axis=(1, 2))).mean()) for part in found]
    if not all(one < two for one, two in zip([0.0, *distances], distances, strict=False)):
        faults.append(f"{name}: distances from the clean image do not grow: {', '.join(f'{d:.3g}' for d in distances)}")
    return faults
