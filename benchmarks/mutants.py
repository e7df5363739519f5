"""How many small mistakes are seen: mutants of nn by the laws alone, and a sample of those of spec by its tests.

    pip install mutmut==3.8.1 && nice python benchmarks/mutants.py        writes docs/mutation.md
    python benchmarks/mutants.py --only nn/layers                         prints, and writes nothing
    python benchmarks/mutants.py --journal FILE                           goes on after a stop
    python benchmarks/mutants.py --part nn --before FILE                    asks first the law that killed it then
    python benchmarks/mutants.py --part spec --journal FILE --again       asks today's tests about unexplained survivors

One mutant is judged at a time. mutants.toml says which plugins judge which file of nn, and with mutants_spec.toml why
each survivor survives; a survivor without a reason there, and a reason without a survivor, make the exit code 1.
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
from mutant_judge import Sandbox, judged_by_laws
from mutant_maker import Source
from mutant_page import GONE, Reasons, Row, page, with_part
from mutant_tests import UNJUDGED, Touching

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "mutation.md"
PARTS = {"nn": "mutants.toml", "spec": "mutants_spec.toml"}
LAW, NO_LAWS = re.compile(r"[a-z-]+"), ("held", "time", "crash", "refused", "error", "inconclusive")  # verdicts
Key = tuple[Any, ...]  # of a mutant: file, line, was, now
LIMIT = 30.0  # seconds for a mutant of nn, which takes well under one
WALL = 1800.0  # seconds for a mutant of spec, whose tests have a limit of their own in processor time


class LawFunction:
    """Judges mutants one at a time, and writes each verdict down, and when it was given, before the next."""

    def __init__(self, place: Sandbox, journal: Path | None) -> None:
        self.place, self.journal = place, journal
        self.known: dict[Key, Row] = {}
        for line in journal.read_text(encoding="utf-8").splitlines() if journal and journal.exists() else ():
            *key, sort, verdict, when = json.loads(line)
            self.learn(tuple(key), sort, verdict, when)
        shown = subprocess.run(("git", "describe", "--always", "--dirty"), cwd=ROOT, capture_output=True, text=True)
        self.now = f"{date.today()} at {shown.stdout.strip() or 'no known revision'}"

    def learn(self, key: Key, sort: str, verdict: str, when: str) -> None:
        """A first verdict, or a later one."""
        first = self.known.get(key)
        self.known[key] = replace(first, later=verdict) if first else Row(*key, sort, verdict, when)

    def note(self, key: Key, sort: str, verdict: str) -> None:
        """Learn a verdict of today, and write it down."""
        if verdict.startswith(UNJUDGED):
            raise SystemExit(f"{key}: {verdict}")
        self.learn(key, sort, verdict, self.now)
        if self.journal:
            with self.journal.open("a", encoding="utf-8") as file:
                file.write(json.dumps([*key, sort, verdict, self.now]) + "\n")

    def row(self, mutant: Mutant, judging: Callable[[], Callable[[], str]], limit: float) -> Row:
        """The verdict on one mutant, given by what `judging` gets ready, where it is not known yet."""
        if mutant.key not in self.known:
            self.note(mutant.key, mutant.sort, self.place.judge(mutant, judging(), limit))
        return self.known[mutant.key]


def by_laws(judge: LawFunction, settings: dict[str, Any], only: str, before: Path | None) -> Iterator[Row]:
    """Every mutant of the files of nn under the laws of their own plugins, and of the models made of them.

    The journal `before` tells which law killed it in an earlier run, wherever its line stood then.
    """
    killers = {}
    for line in before.read_text(encoding="utf-8").splitlines() if before else ():
        file, _, was, now, _, verdict, _ = json.loads(line)
        killers[file, was, now] = verdict if LAW.fullmatch(verdict) and verdict not in NO_LAWS else ""
    aside = settings.get("aside", {})
    for file, targets in settings["nn"].items():
        if only not in file:
            continue
        targets = [*targets, *(settings["models"] if file not in settings["without_models"] else [])]
        checked = partial(judged_by_laws, settings["plugins"], targets)
        said = judge.place.judge(None, checked, LIMIT)
        if said != "held":
            raise SystemExit(f"{file}: without any mutant the laws of {', '.join(targets)} say: {said}")
        for mutant in Source(ROOT, file, tuple(aside.get(file, ()))).mutants():
            first = killers.get((mutant.file, mutant.was, mutant.now), "")
            row = judge.row(mutant, lambda checked=checked, first=first: partial(checked, first), LIMIT)
            yield replace(row, own=mutant.own)


def by_tests(judge: LawFunction, shares: list[float], only: str) -> Iterator[Row]:
    """The last of the samples of the mutants of spec, under those tests that run their line."""
    chosen = ((source, sample(source.file, source.count, shares)) for source in _of_spec(only))
    drawn = [mutant for source, numbers in chosen for mutant in source.mutants(numbers)]
    touching = Touching(judge.place)
    for mutant in drawn:  # all were made before the first is judged, so that the file may change meanwhile
        yield judge.row(mutant, partial(touching.judging, mutant), WALL)


def again(judge: LawFunction, settings: dict[str, Any]) -> Iterator[Row]:
    """The rows of the journal, survivors without a reason judged by today's tests, where their line still stands."""
    touching, reasons = Touching(judge.place), Reasons(settings.get("reason", []))
    sources = _of_spec("")
    for key, row in list(judge.known.items()):
        if not row.seen and not reasons.find(row):
            sources.sort(key=lambda source: source.file != row.file)
            found = next((mutant for source in sources for mutant in source.like(row.line, row.was, row.now)), None)
            verdict = judge.place.judge(found, touching.judging(found), WALL) if found else GONE
            judge.note(key, row.sort, verdict)
        yield judge.known[key]


def _of_spec(only: str) -> list[Source]:
    files = (path.relative_to(ROOT).as_posix() for path in sorted((ROOT / "spec").rglob("*.py")))
    return [Source(ROOT, file) for file in files if only in file and "fixtures" not in file]


def sample(file: str, count: int, shares: list[float]) -> list[int]:
    """The last of several samples of the `count` mutants of a file, which have none in common: of each share, and at
    least one."""
    rest, chosen = list(range(count)), list[int]()
    for i, share in enumerate(shares):
        random.Random(f"{i} {file}").shuffle(rest)
        cut = max(1, round(share * count))
        chosen, rest = rest[:cut], sorted(rest[cut:])
    return chosen


def main() -> int:
    """Exit code 1 where a survivor has no reason, or a reason no survivor."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--part", choices=PARTS, help="judge this part alone, and leave the other as the page has it")
    parser.add_argument("--only", default="", help="judge the files whose path holds this, print, and write no page")
    parser.add_argument("--journal", type=Path, help="where verdicts are kept, so that none is asked for twice")
    parser.add_argument("--before", type=Path, help="a journal of an earlier run: the law that killed is asked first")
    parser.add_argument("--again", action="store_true", help="ask today's tests about survivors without a reason")
    asked = parser.parse_args()
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    bad = False
    with Sandbox(ROOT) as place:
        judge = LawFunction(place, asked.journal)
        for part in [asked.part] if asked.part else PARTS:
            settings = tomllib.loads(Path(__file__).with_name(PARTS[part]).read_text(encoding="utf-8"))
            if part == "nn":
                rows = list(_told(by_laws(judge, settings, asked.only, asked.before)))
            else:
                found = again(judge, settings) if asked.again else by_tests(judge, settings["shares"], asked.only)
                rows = list(_told(found))
            places = {source.file: source.count for source in _of_spec(asked.only)}
            text, missing, idle = page(part, rows, settings, places)
            if not asked.only:
                PAGE.write_text(with_part(PAGE.read_text(encoding="utf-8"), text), encoding="utf-8")
            for row in missing:
                print(f"no reason: {row.file}:{row.line}  {row.was}  =>  {row.now}")
            for reason in idle if not asked.only else ():
                print(f"no survivor: {reason}")
            bad |= bool(missing or (idle and not asked.only))
    return int(bad)


def _told(rows: Iterator[Row]) -> Iterator[Row]:
    """The rows, each file's score printed when it is done."""
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
