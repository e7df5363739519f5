"""spec/gradcheck/in_step.py: measurements that are evaluated together."""

from collections.abc import Sequence

from nnlaw.spec.gradcheck.in_step import Measuring, changed, evaluated, in_step


def total(*steps: Sequence[float]) -> Measuring[float, float]:
    """The sum of the values at the points of each step."""
    found = 0.0
    for points in steps:
        found += sum((yield points))
    return found


def test_each_returns_what_it_returns_alone() -> None:
    """Measurements of one, two, three and no steps; all take each step together."""
    requests: list[list[float]] = []

    def squares(points: Sequence[float]) -> list[float]:
        requests.append(list(points))
        return [point**2 for point in points]

    steps = [([1.0, 2.0], [3.0]), (), ([4.0],), ([5.0], [6.0, 7.0], [8.0])]
    alone = [evaluated(total(*each), squares) for each in steps]
    requests.clear()
    assert evaluated(in_step([total(*each) for each in steps]), squares) == alone == [14.0, 0.0, 16.0, 174.0]
    assert requests == [[1.0, 2.0, 4.0, 5.0], [3.0, 6.0, 7.0], [8.0]]


def test_without_measurements_nothing_is_evaluated() -> None:
    """The result is empty."""
    assert evaluated(in_step(list[Measuring[float, float]]()), lambda points: []) == []


def test_points_can_be_changed() -> None:
    """The measurement gets the values at the changed points."""
    assert evaluated(changed(total([1.0, 2.0], [3.0]), lambda point: -point), list) == -6.0
