"""spec/report.schema.json describes the JSON form of reports, field by field."""

import json
from collections.abc import Callable
from dataclasses import fields
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, ValidationError

from nnlaw.spec import Location
from nnlaw.spec.report import SCHEMA_VERSION, Outcome, Report, UnitOutcome
from nnlaw.spec.violation import Edit, Suggestion

FAULTS = Path(__file__).parents[2] / "fixtures" / "faults"
SCHEMA = json.loads((files("nnlaw.spec") / "report.schema.json").read_text(encoding="utf-8"))
DEFINITIONS = SCHEMA["$defs"]
FixtureReport = Callable[..., Report]
COUNTS = ("files", "files_not_loaded", "files_with_nothing_to_check", "units", *UnitOutcome, "exceptions")


def document(*reports: Report) -> dict[str, Any]:
    """The reports as `nn verify --json` prints them, after a round trip through JSON."""
    units = [{"file": "mine.py", **report.to_dict()} for report in reports]
    whole = {
        "schema_version": SCHEMA_VERSION,
        "units": units,
        "unneeded_ignores": [],
        "laws_not_run": [],
        "fixes": [],
        "summary": dict.fromkeys(COUNTS, 0),
    }
    return json.loads(json.dumps(whole))  # type: ignore[no-any-return]  # JSON


def check(whole: dict[str, Any]) -> None:
    """Raise ValidationError if the document does not match the schema."""
    Draft202012Validator(SCHEMA).validate(whole)


def test_the_schema_is_valid() -> None:
    """It matches the meta-schema of JSON Schema 2020-12."""
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize(
    "name",
    ["layer_softmax_sums_over_the_batch", "layer_elu_derivative", "loss_squares_factor_two",
     "optimizer_noise_from_the_global_generator", "batches_standardize_in_place", "initializer_constant"],
)  # fmt: skip
def test_reports_match_the_schema(name: str, fixture_report: FixtureReport) -> None:
    """With likely cause, suggested fix, smallest input and skipped laws."""
    report = fixture_report(FAULTS / f"{name}.py", explain=True)
    assert report.outcome == "failed"
    check(document(report))


def test_errors_match_the_schema() -> None:
    """A file that could not be loaded has a reason and no laws."""
    check(document(Report("mine", "file", reason="mine.py:1: invalid syntax")))


def test_other_fields_and_values_do_not_match(fixture_report: FixtureReport) -> None:
    """An unknown field, a missing one, an unknown outcome, and an error without a reason."""
    good = document(fixture_report(FAULTS / "layer_elu_derivative.py"))
    for change in ({"extra": 1}, {"outcome": "pass"}, {"outcome": "error"}, {"kind": "lair"}, {"laws": None}):
        bad = {**good, "units": [{**good["units"][0], **change}]}
        with pytest.raises(ValidationError):
            check(bad)
    without = {key: value for key, value in good["units"][0]["violations"][0].items() if key != "index"}
    with pytest.raises(ValidationError):
        check({**good, "units": [{**good["units"][0], "violations": [without]}]})


def test_the_schema_has_every_field(fixture_report: FixtureReport) -> None:
    """The definitions list the fields of the classes, and require all of them."""
    report = document(fixture_report(FAULTS / "layer_elu_derivative.py"))["units"][0]
    names = {
        "unit": set(report),
        "law": set(report["laws"][0]),
        "violation": set(report["violations"][0]),
        "location": {field.name for field in fields(Location)},
        "suggestion": {field.name for field in fields(Suggestion)},
        "edit": {field.name for field in fields(Edit)},
        "summary": set(COUNTS),
    }
    for name, expected in names.items():
        assert set(DEFINITIONS[name]["properties"]) == set(DEFINITIONS[name]["required"]) == expected, name
    assert DEFINITIONS["unit"]["properties"]["outcome"]["enum"] == list(UnitOutcome)
    assert DEFINITIONS["law"]["properties"]["outcome"]["enum"] == list(Outcome)
