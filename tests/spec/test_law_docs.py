"""spec.law_docs: the page of a law, and where its files are."""

import ast
import re
from math import isclose
from pathlib import Path

import pytest

from nnlaw.spec import CATALOG
from nnlaw.spec.law_docs import CHECKED, counterexample, file_name, page, pages, to_dict, violations
from nnlaw.spec.locations import PACKAGE, fixtures

DOCS = Path(__file__).parents[2] / "docs" / "laws"
NUMBER = re.compile(r"(-?\d+\.\d+(?:e[+-]?\d+)?)")


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


def test_docs_laws_is_what_is_generated_now(all_pages: dict[str, str]) -> None:
    """Every page is there, no other is, and they differ at most by roundoff; `python tools/pages laws` writes them."""
    files = {path.relative_to(DOCS).as_posix(): path.read_text(encoding="utf-8") for path in DOCS.rglob("*.md")}
    assert set(files) == set(all_pages)
    for path, text in all_pages.items():
        found, expected = NUMBER.split(files[path]), NUMBER.split(text)
        assert found[::2] == expected[::2], path
        pairs = zip(found[1::2], expected[1::2], strict=True)
        assert all(isclose(float(a), float(b), rel_tol=1e-2, abs_tol=1e-6) for a, b in pairs), path


@pytest.mark.parametrize(("kind", "code"), [pytest.param(*key, id="-".join(key)) for key in sorted(CATALOG)])
def test_every_law_is_documented(kind: str, code: str) -> None:
    """Statement, what it checks, why it matters, what to write instead, references; its module states what it finds."""
    row = CATALOG[kind, code]
    facts = to_dict(row)
    for name in ("statement", "checks", "why", "instead", "references", "counterexample"):
        assert facts[name], name
    for name in ("statement", "checks", "why"):
        assert facts[name].endswith("."), name
    ast.parse(facts["instead"])
    module = ast.parse((PACKAGE / "spec" / "laws" / kind / f"{file_name(code)}.py").read_text(encoding="utf-8"))
    assert len((ast.get_docstring(module) or "").splitlines()) > 1


def test_every_cause_has_a_code() -> None:
    """Each law that gives a violation a cause gives it a cause code."""
    for file in (PACKAGE / "spec" / "laws").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Violation":
                given = {keyword.arg for keyword in node.keywords}
                assert "cause" not in given or "cause_code" in given, (file.name, node.lineno)
