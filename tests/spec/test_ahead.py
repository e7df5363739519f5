"""spec/fixes/ahead.py: first calls are begun before the results of those before them are read."""

from typing import Any

from nnlaw.spec.fixes.ahead import AHEAD, ahead


def test_calls_of_the_next_variants_are_begun() -> None:
    """AHEAD of them, in order; each variant comes with what was begun for it, and the last ones are not lost."""
    begun: list[int] = []

    def start(variant: Any) -> str:
        begun.append(variant)
        return f"call of {variant}"

    rows: Any = ((None, None, i) for i in range(20))
    for i, (_, _, variant, started) in enumerate(ahead(rows, start)):
        assert (variant, started) == (i, f"call of {i}")
        assert begun == list(range(min(20, i + AHEAD + 1)))
    assert i == 19
