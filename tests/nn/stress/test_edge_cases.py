"""The edge-case matrix is frozen and documented, and each row gives the expected result."""

import ast
import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from nnlaw.cli.output.stress_output import markdown
from nnlaw.nn.plugins.loader import load_plugin_file
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
from nnlaw.nn.stress.scenario import Context, ScenarioOutcome, run_scenario, scenarios
from nnlaw.nn.training.build import build_model
from nnlaw.spec import ModelCase, conformance
from nnlaw.spec.arrays import Array

pytestmark = pytest.mark.sampled

ROOT = Path(__file__).parents[3]
CASES = {case.name: case for case in cases()}
# nn stress runs these; each takes seconds
DEEP = ("twelve-sigmoids", "twelve-relus", "twelve-residuals", "twelve-batchnorms", "huge-batch")


@pytest.mark.slow
@pytest.mark.parametrize("case", [c for c in CASES.values() if c.name not in DEEP], ids=lambda case: case.name)
def test_each_edge_case_gives_the_expected_result(case: Case, context: Context, hasty: None) -> None:
    """The law or message of the row, or a loss that falls, and all weights are finite."""
    row = run_scenario(scenarios()[f"edge-{case.name}"], context)
    assert row.outcome is ScenarioOutcome.PASSED, row.observation.text


@pytest.mark.parametrize("name", ["twelve-relus", "twelve-residuals", "twelve-batchnorms", "plain"])
def test_deep_networks_without_vanishing_gradients_pass(name: str) -> None:
    """ReLU, residual and batchnorm networks pass at any depth."""
    assert failed_laws(CASES[name]) == []


@pytest.mark.parametrize("layers", ["3*(dense:32 sigmoid) dense:10", "6*(dense:32 sigmoid) dense:10",
                                    "12*(dense:32 tanh) dense:10", "dense:10"])  # fmt: skip
def test_a_smaller_gradient_passes(layers: str) -> None:
    """A few sigmoid layers make the gradient smaller, but the network still trains."""
    assert failed_laws(replace(CASES["plain"], settings={"layers": layers})) == []


@pytest.mark.parametrize("init", ["he", "xavier", "lecun"])
def test_twelve_sigmoids_have_a_vanishing_gradient(init: str) -> None:
    """With any initializer, the gradient of the first layer is almost 0."""
    case = CASES["twelve-sigmoids"]
    assert failed_laws(replace(case, settings=case.settings | {"init": init})) == ["vanishing-gradient"]


def failed_laws(case: Case) -> list[str]:
    """The laws of signals that the network of a row fails before training."""
    settings = settings_of(case, None, 0)
    for name in settings.plugins:
        load_plugin_file(Path(name))
    x, labels = arrays()["plain/x"], arrays()["plain/labels"]
    model = build_model(settings, 64, 10)
    found = ModelCase("network", model, lambda rng: build_model(settings, 64, 10, rng), x, labels)
    return [v.law for v in conformance(found, ["vanishing-gradient", "live-units", "symmetry"]).violations]


def test_the_matrix_is_frozen() -> None:
    """Every file of the folder has a recorded checksum, which matches."""
    sums = dict(reversed(line.split("  ")) for line in (folder() / "SHA256SUMS").read_text().splitlines())
    files = {path.name: path for path in folder().iterdir() if path.is_file() and path.name != "SHA256SUMS"}
    assert {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in files.items()} == sums


def test_the_residual_block_is_the_one_in_examples() -> None:
    """The installed package has no examples/, so the matrix has a copy, with the imports and texts of version 0.1."""
    old = "from nn import Layer, layer\nfrom spec import obeys\n"
    frozen = (folder() / "residual.py").read_text(encoding="utf-8")
    example = (ROOT / "examples" / "residual.py").read_text(encoding="utf-8")
    assert code_of(frozen.replace(old, "from nnlaw import Layer, layer, obeys\n")) == code_of(example)


def code_of(source: str) -> str:
    """The syntax tree of a file, without docstrings and comments."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
            del node.body[0]
    return ast.dump(tree)


def test_the_page_is_up_to_date() -> None:
    """docs/edge-cases.md has the table that nn stress --list prints."""
    rows = [row for name, row in scenarios().items() if name.startswith("edge-")]
    page = (ROOT / "docs" / "edge-cases.md").read_text(encoding="utf-8")
    assert len(rows) == len(CASES) and page.endswith("\n".join(["", *markdown(rows), ""]))


def test_every_reworded_text_is_in_the_matrix() -> None:
    """Each entry of the table is the text of a row."""
    assert set(REWORDED) <= {text for case in CASES.values() for text in (case.what, case.says)}


def test_every_array_is_used_by_a_row() -> None:
    """There are no unused arrays."""
    named = {name for c in CASES.values() for name in (c.data, c.batch, c.labels, c.weights)}
    assert {name.split("/")[0] for name in arrays()} <= named


def test_layouts_differ_only_in_memory() -> None:
    """Each has the numbers of the plain batch in another memory layout."""
    contiguous, _ = batch_of(CASES["plain-batch"])
    laid = {name: batch_of(CASES[name])[0] for name in ("fortran", "strided", "reversed", "read-only")}
    assert all(np.array_equal(x, contiguous) for x in laid.values())
    assert laid["fortran"].flags.f_contiguous and not laid["strided"].flags.forc
    assert laid["reversed"].strides[0] < 0 and not laid["read-only"].flags.writeable


@pytest.mark.parametrize(
    ("changed", "result"),
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
def test_any_other_result_fails(changed: dict[str, str], result: RowResult) -> None:
    """Another law, no law, another message, a refusal, weights that are not finite, or too far from float64."""
    assert not Case("mine", "what", **changed).is_met_by(result)


def test_a_row_that_fails_keeps_the_law_and_the_batch(context: Context) -> None:
    """If another law fails than expected, the result has that law and the arrays."""
    case = replace(CASES["nan"], law="domain")
    found = run_row(case, context)
    assert not found.as_expected and found.violation is not None and found.violation.law == "finite"
    assert np.isnan(found.arrays["x"]).sum() == 1 and len(found.arrays["labels"]) == 16


def test_distance_is_relative_with_a_floor() -> None:
    """An error of 1% is 0.01; arrays far below the largest gradient are compared with that."""
    exact: Array = np.array([3.0, 4.0])
    assert distance(exact * 1.01, exact) == pytest.approx(0.01)
    assert distance(exact * 1e-12, 0 * exact, top=1.0) < 1e-5 < distance(exact * 1e-12, 0 * exact)


def test_a_loss_that_does_not_fall_counts_as_refused(tmp_path: Path, hasty: None) -> None:
    """Without laws and with a learning rate of 1e-9, the loss rises for some seeds."""
    results = []
    for seed in range(6):
        case = replace(CASES["plain"], settings={"strict": False, "epochs": 2, "lr": 1e-9, "validation": 0})
        place = tmp_path / f"{seed}"
        place.mkdir()
        results.append(train(settings_of(case, write_data("digits", place / "d"), seed), place / "run"))
    assert any(result.refused for result in results)


def test_an_unknown_key_in_the_matrix_is_refused() -> None:
    """A misspelled key raises."""
    with pytest.raises(TypeError):
        Case(**{"name": "x", "what": "y", "expects": "finite"})
