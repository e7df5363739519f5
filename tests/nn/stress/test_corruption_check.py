"""Faults of a corruption itself are found."""

import numpy as np

from nnlaw.nn.stress.images.corruption_check import _faults


def test_faults_of_a_corruption() -> None:
    """Pixels out of range, not reproducible, not stronger with severity."""
    rng, x = np.random.default_rng(0), np.full((2, 28, 28), 0.5, np.float32)
    assert [fault.partition(" from")[0] for fault in _faults("fog", x, [x + 2, x, x, x, x], rng)] == [
        "fog: pixels outside [0, 1]",
        "fog: not reproducible",
        "fog: distances",
    ]
