"""Code that no one here wrote, under our laws: writes docs/found-in-the-wild.md, in about three minutes.

    pip install ...                        see requirements.txt, which pins each package
    python benchmarks/wild                 judges all five, runs every script, writes the page
    python benchmarks/wild npdl dezero     judges these, prints what is broken, writes nothing

Exit code 1 where a broken law is not accounted for in findings.toml, or one that is there holds now; 2 where a package
is not installed as pinned.
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

from findings import BUG, CONVENTION, Finding, findings  # noqa: E402  # it lies beside this file

PACKAGES = {"npdl": "of_npdl", "numpy-ml": "of_numpy_ml", "dezero": "of_dezero", "mygrad": "of_mygrad",
            "scikit-learn": "of_sklearn"}  # fmt: skip


def pinned(package: str) -> str:
    """The version in requirements.txt."""
    lines = (HERE / "requirements.txt").read_text(encoding="utf-8").splitlines()
    return next(line.partition("==")[2] for line in lines if line.startswith(f"{package}=="))


def absent(package: str) -> str:
    """Why a package cannot be judged here, or ""."""
    try:
        found = importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return f"{package}: skipped, for it is not installed; benchmarks/wild/requirements.txt says how"
    return "" if found == pinned(package) else f"{package}: skipped, for {found} is installed, not {pinned(package)}"


@dataclass(frozen=True)
class Judged:
    """What the laws said of one package, and what is known of it."""

    package: str
    reports: dict[str, Any]
    known: list[Finding]

    @property
    def broken(self) -> dict[str, Any]:
        """Each violation, under "subject | law"."""
        return {f"{what} | {v.law}": v for what, report in self.reports.items() for v in report.violations}

    def unaccounted(self) -> list[str]:
        """Broken laws that no finding names, findings that name what is not broken, and subjects that told nothing."""
        named = [place for row in self.known for place in row.breaks]
        unsure = [what for what, report in self.reports.items() if report.verdict in ("inconclusive", "error")]
        new, stale = set(self.broken) - set(named), set(named) - set(self.broken)
        twice = [place for place, count in Counter(named).items() if count > 1]
        return [*(f"new: {self.broken[place].message}" for place in sorted(new)),
                *(f"no longer broken: {place}" for place in sorted(stale)),
                *(f"named twice: {place}" for place in twice), *(f"inconclusive: {what}" for what in unsure)]

    def of(self, sort: str) -> list[Finding]:
        """Its findings of one sort."""
        return [row for row in self.known if row.sort == sort]


def judge(package: str) -> Judged:
    """Every subject of one package."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        subjects = importlib.import_module(PACKAGES[package]).subjects()
        reports = {subject.what: subject.judge() for subject in subjects}
    return Judged(package, reports, [row for row in findings() if row.package == package])


def shown(row: Finding) -> str:
    """What a finding's script prints. Raises RuntimeError where it fails."""
    done = subprocess.run([sys.executable, "-W", "ignore", str(row.script_path)], capture_output=True, text=True,
                          env=os.environ | {"PYTHONPATH": str(HERE)}, check=False)
    if done.returncode:
        raise RuntimeError(f"{row.script_path.name} failed: {done.stderr}")
    return done.stdout.rstrip()


def page(checked: Sequence[Judged]) -> str:
    """The text of the page."""
    from nn.page import Page

    bugs = [row for of in checked for row in of.of(BUG)]
    read, sharpened = sum(not row.breaks for row in bugs), sum(row.sharpened for row in bugs)
    sheet = Page().heading("Found in the wild", 1).text(
        "Five packages from PyPI, written by others for others, under the laws of this kit, as anyone's plugin is. "
        "Adapters in benchmarks/wild say each in the words of the protocol and change no mathematics; "
        "`python benchmarks/wild` judges all and writes this page. What a law found was then looked up in the "
        "package's source, and is shown once more by a script that knows nothing of this kit."
    )
    sheet.table(*_summary(checked)).text(
        f"That is {len(bugs)} bugs, {len(bugs) - read} of them found by a law, {sharpened} of these only after the law "
        f"was sharpened for it, and {read} seen by reading the source alone, most of them where no law of ours has "
        "ground: an option that is ignored, a hook that fails. Broken laws that a package means as they are, such as "
        "a sum over the batch, are told apart as conventions. One fault often breaks a law for several things, and "
        "what rests on a broken law is not judged: a thing with one finding may have others behind it."
    ).text(_bills(checked))
    for of in checked:
        _package(sheet, of)
    return sheet.markdown()


def _summary(checked: Sequence[Judged]) -> tuple[list[str], list[list[str]]]:
    head = ["package", "things judged", "all held", "laws held", "laws broken", "not judged", "bugs", "conventions"]
    rows = []
    for of in checked:
        laws = Counter(verdict.verdict for report in of.reports.values() for verdict in report.verdicts)
        held = sum(report.verdict == "holds" for report in of.reports.values())
        rows.append([f"{of.package} {pinned(of.package)}", str(len(of.reports)), str(held), str(laws["holds"]),
                     str(laws["broken"]), str(laws["not judged"]), str(len(of.of(BUG))), str(len(of.of(CONVENTION)))])
    return head, rows


def _bills(checked: Sequence[Judged]) -> str:
    """Which packages are nearly clean: those with fewer than one bug for ten things judged."""
    few, many = [], []
    for of in checked:
        bugs, things = len(of.of(BUG)), len(of.reports)
        (few if bugs < 0.1 * things else many).append(f"{of.package} ({bugs} in {things} things)")
    return (f"Nearly clean, with fewer than one bug for ten things judged: {', '.join(few) or 'none'}. "
            f"Not so: {', '.join(many) or 'none'}.")


def _package(sheet: Any, of: Judged) -> None:
    sheet.heading(f"{of.package} {pinned(of.package)}")
    sheet.text(" ".join((importlib.import_module(PACKAGES[of.package]).__doc__ or "").partition("\n\n")[2].split()))
    kinds = Counter(report.kind for report in of.reports.values())
    held = Counter(report.kind for report in of.reports.values() if report.verdict == "holds")
    sheet.table(["kind", "judged", "all laws held", "broken"],
                [[kind, str(n), str(held[kind]), ", ".join(_broken(of, kind)) or "none"] for kind, n in kinds.items()])
    for sort, title in ((BUG, "Bugs"), (CONVENTION, "Conventions")):
        if of.of(sort):
            sheet.heading(f"{of.package}: {title.lower()}", 3)
        for row in of.of(sort):
            _finding(sheet, of, row)


def _broken(of: Judged, kind: str) -> Iterator[str]:
    for what, report in of.reports.items():
        if report.kind == kind and report.violations:
            yield f"{what} ({', '.join(v.law for v in report.violations)})"


def _finding(sheet: Any, of: Judged, row: Finding) -> None:
    sheet.heading(row.title, 4)
    sheet.text(f"{row.says} `{row.spot()}`: `{row.quote}`")
    laws = [f"{place.replace(' | ', '  [')}]: {_figures(of.broken[place])}" for place in row.breaks]
    sheet.code(laws or ["seen by reading the source, not by a law"])
    if row.script:
        source = row.script_path.read_text(encoding="utf-8").rstrip()
        sheet.code([f"# scripts/{row.script_path.name}", *source.splitlines(), "", *shown(row).splitlines()])


def _figures(violation: Any) -> str:
    at = f"[{', '.join(map(str, violation.index))}]" if violation.index is not None else ""
    return f"{violation.array or 'the check'}{at} is {violation.actual}, expected {violation.expected}"


def main(names: Sequence[str]) -> int:
    """Judge these packages, or all and write the page."""
    wanted = list(names) or list(PACKAGES)
    if unknown := [name for name in wanted if name not in PACKAGES]:
        print(f"{', '.join(unknown)}: not among {', '.join(PACKAGES)}")
        return 2
    checked: list[Judged] = []
    for name in wanted:
        try:
            reason = absent(name)
            checked += [] if reason else [judge(name)]
        except ImportError as error:
            reason = f"{name}: skipped, for it cannot be imported: {error}"
        if reason:
            print(reason)
            continue
        print(f"{name}: {len(checked[-1].reports)} things, {len(checked[-1].broken)} laws broken", flush=True)
        for line in checked[-1].unaccounted():
            print(f"  {line}")
        if names:
            print("\n".join(violation.message for violation in checked[-1].broken.values()))
    if len(checked) == len(wanted) and not names:
        PAGE.write_text(page(checked), encoding="utf-8")
        print(f"{PAGE.relative_to(ROOT)} is written")
    return 2 if len(checked) < len(wanted) else int(any(of.unaccounted() for of in checked))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
