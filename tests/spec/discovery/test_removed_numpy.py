"""spec/discovery/removed_numpy.py: what NumPy removed, for the files under check."""

import ast
import inspect

import numpy as np
import pytest

from nnlaw.spec.discovery.removed_numpy import _FUNCTIONS, _RENAMED, is_removed, numpy_for, removed_names


@pytest.fixture
def reports() -> list[tuple[str, str]]:
    """What the module of `legacy` reports."""
    return []


@pytest.fixture
def legacy(reports):
    """numpy with the removed names."""
    return numpy_for(lambda found, instead: reports.append((found, instead)))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", _RENAMED)
def test_each_removed_name_has_a_value(legacy, name) -> None:
    """Each name is found in the module, and what to write instead is an expression."""
    assert getattr(legacy, name) is not None
    ast.parse(_RENAMED[name], mode="eval")


def test_functions_that_no_expression_replaces(legacy) -> None:
    """asfarray, asscalar, msort and find_common_type work as before."""
    assert legacy.asfarray([1]).dtype == float and legacy.asscalar(np.ones(1)) == 1
    assert legacy.msort([2, 1]).tolist() == [1, 2] and legacy.find_common_type([np.int32, float], []).kind == "f"
    assert set(_FUNCTIONS) < set(_RENAMED)


def test_what_numpy_has_is_the_same_object(legacy) -> None:
    """Everything else is numpy's own, and an unknown name is an AttributeError."""
    assert legacy.exp is np.exp and legacy.random.rand is np.random.rand and legacy.testing is np.testing
    assert legacy.ndarray is np.ndarray and inspect.signature(legacy.ones) == inspect.signature(np.ones)
    assert not hasattr(legacy, "no_such_name") and not hasattr(np, "product")
    assert not is_removed("exp") and not is_removed("no_such_name")


def test_a_generator_without_a_seed_depends_on_the_global_state(legacy) -> None:
    """The same state gives the same numbers, two generators in a row differ, and a given seed is used."""
    np.random.seed(3)
    first, second = legacy.random.default_rng().random(), legacy.random.default_rng(None).random()
    np.random.seed(3)
    assert legacy.random.default_rng().random() == first != second
    assert legacy.random.default_rng(5).random() == np.random.default_rng(5).random()


def test_arrays_that_numpy_2_rejects(legacy, reports) -> None:
    """Ragged rows become objects, None is the shape (), and copy=False copies if it must; all are reported."""
    assert legacy.array([[1, 2], [3]]).dtype == object
    assert legacy.array([np.ones((2, 3)), np.ones((2, 4))]).shape == (2,)
    assert legacy.asarray([[1], [2, 3]]).shape == (2,)
    assert legacy.array([1, 2], copy=False).tolist() == [1, 2]
    assert legacy.zeros(None).shape == () and legacy.full(None, 2.0) == 2
    assert [found for found, _ in reports] == [
        "np.array of rows of different sizes", "np.array of rows of different sizes",
        "np.asarray of rows of different sizes", "np.array(..., copy=False) of what must be copied",
        "np.zeros(None)", "np.full(None)",
    ]  # fmt: skip
    with pytest.raises(ValueError, match="inhomogeneous"):
        legacy.array([[1, 2], [3]], dtype=float)


def test_iterators_of_arrays_to_stack(legacy, reports) -> None:
    """An iterator of arrays is stacked like a list of these, and reported; a list is not reported."""
    assert legacy.stack(map(np.ones, [(2,), (2,)]), axis=0).shape == (2, 2)
    assert legacy.vstack([np.ones(2), np.ones(2)]).shape == (2, 2)
    assert reports == [("np.stack of an iterator", "np.stack(list(...))")]


def test_lines_of_a_file_that_use_them() -> None:
    """Uses are found under any alias and in imports, in order of their lines."""
    assert removed_names(ast.parse("import numpy as np\nnp.float = float\nx = np.float(1)\n")) == []
    tree = ast.parse("from numpy import float_, exp\nimport numpy as xp\nx = xp.mat(1), xp.Inf\ny = other.float\n")
    assert removed_names(tree) == [
        (1, "numpy.float_", "np.float64"), (3, "xp.mat", "np.asmatrix"), (3, "xp.Inf", "np.inf"),
    ]  # fmt: skip
