"""Notice images of digits whose rows and columns are exchanged, as in files of EMNIST made by MATLAB.

    if looks_transposed(images, labels): images = images.transpose(0, 2, 1)

The mean image of each digit is compared, in all eight orientations, with that of the built-in digits.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

MEANS = Path(__file__).with_suffix(".json")  # the mean images of the built-in digits, 0 to 255
SIDE = 14  # pixels of a mean image
SAMPLE = 10_000  # images that are enough
FEWEST = 20  # images: fewer show nothing
CLOSE = 0.5  # correlation with the built-in digits; random images reach about 0.1
BETTER = 0.1  # than in any other orientation
Floats = NDArray[np.float64]


def looks_transposed(images: NDArray[np.uint8], labels: NDArray[Any]) -> bool:
    """True if images (N, H, H) of the digits 0 to 9, light on dark, look like digits only when transposed."""
    images, labels = images[:SAMPLE], labels[:SAMPLE]
    if images.shape[1] != images.shape[2] or images.shape[1] < SIDE or len(images) < FEWEST:
        return False
    found = np.unique(labels[labels < 10])
    means = mean_images(images, labels, found)
    built_in = _built_in()[found]
    upright, transposed = means, means.transpose(0, 2, 1)
    scores = [_correlation(np.rot90(way, k, (1, 2)), built_in) for way in (transposed, upright) for k in range(4)]
    return scores[0] > CLOSE and scores[0] > max(scores[1:]) + BETTER


def mean_images(images: NDArray[np.uint8], labels: NDArray[Any], classes: NDArray[Any]) -> Floats:
    """The mean image of each class, (N, H, H) -> (C, SIDE, SIDE)."""
    place = np.arange(images.shape[1]) * SIDE // images.shape[1]
    shrink = (place == np.arange(SIDE)[:, None]) / np.bincount(place)[:, None]
    return np.stack([shrink @ images[labels == each].mean(axis=0) @ shrink.T for each in classes])


def _correlation(one: Floats, other: Floats) -> float:
    """Of two stacks of images, each without the mean over the classes, which digits share."""
    one, other = one - one.mean(axis=0), other - other.mean(axis=0)
    size = float(np.sqrt((one**2).sum() * (other**2).sum()))
    return float((one * other).sum()) / size if size else 0.0


@cache
def _built_in() -> Floats:
    return np.array(json.loads(MEANS.read_text(encoding="utf-8")), np.float64).reshape(10, SIDE, SIDE)
