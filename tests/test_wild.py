"""Bugs found in published packages: the page is complete, and checked again if the packages are installed."""

import importlib.metadata
import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
WILD = ROOT / "benchmarks" / "wild"
PAGE = ROOT / "docs" / "found-in-the-wild.md"


@pytest.fixture
def wild(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The runner as a module, its folder on the path for this test alone."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = set(sys.modules)
    found = importlib.util.spec_from_file_location("wild_main", WILD / "__main__.py")
    assert found is not None and found.loader is not None
    module = importlib.util.module_from_spec(found)
    monkeypatch.setitem(sys.modules, "wild_main", module)
    found.loader.exec_module(module)
    yield module
    for name in set(sys.modules) - before:
        if str(WILD) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


def test_packages_that_are_absent_are_skipped_with_a_reason(
    wild: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each absent package is listed, the page does not change, and the exit code is 2."""

    def version(package: str) -> str:
        raise importlib.metadata.PackageNotFoundError(package)

    monkeypatch.setattr(importlib.metadata, "version", version)
    before = PAGE.read_bytes()
    assert wild.main([]) == 2
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(":")[0] for line in lines] == list(wild.PACKAGES)
    assert all("skipped: not installed" in line for line in lines)
    assert PAGE.read_bytes() == before


def test_another_version_is_not_checked(wild: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The findings are about the pinned version only."""
    monkeypatch.setattr(importlib.metadata, "version", lambda package: "99.0")
    assert wild.absent("mygrad") == f"mygrad: skipped: 99.0 is installed, expected {wild.pinned('mygrad')}"


def test_a_package_that_cannot_be_imported_is_skipped_too(
    wild: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """For example because one of its dependencies is missing."""
    monkeypatch.setattr(importlib.metadata, "version", wild.pinned)
    monkeypatch.setitem(sys.modules, "of_mygrad", None)
    assert wild.main(["mygrad"]) == 2
    assert capsys.readouterr().out.startswith("mygrad: skipped: cannot be imported: ")


def test_an_unknown_package_is_rejected(wild: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """The message lists the known packages."""
    assert wild.main(["torch"]) == 2
    assert "torch: not among npdl, numpy-ml" in capsys.readouterr().out


def test_every_bug_is_on_the_page_with_a_short_script_and_its_output(wild: Any) -> None:
    """Each script has five to fifteen lines, does not use nnlaw, and belongs to a finding."""
    rows, page = wild.findings(), PAGE.read_text(encoding="utf-8")
    bugs = [row for row in rows if row.sort == "bug"]
    assert {row.sort for row in rows} == {"bug", "convention"} and len(bugs) >= 15
    assert {row.script_path for row in bugs} == set((WILD / "scripts").glob("*.py"))
    for row in rows:
        assert f"#### {row.title}\n" in page and row.package in wild.PACKAGES and row.quote in page
    for row in bugs:
        source = row.script_path.read_text(encoding="utf-8")
        assert 5 <= len(source.splitlines()) <= 15 and "spec" not in source and source.rstrip() in page


def test_no_failure_is_listed_by_two_findings(wild: Any) -> None:
    """Each failure belongs to one finding."""
    places = [(row.package, place) for row in wild.findings() for place in row.fails]
    assert len(places) == len(set(places))
