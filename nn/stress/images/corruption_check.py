"""The drill of corrupted pictures: accuracy under fifteen kinds of damage, five severities each."""

from __future__ import annotations

import numpy as np

from nnlaw.nn.stress.image_grid import sheet
from nnlaw.nn.stress.images.corruptions import CORRUPTIONS, SEVERITIES, SIDE, corrupt
from nnlaw.nn.stress.scenario import Outcome, Scene, Skip, drill
from nnlaw.nn.stress.trained_network import subject
from nnlaw.spec.arrays import Array

FLOOR = 0.9  # of the clean accuracy, at severity 1 of MILD
MILD = ("shot noise", "impulse noise", "glass blur", "shear", "scale", "rotate", "translate")


@drill(
    "corruptions",
    what="fifteen kinds of damage in five severities, as in MNIST-C",
    expected="pictures stay in [0, 1] and are the same from the same seed, each severity lies farther from the clean "
    f"picture than the one before, and severity 1 of {', '.join(MILD)} leaves {FLOOR:.0%} of the accuracy",
)
def corruptions(scene: Scene) -> Outcome:
    """Nothing is promised of the other kinds at severity 1, nor of any at higher ones: their figures are reported."""
    of = subject(scene, 200, 2000)
    if of.shape != (SIDE, SIDE):
        raise Skip(f"pictures of {of.shape[0]}×{of.shape[1]} pixels, and the strengths are meant for {SIDE}×{SIDE}")
    clean, pictures = of.reads(of.x), of.folded(of.x)
    table: dict[str, list[float]] = {}
    faults: list[str] = []
    shown = []
    for name in CORRUPTIONS:
        found = [corrupt(name, pictures, severity, scene.rng) for severity in SEVERITIES]
        table[name] = [of.reads(part.reshape(len(part), -1)) for part in found]
        faults += _faults(name, pictures, found, scene.rng)
        shown.append(np.stack([part[0] for part in (pictures, *found)]))
    faults += [f"{name} reads {table[name][0]:.1%}" for name in MILD if table[name][0] < FLOOR * clean]
    sheet(np.stack(shown), list(CORRUPTIONS), ["clean", *map(str, SEVERITIES)], scene.folder / "corruptions.png")
    errors = {name: 1 - float(np.mean(row)) for name, row in table.items()}
    worst = sorted(errors, key=lambda name: -errors[name])[:3]
    observed = f"accuracy {clean:.1%} clean, {1 - np.mean(list(errors.values())):.1%} over all; least under "
    observed += ", ".join(f"{name} ({1 - errors[name]:.1%})" for name in worst)
    observed += "".join(f"; {fault}" for fault in faults)
    relative = {name: error / (1 - clean) if clean < 1 else None for name, error in errors.items()}
    figures = {"images": len(of.x), "clean": clean, "accuracy": table, "error_relative_to_clean": relative}
    return Outcome(observed, not faults, figures)


def _faults(name: str, clean: Array, found: list[Array], rng: np.random.Generator) -> list[str]:
    """What is wrong with one kind of damage itself."""
    faults = []
    if not all(part.shape == clean.shape and part.min() >= 0 and part.max() <= 1 for part in found):
        faults.append(f"{name} leaves [0, 1]")
    if not np.array_equal(corrupt(name, clean, SEVERITIES[-1], rng), found[-1]):
        faults.append(f"{name} differs from itself")
    far = [float(np.sqrt(((part - clean) ** 2).sum(axis=(1, 2))).mean()) for part in found]
    if not all(one < two for one, two in zip([0.0, *far], far, strict=False)):
        faults.append(f"{name} lies {', '.join(f'{d:.3g}' for d in far)} from the clean picture")
    return faults
