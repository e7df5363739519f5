"""Fixtures shared by all tests: a tiny data set in IDX files, the folder of the real MNIST, an empty current folder."""

import gc
import sys
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

from nnlaw._names import install

if TYPE_CHECKING:
    from nnlaw.spec import Report

settings.register_profile(  # a busy machine must not fail a test
    "tests", settings.default, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("tests")
install()  # plugin files in these tests may import nn and spec

ROOT = Path(__file__).parent.parent
MNIST = ROOT.parent / "shared" / "mnist"

TRACED = 50
"""Cases of a test that are run under coverage, if it has the mark `sampled`."""
UNTRACED = frozenset(Path(__file__).with_name("untraced.txt").read_text(encoding="utf-8").split())
"""Tests that take long under coverage and run no line or branch that no other test runs."""

gc.disable()  # until the tests are collected


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Measure coverage in some cases of a test with the mark `sampled` only: tracing takes longer than the test.

    Those of UNTRACED are run without it.
    """
    cases: dict[str, list[pytest.Item]] = defaultdict(list)
    for item in items:
        if item.nodeid.partition("[")[0] in UNTRACED:
            item.add_marker(pytest.mark.no_cover)
        if item.get_closest_marker("sampled"):
            cases[item.nodeid.partition("[")[0]].append(item)
    for same in cases.values():
        step = -(-len(same) // TRACED)
        for i, item in enumerate(same):
            if i % step:
                item.add_marker(pytest.mark.no_cover)


def pytest_collection_finish() -> None:
    """Leave what exists by now out of garbage collections: thousands of tests, which stay."""
    gc.freeze()
    gc.set_threshold(20_000)  # objects: with the default, garbage collections take a twentieth of the time
    gc.enable()


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Pause every tracer in tests with the mark `no_cover`: a worker has two, and pytest-cov pauses one of them."""
    pause: Any = (sys.gettrace(), sys.settrace), (threading.gettrace(), threading.settrace)
    if not item.get_closest_marker("no_cover"):
        pause = ()
    for _, trace in pause:
        trace(None)
    try:
        return (yield)
    finally:
        for tracer, trace in pause:
            trace(tracer)


@pytest.fixture
def mnist() -> Path:
    """The folder of the real MNIST; skips, with the path, if it is absent."""
    if not MNIST.is_dir():
        pytest.skip(f"the real MNIST is not at {MNIST}")
    return MNIST


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """600 training and 100 test digits in IDX files."""
    from nnlaw.nn.data.idx import write_idx
    from nnlaw.nn.data.synthetic.digits import generate_digits

    folder = tmp_path_factory.mktemp("idx")
    data = generate_digits(seed=3, train=600, test=100)
    write_idx(folder / "train-images-idx3-ubyte", data.train_images)
    write_idx(folder / "train-labels-idx1-ubyte", data.train_labels.astype(np.uint8))
    write_idx(folder / "t10k-images-idx3-ubyte", data.test_images)
    write_idx(folder / "t10k-labels-idx1-ubyte", data.test_labels.astype(np.uint8))
    return folder


@pytest.fixture(autouse=True)
def terminal_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable of the environment sets color or width; pytest-xdist sets COLUMNS."""
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(autouse=True)
def registry() -> Iterator[None]:
    """What a test registers is forgotten after it, so that the order of tests does not matter."""
    import nnlaw.nn.builtin  # noqa: F401  # registers what is built in, which stays
    from nnlaw.nn.plugins.registry import REGISTRY

    before = dict(REGISTRY.plugins)
    yield
    REGISTRY.plugins.clear()
    REGISTRY.plugins.update(before)


@pytest.fixture(scope="session", autouse=True)
def cache_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A cache folder for these tests alone, so that the user's own is neither read nor written."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session", autouse=True)
def blank_curves() -> Iterator[None]:
    """The curves of a run are a blank picture: drawing them takes longer than a small training."""
    from PIL import Image

    def blank(rows: list[dict[str, Any]], path: Path, title: str = "") -> None:
        Image.new("L", (8, 8), 255).save(path, format="PNG")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("nnlaw.nn.runs.run_pictures.plot_curves", blank)
        yield


@pytest.fixture
def curves(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw curves as users see them, in tests that read the pictures of a run."""
    from nnlaw.nn.runs.plots import plot_curves

    monkeypatch.setattr("nnlaw.nn.runs.run_pictures.plot_curves", plot_curves)


@pytest.fixture(scope="session")
def fixture_report() -> Callable[..., "Report"]:
    """A function from a file of fixtures/, a seed and `explain` to its report; each is checked once."""
    from kill_matrix import checked

    from nnlaw.spec import conformance
    from nnlaw.spec.law_docs import load

    @cache
    def report(path: Path, seed: int = 0, explain: bool = False) -> "Report":
        if path.is_relative_to(ROOT / "fixtures" / "units"):
            return conformance(load(path).case(seed), explain=explain)
        return checked(path, seed, explain=explain)

    return report


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder, so that runs/ lands there."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not wait for the disk or for git, in tests that are not about them."""
    monkeypatch.setattr("os.fsync", lambda number: None)
    monkeypatch.setattr("nnlaw.nn.run_folder.metadata.revision", lambda checkout: "")


@pytest.fixture
def brief(monkeypatch: pytest.MonkeyPatch) -> None:
    """Search a fix for a moment only, in tests that are about the likely cause."""
    monkeypatch.setattr("nnlaw.spec.fixes.search.MAX_SECONDS", 0.1)


@pytest.fixture
def refusal() -> Callable[[Callable[[], object]], str]:
    """The one sentence with which a call refuses its input."""
    from nnlaw.spec.violation import BadInput

    def words(call: Callable[[], object]) -> str:
        with pytest.raises(BadInput) as caught:
            call()
        sentence = str(caught.value)
        assert "\n" not in sentence and "expected" in sentence
        return sentence

    return words
