"""benchmarks/comparison applies other checkers to the fixtures and counts their results fairly."""

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1]
FAULTS, CORRECT = ROOT / "fixtures" / "faults", ROOT / "fixtures" / "correct"
MODULES = ("running", "results", "tally", "page")


@pytest.fixture
def comparison(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, ModuleType]]:
    """The modules of the folder, which import one another by their bare names; forgotten afterwards."""
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks" / "comparison"))
    yield {name: importlib.import_module(name) for name in MODULES}
    for name in MODULES:
        del sys.modules[name]


@pytest.mark.slow
@pytest.mark.parametrize("checker", ["cs231n", "autograd_check_grads"])
def test_a_checker_complains_of_wrong_gradients_and_not_of_right_ones(
    comparison: dict[str, ModuleType], checker: str
) -> None:
    """A layer, a loss and a model with wrong gradients fail; correct ones, including dropout, pass."""
    wrong = ["layer_tanh_without_derivative", "loss_squares_factor_two", "model_gradient_negated"]
    right = ["layer_spatial_dropout", "layer_batchnorm", "loss_huber", "model_dropout"]
    paths = [FAULTS / f"{name}.py" for name in wrong] + [CORRECT / f"{name}.py" for name in right]
    try:
        found = list(comparison["running"].run(checker, paths))
    except ModuleNotFoundError as missing:
        pytest.skip(f"not a dependency of the tests: {missing}")
    assert [bool(row.complaints) for row in found] == [True] * 3 + [False] * 4
    assert all(row.harnesses and not row.refused for row in found)
    ways = ("", ", another batch", ", one sample", ", large input")
    assert found[0].harnesses == [f"layer in {mode}{way}" for mode in ("training", "eval") for way in ways]
    assert "layer in training, one sample" not in found[4].harnesses  # batch normalization may refuse it


@pytest.mark.slow
def test_a_bug_visible_only_at_another_point_is_reported(comparison: dict[str, ModuleType]) -> None:
    """An earlier batch, a single sample and a large input each show a bug that the usual point hides."""
    shown = {
        "layer_dense_accumulates": "layer in eval, another batch",
        "layer_dense_squeezes_a_batch_of_one": "layer in eval, one sample",
        "layer_softmax_not_shifted": "layer in eval, large input",
    }
    found = comparison["running"].run("cs231n", [FAULTS / f"{name}.py" for name in shown])
    for row, harness in zip(found, shown.values(), strict=True):
        assert harness in row.complaints and "layer in eval" not in row.complaints


@pytest.mark.slow
def test_a_checker_skips_kinds_that_it_cannot_check(comparison: dict[str, ModuleType]) -> None:
    """A gradient checker cannot check an optimizer, which is not counted as checked."""
    (found,) = comparison["running"].run("cs231n", [FAULTS / "optimizer_sgd_climbs.py"])
    assert (found.kind, found.harnesses, found.complaints) == ("optimizer", [], {})


@pytest.mark.slow
def test_a_crash_is_caught_and_the_next_file_is_checked(
    comparison: dict[str, ModuleType], tmp_path: Path
) -> None:
    """A crash of the checker counts as caught, and the other files are still checked."""
    lethal = tmp_path / "a.py"
    lethal.write_text("import os\nos._exit(7)\n", encoding="utf-8")
    died, fine = comparison["running"].run("cs231n", [lethal, CORRECT / "loss_huber.py"])
    assert died.complaints == {"process": "the process ended with code 7"}
    assert (fine.kind, fine.complaints) == ("loss", {})


def test_a_harness_that_complains_of_correct_code_gets_no_credit(comparison: dict[str, ModuleType]) -> None:
    """A bug counts as credited only if a harness fails on it that passes on all correct code."""
    Found, Tally = comparison["running"].Found, comparison["tally"].Tally
    bugs = [
        Found("a", "layer", ["quiet", "noisy"], {"noisy": "no"}),
        Found("b", "layer", ["quiet", "noisy"], {"noisy": "no", "quiet": "no"}),
        Found("c", "layer", ["quiet", "noisy"]),
    ]
    tally = Tally("cs231n", bugs, [Found("d", "layer", ["quiet", "noisy"], {"noisy": "no"})])
    assert (tally.caught, tally.credited, len(tally.alarms)) == ({"a", "b"}, {"b"}, 1)


def test_a_run_replaces_its_own_part_of_the_page(
    comparison: dict[str, ModuleType], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The part of one folder is replaced; the others do not change."""
    page = comparison["page"]
    monkeypatch.setattr(page, "PAGE", tmp_path / "comparison.md")
    monkeypatch.setattr(page, "_how", lambda: "")  # it reads versions of packages that may not be installed
    page.put("old counts\n", "planted")
    page.put("others\n", "unseen")
    page.put("blind\n", "unseen-third")
    page.put("new counts\n", "planted")
    text = page.PAGE.read_text(encoding="utf-8")
    assert "old counts" not in text and "<!-- unseen -->\nothers" in text
    assert text.index("new counts") < text.index("<!-- unseen -->") < text.index("<!-- unseen-third -->\nblind")


def test_results_are_stored_until_the_file_changes(comparison: dict[str, ModuleType], tmp_path: Path) -> None:
    """A checker runs again only on changed files; nnlaw always runs."""
    results, runs = comparison["results"], []

    def run(checker: str, paths: list[Path]) -> Iterator[object]:
        runs.append((checker, [path.name for path in paths]))
        return (comparison["running"].Found(str(path), "loss", ["loss"], {"loss": "no"}) for path in paths)

    results.run = run
    a, b = tmp_path / "a.py", tmp_path / "b.py"
    a.write_text("1", encoding="utf-8"), b.write_text("2", encoding="utf-8")
    for _ in range(2):
        stored = results.Results(tmp_path / "kept.jsonl")
        for checker in ("cs231n", "kit"):
            found = stored.run(checker, [a, b])
            assert [(row.file, row.complaints) for row in found] == [(str(a), {"loss": "no"}), (str(b), {"loss": "no"})]
    b.write_text("3", encoding="utf-8")
    results.Results(tmp_path / "kept.jsonl").run("cs231n", [a, b])
    both = ["a.py", "b.py"]
    assert runs == [("cs231n", both), ("kit", both), ("kit", both), ("cs231n", ["b.py"])]


def test_a_bug_caught_by_another_checker_is_not_caught_only_by_nnlaw(comparison: dict[str, ModuleType]) -> None:
    """Compared with nnlaw, the others count with everything that they caught, including noise."""
    Found, Tally = comparison["running"].Found, comparison["tally"].Tally
    noise = [Found("c", "layer", ["loud"], {"loud": "no"})]
    kit = Tally("kit", [Found("a", "layer", ["l"], {"l": "no"}), Found("b", "layer", ["l"], {"l": "no"})], [])
    other = Tally("cs231n", [Found("a", "layer", ["loud"], {"loud": "no"}), Found("b", "layer", ["loud"])], noise)
    assert other.credited == set()
    (line,) = comparison["page"]._counts([kit, other])
    assert line.startswith("Credited to nnlaw and caught by no other checker: 1, of which 1 where another checker")


def test_the_page_counts_every_planted_bug() -> None:
    """docs/comparison.md is of the corpus as it is: `python benchmarks/comparison` writes it anew."""
    bugs, right = (len(list(folder.glob("*.py"))) for folder in (FAULTS, CORRECT))
    page = (ROOT / "docs" / "comparison.md").read_text(encoding="utf-8")
    assert f"## {bugs} planted bugs that the laws were developed against, and {right} correct files\n" in page
