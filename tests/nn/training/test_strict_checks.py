"""The checks before training."""

import numpy as np
import pytest

from nnlaw.nn.data.dataset import Dataset, split
from nnlaw.nn.training.strict_checks import BATCH, batch_of_every_class

pytestmark = pytest.mark.usefixtures("hasty")


@pytest.mark.parametrize("classes", [2, 26])
def test_the_batch_for_checks_has_every_class(classes: int) -> None:
    """Also with fewer images than it needs, and with more classes."""
    labels = np.arange(max(classes, 4)) % classes
    images = np.random.default_rng(0).integers(0, 255, (len(labels), 2, 2), dtype=np.uint8)
    parts = split(Dataset("made up", images, labels, images, labels), 0, np.random.default_rng(0))
    x, y = batch_of_every_class(parts)
    assert set(y) == set(labels) and len(x) == len(y) == max(classes, BATCH)
