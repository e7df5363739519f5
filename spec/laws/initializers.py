"""The laws of an initializer: the moments that it claims, no two units alike, drawn from the generator handed in."""

from __future__ import annotations

from math import isfinite, sqrt

import numpy as np

from nnlaw.spec.arrays import Array, is_finite
from nnlaw.spec.contracts.claims import claim
from nnlaw.spec.law import law
from nnlaw.spec.laws._rng_checks import own_seed, seeded
from nnlaw.spec.reference import INITIALIZERS, Variance, standard
from nnlaw.spec.subjects.cases import InitializerCase
from nnlaw.spec.violation import BadInput, DoesNotApply, Violation

SHAPES = ((300, 40), (40, 300))  # wide and tall, so that swapped fans show
ERRORS = 5.0  # standard errors
FEW = 8  # so many different values are no random draw: zeros, the identity, ±1


def drawn(case: InitializerCase, shape: tuple[int, int], rng: np.random.Generator | None = None) -> Array:
    """The initial weights of this shape (fan_in, fan_out)."""
    return np.asarray(case(case.rng if rng is None else rng, shape, *shape))


@law(
    "shape",
    kind="initializer",
    family="shape",
    statement="What is returned has the shape asked for, and holds real numbers.",
)
def shape(case: InitializerCase) -> None:
    """Both rectangles, and a single unit."""
    for wanted in (*SHAPES, (12, 1), (1, 12)):
        found = drawn(case, wanted)
        if found.shape != wanted or found.dtype.kind not in "fiu":
            raise Violation(
                "shape",
                where=case.where,
                array="the weights",
                actual=f"{found.dtype} of shape {found.shape}",
                expected=f"real numbers of shape {wanted}",
                cause="rows and columns swapped" if found.shape == wanted[::-1] != wanted else "",
            )


@law(
    "finite",
    kind="initializer",
    family="output range",
    statement="No weight is nan or infinite.",
    rests_on=("shape",),
)
def finite(case: InitializerCase) -> None:
    """Both rectangles."""
    for wanted in SHAPES:
        if not is_finite(found := drawn(case, wanted).astype(np.float64)):
            raise Violation(
                "finite",
                where=case.where,
                array="the weights",
                actual=f"not finite in {int((~np.isfinite(found)).sum())} places",
                expected="finite numbers",
            )


@law(
    "seeded",
    kind="initializer",
    family="reproducibility",
    statement="The weights come from the generator handed in and from nothing else: same state, same bits.",
    rests_on=("finite",),
)
def seeded_by_rng(case: InitializerCase) -> None:
    """What is plainly no draw (few values, no claimed variance) may be the same for every generator."""
    wanted = SHAPES[0]
    one, two = seeded(lambda rng: drawn(case, wanted, rng), case.seed, where=case.where, array="the weights")
    if not np.array_equal(one, two) or len(np.unique(np.abs(one))) <= FEW:
        return
    longer = np.asarray(case(case.rng, (wanted[0], wanted[1] + 1), *wanted)).reshape(-1)
    stream = np.array_equal(longer[: one.size], one.reshape(-1))  # of the same numbers, whatever the shape
    if stream or claim(case.thing, "variance") is not None:
        raise own_seed("the weights", case.where)


@law(
    "symmetry",
    kind="initializer",
    family="convergence",
    statement="No two units start alike, unless a variance of 0 is claimed.",
    rests_on=("finite",),
)
def symmetry(case: InitializerCase) -> None:
    """Equal columns of W (fan_in, fan_out); single zero columns are excused, for sparse and identity matrices."""
    claimed = claim(case.thing, "variance")
    named = standard(case.thing, case.name, INITIALIZERS)
    if (claimed is not None and not any(claimed(*s) for s in SHAPES)) or named == "zeros":
        raise DoesNotApply("a variance of 0 is claimed: all units are meant to start alike")
    for wanted in SHAPES:
        weights = drawn(case, wanted)
        seen: dict[bytes, int] = {}
        for unit, column in enumerate(np.ascontiguousarray(weights.T)):
            twin = seen.setdefault(column.tobytes(), unit)
            if twin != unit and (column.any() or not weights.any()):
                raise Violation(
                    "symmetry",
                    where=case.where,
                    array="the weights",
                    actual=f"the same for units {twin} and {unit} of {wanted[1]}",
                    expected="no two units alike",
                    cause="units that start equal get equal gradients, and stay one unit forever",
                )


@law(
    "variance",
    kind="initializer",
    family="output range",
    statement="Mean 0 and the claimed variance, within five standard errors, on wide and on tall shapes.",
    rests_on=("finite",),
)
def variance(case: InitializerCase) -> None:
    """The standard errors are those of the sample, whatever its distribution; a fault shows in two draws of two."""
    claimed: Variance | None = claim(case.thing, "variance")
    if claimed is None:
        raise DoesNotApply("no variance is claimed")
    for wanted in SHAPES:
        if not (isfinite(claimed(*wanted)) and claimed(*wanted) >= 0):
            raise BadInput(f"{case.path}: variance{wanted} = {claimed(*wanted)}, expected a finite number, 0 or more")
        judge_variance("variance", case, wanted, claimed)


def judge_variance(code: str, case: InitializerCase, wanted: tuple[int, int], expected: Variance) -> None:
    """Raise Violation of law `code` where mean or variance are off in each of two draws of this shape."""
    draws = [drawn(case, wanted, np.random.default_rng([case.seed, i])).astype(np.float64) for i in range(2)]
    v = expected(*wanted)
    moments = [_off(weights, v) for weights in draws]
    if v and all(off_center for off_center, _ in moments):
        raise Violation(
            code,
            where=case.where,
            array=f"the mean of weights {wanted}",
            actual=f"{draws[0].mean():.4g}",
            expected="0 within five standard errors",
            cause="a draw that is not centered, such as rng.random for rng.uniform(-a, a)",
        )
    if all(off_scale for _, off_scale in moments):
        raise Violation(
            code,
            where=case.where,
            array=f"the variance of weights {wanted}",
            actual=f"{draws[0].var():.4g}",
            expected=f"{v:.4g} within five standard errors",
            cause=_cause(float(np.mean([weights.var() for weights in draws])), wanted, expected),
        )


def _off(weights: Array, v: float) -> tuple[bool, bool]:
    """Whether mean and variance lie more than five standard errors from 0 and v."""
    n, found = weights.size, float(weights.var())
    kurtosis = float(((weights - weights.mean()) ** 4).mean())
    roundoff = 1e-6 * max(v, found)
    return (
        abs(float(weights.mean())) > ERRORS * sqrt(found / n) + roundoff,
        abs(found - v) > ERRORS * sqrt(max(kurtosis - found**2, 0.0) / n) + roundoff,
    )


def _cause(found: float, wanted: tuple[int, int], expected: Variance) -> str:
    """Which usual mistake has this variance, within a twentieth."""
    v = expected(*wanted)
    for value, mistake in (
        (expected(*wanted[::-1]), "fan_in and fan_out are swapped"),
        (v / 3, "a uniform draw up to √v, where √(3v) is due"),
        (v**2, "the variance handed in as the deviation: its square root is missing"),
        (v / 2, "a factor 2 too few"),
        (2 * v, "a factor 2 too many"),
        (sqrt(v), "a square root too many"),
        (1.0, "a draw that is not scaled by the fans"),
        (0.7737 * v, "a normal truncated at two deviations, which is narrower than it was"),
    ):
        if abs(found - value) <= 0.05 * value:
            return mistake
    return ""
