"""The edge-case matrix: frozen, documented, and answered row by row."""

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from nnlaw.cli.output.stress_output import markdown
from nnlaw.nn.plugins.loader import load_plugin_file
from nnlaw.nn.run_folder.folder import Run
from nnlaw.nn.stress.edge_cases import (
    REWORDED,
    Case,
    RowResult,
    arrays,
    batch_of,
    cases,
    distance,
    folder,
    run_row,
    settings_of,
    train,
    write_data,
)
from nnlaw.nn.stress.runner import run_data
from nnlaw.nn.stress.scenario import Context, ScenarioOutcome, run_scenario, scenarios
from nnlaw.nn.training.build import build_model
from nnlaw.spec import ModelCase, conformance
from nnlaw.spec.arrays import Array

ROOT = Path(__file__).parents[3]
CASES = {case.name: case for case in cases()}
# seconds each: nn stress does them
DEEP = ("twelve-sigmoids", "twelve-relus", "twelve-residuals", "twelve-batchnorms", "huge-batch")


@pytest.mark.parametrize("case", [c for c in CASES.values() if c.name not in DEEP], ids=lambda case: case.name)
def test_each_edge_case_gets_its_answer(case: Case, trained: Run, tmp_path: Path, hasty: None) -> None:
    """The law or sentence that the row names, or none where nothing is wrong, and no weights that are not finite."""
    row = run_scenario(scenarios()[f"edge-{case.name}"], Context(trained, run_data(trained.folder), tmp_path))
    assert row.outcome is ScenarioOutcome.PASSED, row.observation.text


@pytest.mark.parametrize("name", ["twelve-relus", "twelve-residuals", "twelve-batchnorms", "plain"])
def test_gradients_reach_every_layer_of_a_sound_network(name: str) -> None:
    """What lets gradients pass is not accused of losing them, however deep."""
    assert verdict(CASES[name]) == []


@pytest.mark.parametrize("layers", ["3*(dense:32 sigmoid) dense:10", "6*(dense:32 sigmoid) dense:10",
                                    "12*(dense:32 tanh) dense:10", "dense:10"])  # fmt: skip
def test_a_gradient_that_fades_but_arrives_is_no_fault(layers: str) -> None:
    """A few sigmoids weaken the gradient and still learn."""
    assert verdict(replace(CASES["plain"], settings={"layers": layers})) == []


@pytest.mark.parametrize("init", ["he", "xavier", "lecun"])
def test_twelve_sigmoids_lose_the_gradient_whatever_the_initializer(init: str) -> None:
    """The lowest layer gets next to none of it."""
    case = CASES["twelve-sigmoids"]
    assert verdict(replace(case, settings=case.settings | {"init": init})) == ["vanishing-gradient"]


def verdict(case: Case) -> list[str]:
    """The laws of signals that the network of a row breaks before training."""
    settings = settings_of(case, None, 0)
    for name in settings.plugins:
        load_plugin_file(Path(name))
    x, labels = arrays()["plain/x"], arrays()["plain/labels"]
    model = build_model(settings, 64, 10)
    found = ModelCase("network", model, lambda rng: build_model(settings, 64, 10, rng), x, labels)
    return [v.law for v in conformance(found, ["vanishing-gradient", "live-units", "symmetry"]).violations]


def test_the_matrix_is_frozen() -> None:
    """Every file of the folder has the checksum that was recorded, and none lacks one."""
    sums = dict(reversed(line.split("  ")) for line in (folder() / "SHA256SUMS").read_text().splitlines())
    files = {path.name: path for path in folder().iterdir() if path.is_file() and path.name != "SHA256SUMS"}
    assert {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in files.items()} == sums


def test_the_residual_block_is_that_of_the_examples() -> None:
    """The installed program has no examples/, so the matrix brings its own copy, which imports the old names."""
    old = "from nn import Layer, layer\nfrom spec import obeys\n"
    frozen = (folder() / "residual.py").read_text(encoding="utf-8")
    assert frozen.replace(old, "from nnlaw import Layer, layer, obeys\n") == (
        ROOT / "examples" / "residual.py"
    ).read_text(encoding="utf-8")


def test_the_page_is_made_from_the_matrix() -> None:
    """docs/edge-cases.md holds the table that nn stress --list prints, row by row."""
    rows = [row for name, row in scenarios().items() if name.startswith("edge-")]
    page = (ROOT / "docs" / "edge-cases.md").read_text(encoding="utf-8")
    assert len(rows) == len(CASES) and page.endswith(f"\n{markdown(rows)}\n")


def test_every_reworded_text_is_in_the_matrix() -> None:
    """The table has no entry that no row needs."""
    assert set(REWORDED) <= {text for case in CASES.values() for text in (case.what, case.says)}


def test_every_array_is_used_by_a_row() -> None:
    """What no row names would be judged by nobody."""
    named = {name for c in CASES.values() for name in (c.data, c.batch, c.labels, c.weights)}
    assert {name.split("/")[0] for name in arrays()} <= named


def test_layouts_differ_in_memory_alone() -> None:
    """Each has the numbers of the plain batch, and lies otherwise."""
    plain, _ = batch_of(CASES["plain-batch"])
    laid = {name: batch_of(CASES[name])[0] for name in ("fortran", "strided", "reversed", "read-only")}
    assert all(np.array_equal(x, plain) for x in laid.values())
    assert laid["fortran"].flags.f_contiguous and not laid["strided"].flags.forc
    assert laid["reversed"].strides[0] < 0 and not laid["read-only"].flags.writeable


@pytest.mark.parametrize(
    ("changed", "answer"),
    [
        ({"law": "finite"}, RowResult("", "domain")),
        ({"law": "finite"}, RowResult("")),
        ({"law": "finite", "says": "nan"}, RowResult("is inf", "finite")),
        ({"law": "finite"}, RowResult("", "finite", finite=False)),
        ({"says": "absent"}, RowResult("absent", "domain")),
        ({"says": "absent"}, RowResult("absent")),
        ({}, RowResult("", refused=True)),
        ({}, RowResult("", "finite")),
        ({"batch": "plain"}, RowResult("", error=1e-3)),
    ],
)
def test_any_other_answer_fails(changed: dict[str, str], answer: RowResult) -> None:
    """Another law, none, other words, a refusal, weights that are not finite, or too far from float64."""
    assert not Case("mine", "what", **changed).is_met_by(answer)


def test_what_was_kept_of_a_wrong_answer_is_the_law_and_the_batch(trained: Run, tmp_path: Path) -> None:
    """A row that expects another law than the one that speaks fails with that law and the offending arrays."""
    case = replace(CASES["nan"], law="domain")
    outcome = run_row(case, Context(trained, run_data(trained.folder), tmp_path))
    assert not outcome.as_expected and outcome.violation is not None and outcome.violation.law == "finite"
    assert np.isnan(outcome.arrays["x"]).sum() == 1 and len(outcome.arrays["labels"]) == 16


def test_distance_is_relative_and_knows_small_arrays() -> None:
    """A hundredth off is a hundredth; an array far below the largest gradient counts by that."""
    exact: Array = np.array([3.0, 4.0])
    assert distance(exact * 1.01, exact) == pytest.approx(0.01)
    assert distance(exact * 1e-12, 0 * exact, top=1.0) < 1e-5 < distance(exact * 1e-12, 0 * exact)


def test_a_loss_that_does_not_fall_is_told(tmp_path: Path, hasty: None) -> None:
    """Without laws a rate of 1e-9 leaves the loss to chance; where it rises, that is no success."""
    answers = []
    for seed in range(6):
        case = replace(CASES["plain"], settings={"strict": False, "epochs": 2, "lr": 1e-9, "validation": 0})
        place = tmp_path / f"{seed}"
        place.mkdir()
        answers.append(train(settings_of(case, write_data("digits", place / "d"), seed), place / "run"))
    assert any(answer.refused for answer in answers)


def test_a_row_has_no_field_that_is_unknown() -> None:
    """A misspelt key in the matrix is refused, not passed over."""
    with pytest.raises(TypeError):
        Case(**{"name": "x", "what": "y", "expects": "finite"})
