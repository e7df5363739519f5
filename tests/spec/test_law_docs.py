"""spec.law_docs: the page of a law, and where its files are."""

from pathlib import Path

import pytest

from nnlaw.spec import CATALOG
from nnlaw.spec.law_docs import CHECKED, counterexample, file_name, page, pages, violations
from nnlaw.spec.locations import PACKAGE, fixtures


@pytest.fixture(scope="session")
def all_pages() -> dict[str, str]:
    """Every page, generated once."""
    return pages()


def below(folder: Path, suffix: str) -> set[tuple[str, str]]:
    """Folder and stem of the files one level below, without private ones."""
    return {(path.parent.name, path.stem) for path in folder.glob(f"*/[!_]*{suffix}")}


def test_path_equals_key(all_pages: dict[str, str]) -> None:
    """Each law has a file, a counterexample and a page at <kind>/<code>, and each of these files has a law."""
    keys = {(kind, file_name(code)) for kind, code in CATALOG}
    assert below(PACKAGE / "spec" / "laws", ".py") == keys
    assert below(fixtures() / "laws", ".py") == keys
    assert {tuple(path.removesuffix(".md").split("/")) for path in all_pages if "/" in path} == keys


def test_a_law_is_in_the_file_of_its_name() -> None:
    """The function that checks a law is in spec/laws/<kind>/<code>.py and is named after the code."""
    for (kind, code), row in CATALOG.items():
        assert row.check.__module__ == f"nnlaw.spec.laws.{kind}.{file_name(code)}"


def test_a_counterexample_is_found_by_its_law() -> None:
    """By kind and code; a law without a counterexample has None."""
    assert counterexample("layer", "linear-backward") == fixtures() / "laws" / "layer" / "linear_backward.py"
    assert counterexample("layer", "no-such-law") is None


def test_a_page_has_its_sections() -> None:
    """Title, statement, when it is checked, what it depends on, the example with its diagnostic, and references."""
    row = CATALOG["loss", "gradient"]
    text = page(row)
    (violation,) = violations(row)
    assert text.startswith(f"# gradient (loss)\n\n{row.statement}\n")
    for part in ("- Family: gradient", "- Checked by `nn verify`, and before training with `nn train --strict`",
                 "- Skipped if one of these fails: `loss-mean`, `repeatable-backward`", "## What it checks",
                 "    def backward(self)", f"```text\n{violation.message}\n```", "## If it is intended",
                 'expected = {"gradient": "the reason"}', "## References", "section 6.2.2.3"):  # fmt: skip
        assert part in text
    assert "import numpy" not in text and "def case" not in text


@pytest.mark.parametrize("kind", sorted({kind for kind, _ in CATALOG}))
def test_a_page_states_when_its_law_is_checked(kind: str) -> None:
    """`nn verify` is named only if it checks laws of this kind."""
    code = next(code for known, code in CATALOG if known == kind)
    line = next(line for line in page(CATALOG[kind, code]).splitlines() if line.startswith("- Checked "))
    assert ("nn verify" in line) == (kind not in ("data", "training"))
    assert kind not in CHECKED or line == f"- Checked {CHECKED[kind]}"


def test_the_diagnostic_of_a_page_has_a_short_path() -> None:
    """The path starts at fixtures/, so that the page is the same in a checkout and in an installed package."""
    (violation,) = violations(CATALOG["layer", "gradient"])
    assert violation.message.startswith("fixtures/laws/layer/gradient.py:")


def test_the_index_links_every_page(all_pages: dict[str, str]) -> None:
    """README.md has one row per law, with a link to its page."""
    for path in all_pages:
        assert path == "README.md" or f"({path})" in all_pages["README.md"]
