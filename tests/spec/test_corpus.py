"""fixtures/faults, correct and units: every fault is caught by its law, and correct code passes."""

import hashlib
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import kill_matrix as matrix
import pytest

from nnlaw.nn.plugins.registry import KINDS
from nnlaw.spec import CATALOG, Report
from nnlaw.spec.violation import NO_CAUSE

pytestmark = pytest.mark.sampled

ROOT = Path(__file__).parents[2]
first_or_more_seeds = pytest.mark.parametrize(
    "seeds",
    [
        pytest.param(range(1), id=""),
        pytest.param(range(1, 4), id="more seeds", marks=[pytest.mark.slow, pytest.mark.no_cover]),
    ],
)
FAULTS = sorted((ROOT / "fixtures" / "faults").glob("*.py"))
CORRECT = sorted((ROOT / "fixtures" / "correct").glob("*.py"))
UNITS = ROOT / "fixtures" / "units"
WRONG, RIGHT = sorted(UNITS.glob("wrong/*.py")), sorted(UNITS.glob("right/*.py"))

FixtureReport = Callable[..., Report]
KNOWN: dict[str, str] = {}
"""Faults that no law finds yet, each with the reason; if it is found, the test fails."""


def with_known(paths: list[Path]) -> list[Any]:
    """Each path; known exceptions are marked."""
    marks = {name: [pytest.mark.xfail(reason=why, strict=True)] for name, why in KNOWN.items()}
    return [pytest.param(path, marks=marks.get(path.stem, []), id=path.stem) for path in paths]


@pytest.mark.parametrize("path", with_known(FAULTS))
def test_a_fault_fails_the_law_in_its_header(path: Path, fixture_report: FixtureReport) -> None:
    """Only this law; a wrong gradient has the cause in the header, or no cause."""
    found = matrix.outcome(matrix.planted(path), fixture_report(path))
    assert found.laws == (found.fault.law,)
    assert found.right_cause, f"named {found.cause!r}, expected {found.fault.cause!r}"


FOUND_IN_SOURCE = [
    "layer_elu_derivative", "layer_gain_from_the_output", "layer_glu_halves_swapped", "layer_dense_old_transpose",
    "layer_residual_without_skip", "layer_softmax_sums_over_the_batch", "layer_swish_product_rule",
    "layer_tanh_applied_twice", "layer_unit_length_constant_norm", "loss_focal_constant_weight",
]  # fmt: skip


def explained(name: str, fixture_report: FixtureReport) -> matrix.Outcome:
    """What is found for a fault, with likely cause and suggested fix."""
    path = ROOT / "fixtures" / "faults" / f"{name}.py"
    return matrix.outcome(matrix.planted(path), fixture_report(path, explain=True))


@pytest.mark.slow
@pytest.mark.no_cover
@pytest.mark.parametrize("name", FOUND_IN_SOURCE)
def test_a_mistake_is_found_in_the_source(name: str, fixture_report: FixtureReport) -> None:
    """The cause is the mistake of the header."""
    found = explained(name, fixture_report)
    assert found.right_mistake and found.right_cause, found.cause


FIXED = [
    "layer_average_pool_not_divided", "layer_convolution_bias_mean", "layer_dense_bias_mean",
    "layer_dense_bias_summed_over_everything", "layer_dense_decay_in_the_gradient",
    "layer_dense_input_gradient_negated", "layer_dense_old_transpose", "layer_dense_square_not_transposed",
    "layer_dense_weight_gradient_transposed", "layer_dense_weights_over_n", "layer_dropout_scales_forward_only",
    "layer_elu_derivative", "layer_gain_from_the_output", "layer_gelu_cubic_derivative", "layer_glu_halves_swapped",
    "layer_highway_carry_forgotten", "layer_layernorm_divides_by_the_batch", "layer_layernorm_gain_from_the_input",
    "layer_layernorm_mean_term_missing", "layer_leaky_relu_sides_swapped", "layer_log_softmax_shortcut",
    "layer_max_pool_forgets_the_stride", "layer_prelu_slope_from_all_inputs", "layer_relu_mask_from_dy",
    "layer_relu_without_mask", "layer_relu_wrong_side", "layer_residual_without_skip", "layer_rmsnorm_wrong_sign",
    "layer_sigmoid_derivative_of_the_input", "layer_sigmoid_half_a_derivative", "layer_softmax_diagonal",
    "layer_softmax_sums_over_the_batch", "layer_sqrt_without_half", "layer_square_without_two",
    "layer_swish_product_rule", "layer_tanh_applied_twice", "layer_tanh_without_derivative",
    "layer_unit_length_constant_norm", "loss_absolute_not_divided", "loss_binary_gradient_of_logits",
    "loss_cross_entropy_divided_twice", "loss_cross_entropy_gradient_not_divided", "loss_squares_factor_two",
    "loss_squares_wrong_way_round", "model_gradient_negated", "model_images_shifted_against_slopes"
]  # fmt: skip
"""Faults for which an edit is suggested; one more takes about as long as the search may take."""


@pytest.mark.slow
@pytest.mark.no_cover
@pytest.mark.parametrize("name", FIXED)
def test_applying_a_suggested_edit_to_the_file_fixes_it(
    name: str, tmp_path: Path, fixture_report: FixtureReport
) -> None:
    """Each part of an edit is at the place of its expression, and the edited file passes."""
    fix = explained(name, fixture_report).fix
    assert fix is not None
    for edit in fix.edits:
        text = Path(edit.path).read_text(encoding="utf-8")
        assert all(replace(part, after=part.before).apply(text) == text for part in edit.parts)
        fixed = tmp_path / Path(edit.path).name
        fixed.write_text(edit.apply(text), encoding="utf-8")
        compile(edit.apply(text), fixed, "exec")
        assert matrix.checked(fixed).outcome == "passed"


@first_or_more_seeds
@pytest.mark.parametrize("path", CORRECT, ids=lambda path: path.stem)
def test_correct_code_passes(path: Path, seeds: range, fixture_report: FixtureReport) -> None:
    """No law fails or is inconclusive; benchmarks/kill_matrix.py tries many more seeds."""
    for seed in seeds[:1]:
        report = fixture_report(path, seed)
        assert [row.message for row in report.violations] == []
        assert report.outcome == "passed"


@first_or_more_seeds
@pytest.mark.parametrize("path", WRONG, ids=lambda path: path.stem)
def test_a_wrong_unit_fails_the_law_in_its_header(path: Path, seeds: range, fixture_report: FixtureReport) -> None:
    """Only this law, with the cause in the header; a loss has N = C for odd seeds."""
    header = matrix.planted(path)
    for seed in seeds:
        (found,) = fixture_report(path, seed).violations
        assert found.law == header.law, found.message
        assert header.cause in found.cause
        assert found.expected != "no exception", found.message  # raised in the law


@first_or_more_seeds
@pytest.mark.parametrize("path", RIGHT, ids=lambda path: path.stem)
def test_a_right_unit_passes(path: Path, seeds: range, fixture_report: FixtureReport) -> None:
    """No law fails; the header names laws that are inconclusive, and some that are not applicable."""
    header = path.read_text(encoding="utf-8").split('"""')[1]
    inconclusive = re.findall(r"^inconclusive: (.+)$", header, re.MULTILINE)
    not_applicable = re.findall(r"^not applicable: (.+)$", header, re.MULTILINE)
    for seed in seeds:
        report = fixture_report(path, seed)
        assert [row.message for row in report.violations] == []
        assert [row.law for row in report.results if row.outcome == "inconclusive"] == inconclusive
        assert {row.outcome for row in report.results if row.law in not_applicable} <= {"n.a."}


def test_the_units_are_frozen() -> None:
    """Every file has its digest in SHA256SUMS, and no file is missing or added."""
    lines = (UNITS / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
    sums = dict(reversed(line.split("  ")) for line in lines)
    assert sums == {
        str(path.relative_to(UNITS)): hashlib.sha256(path.read_bytes()).hexdigest() for path in WRONG + RIGHT
    }


def test_the_corpus_has_every_kind() -> None:
    """At least 120 faults and 60 correct files, of every kind; each header names a law of its kind or of calls."""
    faults = [matrix.planted(path) for path in FAULTS]
    assert len(faults) >= 120 and len(CORRECT) >= 60
    for paths in (FAULTS, CORRECT):
        assert {path.stem.partition("_")[0] for path in paths} == set(KINDS)
    for fault in faults:
        location = {"call", fault.kind} if fault.kind in ("layer", "loss", "model") else {fault.kind}
        known = {code for kind, code in CATALOG if kind in location}
        assert fault.law in known or fault.path.stem in KNOWN, fault.path.name


def test_a_header_of_another_form_is_refused(tmp_path: Path) -> None:
    """The sentence ends with a period, and a law is named."""
    path = tmp_path / "layer_other.py"
    path.write_text('"""Something is wrong.\n\ncause: none\n"""\n')
    with pytest.raises(ValueError, match=r"layer_other\.py"):
        matrix.planted(path)


def test_the_page_and_its_data_show_each_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page has counts, and the laws that catch nothing; the data have a row per bug."""
    fault = matrix.planted(FAULTS[0])
    outcomes = [matrix.Outcome(fault, (fault.law,), NO_CAUSE, None), matrix.Outcome(fault, (), NO_CAUSE, None)]
    monkeypatch.setattr(matrix, "DATA", tmp_path / "data.tsv")
    matrix.write_data(outcomes)
    _, *rows = (tmp_path / "data.tsv").read_text().splitlines()
    assert [row.split("\t")[:2] for row in rows] == [[fault.kind, fault.path.stem]] * 2
    text = matrix.page(outcomes)
    assert "| 2 | 1 | 1 |" in text
    assert "Laws that catch none of these bugs: " in text and "layer gradient" in text
