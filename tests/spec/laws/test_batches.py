"""Laws of batch samplers."""

from collections.abc import Callable, Iterator
from typing import Any

from nnlaw.spec import BatchesCase

Check = Callable[[Any, str], tuple[str, list[str]]]


def test_a_sample_missing_in_a_later_epoch_fails(check: Check) -> None:
    """One generator is used for several epochs."""

    def batches(x: Any, y: Any, batch_size: int, rng: Any) -> Iterator[tuple[Any, Any]]:
        first = not rng.bit_generator.seed_seq.n_children_spawned
        order = rng.spawn(1)[0].permutation(len(x))[0 if first else 1 :]
        for i in range(0, len(order), batch_size):
            yield x[order[i : i + batch_size]], y[order[i : i + batch_size]]

    assert check(BatchesCase("mine", batches), "once-per-epoch")[0] == "fail"


def test_a_wrong_label_of_the_first_sample_fails(check: Check) -> None:
    """Sample 0 is checked like any other."""

    def batches(x: Any, y: Any, batch_size: int, rng: Any) -> Iterator[tuple[Any, Any]]:
        wrong = y.copy()
        wrong[0] = (wrong[0] + 1) % (y.max() + 1)
        for i in range(0, len(x), batch_size):
            yield x[i : i + batch_size], wrong[i : i + batch_size]

    assert check(BatchesCase("mine", batches), "paired")[0] == "fail"
