"""The laws of prepared data: finite, standardized on the training split alone, labeled once, never tested on itself."""

from __future__ import annotations

import numpy as np

from nnlaw.spec.arrays import Array, first_index, is_finite
from nnlaw.spec.law import law
from nnlaw.spec.subjects.cases import DataCase
from nnlaw.spec.violation import DoesNotApply, Violation, Where

CLOSE = 1e-3  # how near mean 0 and deviation 1 the training split must lie


@law("finite", kind="data", family="output range", statement="No input is nan or infinite.")
def finite(case: DataCase) -> None:
    """One dot product over the training inputs."""
    if not is_finite(case.x):
        at = first_index(~np.isfinite(case.x))
        raise Violation(
            "finite", where=Where(case.path), array="x", index=at, actual=f"{case.x[at]}", expected="a finite number"
        )


@law(
    "range",
    kind="data",
    family="output range",
    statement="Training inputs have mean 0 and deviation 1.",
    rests_on=("finite",),
)
def standardized(case: DataCase) -> None:
    """One mean and one deviation over all pixels of the training split."""
    mean = float(case.x.mean(dtype=np.float64))
    squares = sum(float(np.vdot(part, part)) for part in (case.x[i : i + 64] for i in range(0, len(case.x), 64)))
    deviation = float(np.sqrt(squares / case.x.size - mean**2))  # in parts: float32 sums lose what is small
    for name, found, wanted in (("mean", mean, 0.0), ("deviation", deviation, 1.0)):
        if not abs(found - wanted) <= CLOSE:
            raise Violation(
                "range",
                where=Where(case.path),
                array=f"the {name} of the training inputs",
                actual=f"{found:.4g}",
                expected=f"{wanted:g} within {CLOSE:g}",
                cause="no standardization, or one fitted on other images than the training split",
            )


@law("domain", kind="data", family="domain", statement="Labels are integers in [0, C), and every class is trained on.")
def labels(case: DataCase) -> None:
    """Every split's labels; the classes of the training split."""
    for name, found in case.labels.items():
        wrong = (found < 0) | (found >= case.classes) | (found != np.floor(found))
        if wrong.any():
            at = first_index(wrong)
            raise Violation(
                "domain",
                where=Where(case.path),
                array=f"{name} labels",
                index=at,
                actual=str(found[at]),
                expected=f"an integer in [0, {case.classes})",
            )
    absent = sorted(set(range(case.classes)) - set(np.unique(case.labels["training"]).tolist()))
    if absent:
        raise Violation(
            "domain",
            where=Where(case.path),
            array=f"class {absent[0]}",
            actual="absent from the training split",
            expected="at least one image of each class",
        )


@law(
    "disjoint",
    kind="data",
    family="reproducibility",
    statement="No test image stands among the training images.",
)
def disjoint(case: DataCase) -> None:
    """Compare 64-bit fingerprints of all images, then, where two agree, the images themselves."""
    train, test = case.images["training"], case.images["test"]
    known = {int(print_): i for i, print_ in enumerate(_fingerprints(train))}
    for i, print_ in enumerate(_fingerprints(test)):
        twin = known.get(int(print_))
        if twin is not None and np.array_equal(train[twin], test[i]):
            raise Violation(
                "disjoint",
                where=Where(case.path),
                array="test image",
                index=(i,),
                actual=f"the same as training image {twin}",
                expected="an image that was never trained on",
                cause="test data leaked into the training set: the test accuracy would flatter",
            )


@law(
    "one-label",
    kind="data",
    family="domain",
    statement="No image stands in the training set under two labels.",
    rests_on=("domain",),
)
def one_label(case: DataCase) -> None:
    """Images of one 64-bit fingerprint under several labels, then the images themselves."""
    images, labels = case.images["training"], case.given
    if labels is None:
        raise DoesNotApply("the labels of the images are not given")
    found: dict[int, int] = {}
    for i, print_ in enumerate(_fingerprints(images)):
        twin = found.setdefault(int(print_), i)
        if labels[i] != labels[twin] and np.array_equal(images[i], images[twin]):
            raise Violation(
                "one-label",
                where=Where(case.path),
                array="training image",
                index=(i,),
                actual=f"labeled {labels[i]}, and {labels[twin]} where it stands as training image {twin}",
                expected="one label an image",
                cause="labels that do not match their images, or a picture that was labeled twice",
            )


def _fingerprints(images: Array) -> Array:
    """One 64-bit number per image: a random linear form of its bytes, modulo 2^64."""
    rows = images.reshape(len(images), -1)
    padded = np.zeros((len(rows), -(-rows.shape[1] // 8) * 8), np.uint8)
    padded[:, : rows.shape[1]] = rows
    words = padded.view(np.uint64)
    factors = np.random.default_rng(0).integers(1, 2**63, words.shape[1], dtype=np.uint64) | np.uint64(1)
    prints: Array = (words * factors).sum(axis=1, dtype=np.uint64)
    return prints
