"""fixtures/laws: each counterexample fails its own law and no other, and every law has one."""

import re
from pathlib import Path

import pytest

from nnlaw.spec import CATALOG, conformance
from nnlaw.spec.law_docs import checked, file_name, load
from nnlaw.spec.locations import fixtures

pytestmark = pytest.mark.sampled

FILES = sorted((fixtures() / "laws").glob("*/*.py"))
each_file = pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}-{path.stem}")


def header(path: Path) -> tuple[str, str]:
    """The first line of a counterexample's docstring, and the law that another line names."""
    lines = (load(path).__doc__ or "").splitlines()
    (code,) = [line.removeprefix("law: ").strip() for line in lines if line.startswith("law: ")]
    return lines[0], code


@each_file
def test_a_counterexample_fails_its_own_law_and_no_other(path: Path) -> None:
    """Exactly one violation, of the law that the file names."""
    assert [found.law for found in checked(path)[1].violations] == [header(path)[1]]


@each_file
def test_a_likely_cause_has_a_code(path: Path) -> None:
    """In kebab-case."""
    for found in checked(path)[1].violations:
        assert not found.cause or re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", found.cause_code)


@each_file
def test_the_path_of_a_counterexample_is_its_kind_and_law(path: Path) -> None:
    """The file is <kind>/<code>.py for a law of the catalog, and its docstring starts with a sentence."""
    sentence, code = header(path)
    assert path.stem == file_name(code) and (path.parent.name, code) in CATALOG
    assert sentence.endswith(".")


def test_every_law_has_a_counterexample() -> None:
    """No law of the catalog is without a file."""
    expected = {(kind, file_name(code)) for kind, code in CATALOG}
    assert {(path.parent.name, path.stem) for path in FILES} == expected


@each_file
def test_checking_a_counterexample_changes_nothing(path: Path) -> None:
    """A second report on the same case has the outcomes of the first."""
    case, report = checked(path)
    assert [(row.law, row.outcome) for row in conformance(case)] == [(row.law, row.outcome) for row in report]
