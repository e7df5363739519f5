"""What drills of a trained network try things on: the network as a victim, and test images drawn at random."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nnlaw.nn.stress.attacks.attack_target import WHITE, Standardized
from nnlaw.nn.stress.scenario import Scene, Skip
from nnlaw.spec.arrays import Array


@dataclass(frozen=True)
class Subject:
    """A network, pictures (N, D) in [0, 1], their labels, and the pictures' height and width."""

    victim: Standardized
    x: Array
    labels: Array
    shape: tuple[int, int]
    classes: tuple[str, ...]

    def reads(self, x: Array) -> float:
        """The share of the pictures x that are read as the labels say."""
        return float((self.victim.probabilities(x).argmax(axis=1) == self.labels).mean())

    def read_as(self, x: Array) -> list[str]:
        """The classes that pictures are taken for."""
        return [self.classes[c] for c in self.victim.probabilities(x).argmax(axis=1)]

    def folded(self, x: Array) -> Array:
        """Rows of pixels as pictures (N, H, W)."""
        return x.reshape(-1, *self.shape)


def subject(scene: Scene, quick: int, full: int) -> Subject:
    """`quick` test images drawn at random, or `full` ones where time does not matter; as many as there are."""
    data = scene.split.dataset
    count = min(full if scene.full else quick, len(data.test_images))
    rows = np.sort(scene.rng.permutation(len(data.test_images))[:count])
    x = (data.test_images[rows].reshape(count, -1) / WHITE).astype(np.float32)
    reader = scene.reader
    victim = Standardized(reader.model, reader.mean, reader.deviation)
    height, width = data.test_images.shape[1:]
    return Subject(victim, x, scene.split.y_test[rows], (height, width), reader.classes)


def climbable(scene: Scene, quick: int, full: int) -> Subject:
    """The same; Skip where the model does not tell the gradient of its input."""
    found = subject(scene, quick, full)
    if not hasattr(found.victim.model, "input_gradient"):
        raise Skip("the model has no input_gradient(x, labels), so nothing can be climbed")
    return found
