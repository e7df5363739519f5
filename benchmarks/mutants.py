"""Mutation testing: check mutants of nn with the laws alone, and a sample of the mutants of spec with its tests.

    pip install mutmut==3.8.1 && nice python benchmarks/mutants.py        writes docs/mutation.md and its data
    python benchmarks/mutants.py --only nn/layers                         prints the results and writes no page
    python benchmarks/mutants.py --journal FILE                           continues after an interruption
    python benchmarks/mutants.py --part nn --before FILE                  first checks the law that killed it before
    python benchmarks/mutants.py --part spec --journal FILE --recheck     checks survivors without a reason again

One mutant is checked at a time. mutants.toml lists the units that check each file of nn. It and mutants_spec.toml give
the reason why each survivor survives. The exit code is 1 if a survivor has no reason or a reason no survivor.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

from mutant import Mutant
from mutant_maker import Source
from mutant_page import REMOVED, Reasons, Row, page, with_part, with_survivors
from mutant_sandbox import SURVIVED, Sandbox, failed_law
from mutant_tests import NO_RESULT, CoveringTests

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "mutation.md"
SURVIVORS = ROOT / "docs" / "data" / "mutation-survivors.tsv"
PARTS = {"nn": "mutants.toml", "spec": "mutants_spec.toml"}
LAW = re.compile(r"[a-z-]+")
NO_LAWS = (SURVIVED, "held", "time", "crash", "refused", "error", "inconclusive")  # results; "held" in old journals
Key = tuple[Any, ...]  # identifies a mutant: file, line, was, now
LIMIT = 30.0  # seconds for a mutant of nn, which takes well under one
WALL = 1800.0  # seconds for a mutant of spec, whose tests have a limit of their own in processor time


class Results:
    """Checks mutants one at a time and records each result and its date in the journal before the next."""

    def __init__(self, place: Sandbox, journal: Path | None) -> None:
        self.place, self.journal = place, journal
        self.known: dict[Key, Row] = {}
        for line in journal.read_text(encoding="utf-8").splitlines() if journal and journal.exists() else ():
            *key, sort, result, when = json.loads(line)
            self.add(tuple(key), sort, result, when)
        shown = subprocess.run(("git", "describe", "--always", "--dirty"), cwd=ROOT, capture_output=True, text=True)
        self.now = f"{date.today()} at {shown.stdout.strip() or 'no known revision'}"

    def add(self, key: Key, sort: str, result: str, when: str) -> None:
        """Add a first or a later result."""
        first = self.known.get(key)
        self.known[key] = replace(first, later=result) if first else Row(*key, sort, result, when)

    def record(self, key: Key, sort: str, result: str) -> None:
        """Add a new result and append it to the journal."""
        if result.startswith(NO_RESULT):
            raise SystemExit(f"{key}: {result}")
        self.add(key, sort, result, self.now)
        if self.journal:
            with self.journal.open("a", encoding="utf-8") as file:
                file.write(json.dumps([*key, sort, result, self.now]) + "\n")

    def row(self, mutant: Mutant, prepare: Callable[[], Callable[[], str]], limit: float) -> Row:
        """The result for one mutant. If it is new, the function that `prepare` returns checks it."""
        if mutant.key not in self.known:
            self.record(mutant.key, mutant.sort, self.place.check(mutant, prepare(), limit))
        return self.known[mutant.key]


def by_laws(results: Results, settings: dict[str, Any], only: str, before: Path | None) -> Iterator[Row]:
    """Check every mutant of nn with the laws of the units in its file and of models built from them.

    The journal `before` gives the law that killed the mutant in an earlier run, on any line.
    """
    killers = {}
    for line in before.read_text(encoding="utf-8").splitlines() if before else ():
        file, _, was, now, _, result, _ = json.loads(line)
        killers[file, was, now] = result if LAW.fullmatch(result) and result not in NO_LAWS else ""
    wrappers = settings.get("wrappers", {})
    for file, targets in settings["nn"].items():
        if only not in file:
            continue
        targets = [*targets, *(settings["models"] if file not in settings["without_models"] else [])]
        checked = partial(failed_law, settings["plugins"], targets)
        result = results.place.check(None, checked, LIMIT)
        if result != SURVIVED:
            raise SystemExit(f"{file}: the laws of {', '.join(targets)} fail without a mutant: {result}")
        for mutant in Source(ROOT, file, tuple(wrappers.get(file, ()))).mutants():
            first = killers.get((mutant.file, mutant.was, mutant.now), "")
            row = results.row(mutant, lambda checked=checked, first=first: partial(checked, first), LIMIT)
            yield replace(row, own=mutant.own)


def by_tests(results: Results, shares: list[float], only: str) -> Iterator[Row]:
    """Check the last sample of the mutants of spec with the tests that run their line."""
    chosen = ((source, sample(source.file, source.count, shares)) for source in _of_spec(only))
    chosen_mutants = [mutant for source, numbers in chosen for mutant in source.mutants(numbers)]
    covering = CoveringTests(results.place)
    for mutant in chosen_mutants:  # all are made before the first is checked, so the files may change meanwhile
        yield results.row(mutant, partial(covering.check, mutant), WALL)


def recheck(results: Results, settings: dict[str, Any]) -> Iterator[Row]:
    """The rows of the journal. Survivors without a reason are checked with the current tests if their line exists."""
    covering, reasons = CoveringTests(results.place), Reasons(settings.get("reason", []))
    sources = _of_spec("")
    for key, row in list(results.known.items()):
        if not row.seen and not reasons.find(row):
            sources.sort(key=lambda source: source.file != row.file)
            found = next((mutant for source in sources for mutant in source.like(row.line, row.was, row.now)), None)
            result = results.place.check(found, covering.check(found), WALL) if found else REMOVED
            results.record(key, row.sort, result)
        yield results.known[key]


def _of_spec(only: str) -> list[Source]:
    files = (path.relative_to(ROOT).as_posix() for path in sorted((ROOT / "spec").rglob("*.py")))
    return [Source(ROOT, file) for file in files if only in file and "fixtures" not in file]


def sample(file: str, count: int, shares: list[float]) -> list[int]:
    """The last of several disjoint samples of the `count` mutants of a file, one for each share, of at least one."""
    rest, chosen = list(range(count)), list[int]()
    for i, share in enumerate(shares):
        random.Random(f"{i} {file}").shuffle(rest)
        cut = max(1, round(share * count))
        chosen, rest = rest[:cut], sorted(rest[cut:])
    return chosen


def main() -> int:
    """Exit code 1 if a survivor has no reason or a reason no survivor."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--part", choices=PARTS, help="check only this part and keep the other part of the page")
    parser.add_argument("--only", default="", help="check only files whose path contains this; write no page")
    parser.add_argument("--journal", type=Path, help="file of results, so that no mutant is checked twice")
    parser.add_argument(
        "--before", type=Path, help="journal of an earlier run: check the law that killed the mutant first"
    )
    parser.add_argument(
        "--recheck", action="store_true", help="check survivors without a reason with the current tests"
    )
    options = parser.parse_args()
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    bad = False
    with Sandbox(ROOT) as place:
        results = Results(place, options.journal)
        for part in [options.part] if options.part else PARTS:
            settings = tomllib.loads(Path(__file__).with_name(PARTS[part]).read_text(encoding="utf-8"))
            if part == "nn":
                rows = list(_with_progress(by_laws(results, settings, options.only, options.before)))
            else:
                found = (
                    recheck(results, settings)
                    if options.recheck
                    else by_tests(results, settings["shares"], options.only)
                )
                rows = list(_with_progress(found))
            places = {source.file: source.count for source in _of_spec(options.only)}
            text, survivors, missing, unused = page(part, rows, settings, places)
            if not options.only:
                PAGE.write_text(with_part(PAGE.read_text(encoding="utf-8"), text), encoding="utf-8")
                table = with_survivors(SURVIVORS.read_text(encoding="utf-8"), part, survivors)
                SURVIVORS.write_text(table, encoding="utf-8")
            for row in missing:
                print(f"no reason: {row.file}:{row.line}  {row.was}  =>  {row.now}")
            for reason in unused if not options.only else ():
                print(f"no survivor: {reason}")
            bad |= bool(missing or (unused and not options.only))
    return int(bad)


def _with_progress(rows: Iterator[Row]) -> Iterator[Row]:
    """The rows; prints the score of each file after its last row."""
    file, count, killed = "", 0, 0
    for row in rows:
        if row.file != file:
            if file:
                print(f"{file}: {killed} of {count}", flush=True)
            file, count, killed = row.file, 0, 0
        count, killed = count + 1, killed + row.killed
        yield row
    if file:
        print(f"{file}: {killed} of {count}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
