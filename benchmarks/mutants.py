"""How many small mistakes are seen: mutants of nn by the laws alone, and a sample of those of spec by its tests.

    pip install mutmut==3.8.1 && nice python benchmarks/mutants.py        writes docs/mutation.md
    python benchmarks/mutants.py --only nn/layers                         prints, and writes nothing
    python benchmarks/mutants.py --journal FILE                           goes on after a stop

One mutant is judged at a time. mutants.toml says which plugins judge which file, and why each survivor survives; a
survivor without a reason there, and a reason without a survivor, make the exit code 1.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

from mutant import Mutant
from mutant_judge import Workplace, judged_by_laws
from mutant_maker import Source
from mutant_page import Row, page
from mutant_tests import UNJUDGED, Touching

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "mutation.md"
SETTINGS = Path(__file__).with_suffix(".toml")
LIMIT = 30.0  # seconds for a mutant of nn, which takes well under one
WALL = 1800.0  # seconds for a mutant of spec, whose tests have a limit of their own in processor time


class Judge:
    """Judges mutants one at a time, and writes each verdict down, and when it was given, before the next."""

    def __init__(self, place: Workplace, journal: Path | None) -> None:
        self.place, self.journal = place, journal
        lines = journal.read_text(encoding="utf-8").splitlines() if journal and journal.exists() else []
        self.known = {key: (verdict, when) for key, verdict, when in map(json.loads, lines)}
        shown = subprocess.run(("git", "describe", "--always", "--dirty"), cwd=ROOT, capture_output=True, text=True)
        self.now = f"{date.today()} at {shown.stdout.strip() or 'no known revision'}"

    def row(self, mutant: Mutant, judging: Callable[[], Callable[[], str]], limit: float) -> Row:
        """The verdict on one mutant, given by what `judging` gets ready, where it is not known yet."""
        if mutant.key not in self.known:
            verdict = self.place.judge(mutant, judging(), limit)
            if verdict.startswith(UNJUDGED):
                raise SystemExit(f"{mutant.key}: {verdict}")
            self.known[mutant.key] = verdict, self.now
            if self.journal:
                with self.journal.open("a", encoding="utf-8") as file:
                    file.write(json.dumps([mutant.key, verdict, self.now]) + "\n")
        return Row(mutant.file, mutant.line, mutant.was, mutant.now, mutant.sort, *self.known[mutant.key])


def by_laws(judge: Judge, settings: dict[str, Any], only: str) -> Iterator[Row]:
    """Every mutant of the files of nn under the laws of their own plugins, and of the models made of them."""
    aside = settings.get("aside", {})
    for file, targets in settings["nn"].items():
        if only not in file:
            continue
        targets = [*targets, *(settings["models"] if file not in settings["without_models"] else [])]
        said = judge.place.judge(None, partial(judged_by_laws, targets), LIMIT)
        if said != "held":
            raise SystemExit(f"{file}: without any mutant the laws of {', '.join(targets)} say: {said}")
        for mutant in Source(ROOT, file, tuple(aside.get(file, ()))).mutants():
            yield judge.row(mutant, lambda of=targets: partial(judged_by_laws, of), LIMIT)


def by_tests(judge: Judge, shares: list[float], only: str, places: dict[str, int]) -> Iterator[Row]:
    """The last of the samples of the mutants of spec, under those tests that run their line.

    `places` is told how many mutants each file has.
    """
    drawn: list[Mutant] = []
    for file in (path.relative_to(ROOT).as_posix() for path in sorted((ROOT / "spec").rglob("*.py"))):
        if only in file and "fixtures" not in file:
            source = Source(ROOT, file)
            places[file] = len(source.found)
            drawn += source.mutants(sample(file, len(source.found), shares))
    touching = Touching(judge.place)
    for mutant in drawn:  # all were made before the first is judged, so that the file may change meanwhile
        yield judge.row(mutant, partial(touching.judging, mutant), WALL)


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
    parser.add_argument("--only", default="", help="judge the files whose path holds this, print, and write no page")
    parser.add_argument("--journal", type=Path, help="where verdicts are kept, so that none is asked for twice")
    asked = parser.parse_args()
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    settings = tomllib.loads(SETTINGS.read_text(encoding="utf-8"))
    with Workplace(ROOT) as place:
        judge = Judge(place, asked.journal)
        found = {"nn": list(_told(by_laws(judge, settings, asked.only)))}
        places: dict[str, int] = {}
        found["spec"] = list(_told(by_tests(judge, settings["shares"], asked.only, places)))
    text, missing, idle = page(found, settings, places)
    if asked.only:
        idle = []
    else:
        PAGE.write_text(text, encoding="utf-8")
    for row in missing:
        print(f"no reason: {row.file}:{row.line}  {row.was}  =>  {row.now}")
    for reason in idle:
        print(f"no survivor: {reason}")
    return int(bool(missing or idle))


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
