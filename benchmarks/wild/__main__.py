"""Check published packages with the laws and write docs/found-in-the-wild.md; takes about three minutes.

    pip install ...                        see requirements.txt, which pins each package
    python benchmarks/wild                 checks all five, runs every script, writes the page
    python benchmarks/wild npdl dezero     checks these, prints the failures, writes no page

Exit code 1 if findings.toml does not list a failed law or lists one that passes; 2 if a package is not installed in the
pinned version.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import os
import subprocess
import sys
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ["OPENBLAS_NUM_THREADS"] = "1"
HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PAGE = ROOT / "docs" / "found-in-the-wild.md"
sys.path[:0] = [str(HERE), str(ROOT)]

from findings import BUG, CONVENTION, Finding, findings  # noqa: E402  # a file in this folder

PACKAGES = {"npdl": "of_npdl", "numpy-ml": "of_numpy_ml", "dezero": "of_dezero", "mygrad": "of_mygrad",
            "scikit-learn": "of_sklearn"}  # fmt: skip


def pinned(package: str) -> str:
    """The version in requirements.txt."""
    lines = (HERE / "requirements.txt").read_text(encoding="utf-8").splitlines()
    return next(line.partition("==")[2] for line in lines if line.startswith(f"{package}=="))


def absent(package: str) -> str:
    """Why a package cannot be checked here, or ""."""
    try:
        found = importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return f"{package}: skipped: not installed; see benchmarks/wild/requirements.txt"
    return "" if found == pinned(package) else f"{package}: skipped: {found} is installed, expected {pinned(package)}"


@dataclass(frozen=True)
class Checked:
    """The reports on one package and its known findings."""

    package: str
    reports: dict[str, Any]
    known: list[Finding]

    @property
    def failed(self) -> dict[str, Any]:
        """Each violation by its key, "unit | law"."""
        return {f"{what} | {v.law}": v for what, report in self.reports.items() for v in report.violations}

    def unaccounted(self) -> list[str]:
        """Failures without a finding, findings whose law does not fail, and units without a result."""
        named = [place for row in self.known for place in row.fails]
        unsure = [what for what, report in self.reports.items() if report.outcome not in ("passed", "failed")]
        new, stale = set(self.failed) - set(named), set(named) - set(self.failed)
        twice = [place for place, count in Counter(named).items() if count > 1]
        return [*(f"new: {self.failed[place].message}" for place in sorted(new)),
                *(f"no longer fails: {place}" for place in sorted(stale)),
                *(f"listed twice: {place}" for place in twice), *(f"not checked in full: {what}" for what in unsure)]

    def of(self, sort: str) -> list[Finding]:
        """Its findings of one sort."""
        return [row for row in self.known if row.sort == sort]


def check(package: str) -> Checked:
    """Check every unit of one package."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        subjects = importlib.import_module(PACKAGES[package]).subjects()
        reports = {subject.what: subject.check() for subject in subjects}
    return Checked(package, reports, [row for row in findings() if row.package == package])


def shown(row: Finding) -> str:
    """What a finding's script prints. Raises RuntimeError if it fails."""
    done = subprocess.run([sys.executable, "-W", "ignore", str(row.script_path)], capture_output=True, text=True,
                          env=os.environ | {"PYTHONPATH": str(HERE)}, check=False)
    if done.returncode:
        raise RuntimeError(f"{row.script_path.name} failed: {done.stderr}")
    return done.stdout.rstrip()


def page(checked: Sequence[Checked]) -> str:
    """The text of the page."""
    from nnlaw.nn.core.markdown_page import MarkdownPage

    bugs = [row for of in checked for row in of.of(BUG)]
    read, stricter = sum(not row.fails for row in bugs), sum(row.sharpened for row in bugs)
    sheet = MarkdownPage().heading("Found in the wild", 1).text(
        "Five packages from PyPI, checked by the laws of nnlaw as any user's code is. The adapters in benchmarks/wild "
        "fit each package to the protocol and change no mathematics. `python benchmarks/wild` checks all packages and "
        "writes this page. Every failure was traced to the package's source, and a script that does not use nnlaw "
        "reproduces it."
    )
    sheet.table(*_summary(checked)).text(
        f"In total there are {len(bugs)} bugs. Laws found {len(bugs) - read} of them, {stricter} only after a law was "
        f"made stricter for it; {read} were found by reading the source, most of them in code that the laws do not "
        "cover, such as an ignored option or a hook that fails. Failures that are intended by a package, such as a sum "
        "over the batch, are listed separately as conventions. One bug often makes a law fail for several units, and "
        "laws that depend on a failed law are skipped, so a unit with one finding may have more."
    ).text(_bug_rates(checked))
    for of in checked:
        _package(sheet, of)
    return sheet.markdown()


def _summary(checked: Sequence[Checked]) -> tuple[list[str], list[list[str]]]:
    head = ["package", "units", "passed", "laws passed", "laws failed", "laws skipped", "bugs", "conventions"]
    rows = []
    for of in checked:
        laws = Counter(row.outcome.value for report in of.reports.values() for row in report.results)
        passed = sum(report.outcome == "passed" for report in of.reports.values())
        rows.append([f"{of.package} {pinned(of.package)}", str(len(of.reports)), str(passed), str(laws["pass"]),
                     str(laws["fail"]), str(laws["skipped"]), str(len(of.of(BUG))), str(len(of.of(CONVENTION)))])
    return head, rows


def _bug_rates(checked: Sequence[Checked]) -> str:
    """Which packages have fewer than one bug per ten units."""
    few, many = [], []
    for of in checked:
        bugs, units = len(of.of(BUG)), len(of.reports)
        noun = "bug" if bugs == 1 else "bugs"
        (few if bugs < 0.1 * units else many).append(f"{of.package} ({bugs} {noun} in {units} units)")
    return (f"Fewer than one bug per ten units: {', '.join(few) or '-'}. "
            f"More: {', '.join(many) or '-'}.")


def _package(sheet: Any, of: Checked) -> None:
    sheet.heading(f"{of.package} {pinned(of.package)}")
    sheet.text(" ".join((importlib.import_module(PACKAGES[of.package]).__doc__ or "").partition("\n\n")[2].split()))
    kinds = Counter(report.kind for report in of.reports.values())
    passed = Counter(report.kind for report in of.reports.values() if report.outcome == "passed")
    sheet.table(["kind", "units", "passed", "failed laws"],
                [[kind, str(n), str(passed[kind]), ", ".join(_failed(of, kind)) or "-"] for kind, n in kinds.items()])
    for sort, title in ((BUG, "Bugs"), (CONVENTION, "Conventions")):
        if of.of(sort):
            sheet.heading(f"{of.package}: {title.lower()}", 3)
        for row in of.of(sort):
            _finding(sheet, of, row)


def _failed(of: Checked, kind: str) -> Iterator[str]:
    for what, report in of.reports.items():
        if report.kind == kind and report.violations:
            yield f"{what} ({', '.join(v.law for v in report.violations)})"


def _finding(sheet: Any, of: Checked, row: Finding) -> None:
    sheet.heading(row.title, 4)
    sheet.text(f"{row.text} `{row.spot()}`: `{row.quote}`")
    laws = [f"{place.replace(' | ', '  [')}]: {_details(of.failed[place])}" for place in row.fails]
    sheet.code(laws or ["found by reading the source, not by a law"])
    if row.script:
        source = row.script_path.read_text(encoding="utf-8").rstrip()
        sheet.code([f"# scripts/{row.script_path.name}", *source.splitlines(), "", *shown(row).splitlines()])


def _details(violation: Any) -> str:
    array = violation.array or "the output"
    if violation.index is not None:
        at = f"[{', '.join(map(str, violation.index))}]"
        expected = f"{violation.reference} give" if violation.reference else "expected"
        return f"{array}{at} = {violation.actual}, {expected} {violation.expected}"
    return f"{array} is {violation.actual}, expected {violation.expected}"


def main(names: Sequence[str]) -> int:
    """Check these packages, or all packages and write the page."""
    packages = list(names) or list(PACKAGES)
    if unknown := [name for name in packages if name not in PACKAGES]:
        print(f"{', '.join(unknown)}: not among {', '.join(PACKAGES)}")
        return 2
    checked: list[Checked] = []
    for name in packages:
        try:
            reason = absent(name)
            checked += [] if reason else [check(name)]
        except ImportError as error:
            reason = f"{name}: skipped: cannot be imported: {error}"
        if reason:
            print(reason)
            continue
        print(f"{name}: {len(checked[-1].reports)} units, {len(checked[-1].failed)} laws failed", flush=True)
        for line in checked[-1].unaccounted():
            print(f"  {line}")
        if names:
            print("\n".join(violation.message for violation in checked[-1].failed.values()))
    if len(checked) == len(packages) and not names:
        PAGE.write_text(page(checked), encoding="utf-8")
        print(f"{PAGE.relative_to(ROOT)} written")
    return 2 if len(checked) < len(packages) else int(any(of.unaccounted() for of in checked))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
