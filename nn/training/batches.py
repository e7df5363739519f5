"""The batches of one epoch, and how many there are."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import numpy as np

from nnlaw.nn.core.rng import stream
from nnlaw.nn.core.settings import Settings
from nnlaw.nn.data.dataset import Split
from nnlaw.nn.plugins.plugin_string import choose
from nnlaw.spec.arrays import Array
from nnlaw.spec.violation import BadInput


def sample_batches(settings: Settings, split: Split, epoch: int) -> Iterator[tuple[Array, Array]]:
    """Pairs of images and labels from the chosen batch sampler, with a generator of this epoch's own."""
    rng = stream(np.random.SeedSequence(settings.seed), "shuffle", epoch)
    sampler = choose("batches", settings.batches).make()
    batches: Iterator[tuple[Array, Array]] = sampler(split.x_train, split.y_train, settings.batch_size, rng)
    return batches


def count_batches(settings: Settings, split: Split) -> int:
    """The number of batches in the first epoch. Raises BadInput if there is none, or more than there are images."""
    images = len(split.x_train)
    count = sum(1 for _ in islice(sample_batches(settings, split, 1), images + 1))
    if not 0 < count <= images:
        found = "no batch" if not count else "more batches than images"
        raise BadInput(f"batches {settings.batches!r}: {found}, expected from 1 to {images:,} in an epoch")
    return count
