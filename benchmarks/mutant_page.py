"""Write docs/mutation.md, the scores, and docs/data/mutation-survivors.tsv, every survivor with a reason."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from math import sqrt
from typing import Any

from mutant import MATHEMATICS, MESSAGE, NAME, REFUSAL, WRAPPER
from mutant_sandbox import SURVIVED

REMOVED = "removed"  # the result of a mutant whose line no longer exists
BY_SORT = {
    MESSAGE: ("message", "text of an error message for an invalid setting"),
    REFUSAL: ("refusal", "which settings are rejected; no law passes invalid ones"),
    NAME: ("name", "text of a registered name or a contract"),
}
"""Default reasons for survivors of nn."""


@dataclass(frozen=True)
class Row:
    """One mutant and its result, SURVIVED or the law or test that killed it; the date; a later result; and whether
    mutmut itself generates it (`own`)."""

    file: str
    line: int
    was: str
    now: str
    sort: str
    result: str
    when: str = ""
    later: str = ""
    own: bool = True

    @property
    def group(self) -> str:
        """Its folder."""
        return self.file.rpartition("/")[0]

    @property
    def imported(self) -> bool:
        """Whether the mutant could be imported."""
        return not self.result.startswith(("raised", "not collected"))

    @property
    def killed(self) -> bool:
        """Whether a law or a test failed, or the mutant did not run."""
        return self.result != SURVIVED

    @property
    def killed_by_now(self) -> bool:
        """Whether it is killed by the first or the later result."""
        return self.killed or self.later not in ("", SURVIVED, REMOVED)


def page(
    part: str, rows: list[Row], settings: dict[str, Any], places: dict[str, int]
) -> tuple[str, list[str], list[Row], list[str]]:
    """One part of the page, its lines of the table of survivors, survivors without a reason, and unused reasons.

    `places` are the numbers of mutants of each file from which the sample was taken.
    """
    reasons = Reasons(settings.get("reason", []))
    survivors = _survivors(rows, reasons)
    lines = _of_nn(rows) if part == "nn" else _of_spec(rows, settings, places)
    lines += ["", *_by_reason(survivors)]
    table = ["\t".join((part, *line)) for line in survivors]
    return "\n".join(lines) + "\n", table, reasons.missing, reasons.unused()


def with_part(whole: str, text: str) -> str:
    """The page with the part under the heading of `text` replaced by it, or with `text` appended."""
    heading = text.partition("\n")[0]
    parts = ["## " + part.rstrip() + "\n" for part in whole.split("\n## ")[1:]]
    kept = [text if part.partition("\n")[0] == heading else part for part in parts]
    return "\n".join([HEAD, *(kept if text in kept else [*kept, text])])


HEAD = """# Mutation testing

`python benchmarks/mutants.py` writes this page. A mutant is a copy of a file with one small mistake, made by the \
operators of mutmut 3.8.1. It is killed if a law or a test fails. mutmut's own runner skips decorated functions, \
decorators and class attributes, which here means every initializer, schedule and law and all declarations. So only \
its parser and operators are used; benchmarks/mutant_sandbox.py checks the mutants. Names \
of files and folders are those of the measured commits.
"""


COLUMNS = ("part", "file", "line", "before", "after", "reason", "explanation")
COMMENT = "# Survivors of docs/mutation.md. Files and lines are those of the measured commits, which the page lists.\n"


def with_survivors(whole: str, part: str, lines: list[str]) -> str:
    """The table of survivors with the lines of one part replaced."""
    kept = [line for line in whole.splitlines()[2:] if not line.startswith(f"{part}\t")]
    both = [*lines, *kept] if part == "nn" else [*kept, *lines]
    return COMMENT + "\n".join(("\t".join(COLUMNS), *both)) + "\n"


def _of_nn(rows: list[Row]) -> list[str]:
    return [
        "## nn, checked by the laws alone",
        "",
        "No test is run. `nn verify` checks each mutant on the units of its file and on four networks; a mutant of "
        "nn/network.py is also checked on a fifth network, with a layer from a user's file. There are three scores. "
        "mutmut's own scope is the bodies of functions without decorators, including messages and names. Mathematics "
        "is all mutants without messages, conditions of errors, registered names, and code that only names or wraps "
        "things. A mutant that cannot be imported or built counts as killed. " + _measured(rows),
        "",
        *_scores(rows),
        "",
        *_killed_by(rows),
    ]


def _of_spec(rows: list[Row], settings: dict[str, Any], places: dict[str, int]) -> list[str]:
    return [
        "## spec, checked by its own tests",
        "",
        f"The sample is random, with a fixed random seed: {settings['shares'][-1]:.1%} of the mutants of each file, at "
        "least one. Each mutant is checked by the tests that run its line, or by all tests if the line runs on import. "
        "The intervals are 95% Wilson intervals. A mutant that breaks an import or the collection of a test file "
        "counts as killed and is listed separately. No mutant is excluded: messages and names count. "
        + _measured(rows),
        "",
        settings["note"],
        "",
        *_by_group(rows, places),
    ]


def _measured(rows: list[Row]) -> str:
    count = Counter(row.when for row in rows)
    return "Measured on " + ", ".join(f"{when} ({n})" for when, n in sorted(count.items())) + "."


def _by_group(rows: list[Row], places: dict[str, int]) -> list[str]:
    head = ("folder", "mutants", "sample", "killed", "of these not imported", "score", "interval", "score of imported",
            "killed by now")  # fmt: skip
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for group in [*dict.fromkeys(row.group for row in rows), ""]:
        of = [row for row in rows if row.group == group or not group]
        some = [row for row in of if row.imported]
        whole = sum(n for file, n in places.items() if file.rpartition("/")[0] == group or not group)
        dead = sum(row.killed for row in of)
        low, high = wilson(dead, len(of))
        now = f"{sum(row.killed_by_now for row in of)} ({sum(row.killed_by_now for row in of) / len(of):.1%})"
        parts = (_share(of), f"{low:.1%} to {high:.1%}", _share(some), now)
        cells = (whole or "", len(of), dead, len(of) - len(some), *parts)
        lines.append(f"| {group or '**all**'} | {' | '.join(map(str, cells))} |")
    return lines


def wilson(hits: int, n: int) -> tuple[float, float]:
    """The interval (p + z²/2n ± z √(p (1 − p)/n + z²/4n²)) / (1 + z²/n) of a proportion, z = 1.96 (Wilson, 1927)."""
    z, p = 1.959964, hits / n
    middle, half = p + z * z / (2 * n), z * sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return (middle - half) / (1 + z * z / n), (middle + half) / (1 + z * z / n)


def _scores(rows: list[Row]) -> list[str]:
    heads = ("file", "mutants", "killed", "", "in mutmut's own scope", "killed", "", "of the mathematics", "killed", "")
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for file in [*dict.fromkeys(row.file for row in rows), ""]:
        of = [row for row in rows if row.file == file or not file]
        own, inner = [row for row in of if row.own], [row for row in of if row.sort == MATHEMATICS]
        cells = [f"{len(some)} | {sum(r.killed for r in some)} | {_share(some)}" for some in (of, own, inner)]
        lines.append(f"| {file or '**all**'} | {' | '.join(cells)} |")
    return lines


def _share(rows: list[Row]) -> str:
    return f"{sum(row.killed for row in rows) / len(rows):.1%}" if rows else ""


def _killed_by(rows: list[Row]) -> list[str]:
    count = Counter("raised" if row.result.startswith("raised") else row.result for row in rows if row.killed)
    labels = {"raised": "not imported or not built", "refused": "rejected", "time": "timeout"}
    return ["Killed by: " + ", ".join(f"{labels.get(who, f'`{who}`')} {n}" for who, n in count.most_common()) + "."]


def _survivors(rows: list[Row], reasons: Reasons) -> list[tuple[str, ...]]:
    """File, line, code before and after, reason and explanation of each survivor; first those killed by now."""
    later = [(row, "killed later", row.later) for row in rows if row.killed_by_now and not row.killed]
    alive = [(row, *reasons.of(row)) for row in rows if not row.killed_by_now]
    return [(row.file, str(row.line), row.was, row.now, sort, why) for row, sort, why in (*later, *alive)]


def _by_reason(survivors: list[tuple[str, ...]]) -> list[str]:
    count = Counter(sort for *_, sort, _ in survivors)
    later = f"{n} killed by tests written later; " if (n := count.pop("killed later", 0)) else ""
    return [
        f"Survivors by reason: {later}{', '.join(f'{sort} {n}' for sort, n in count.most_common()) or '0'}. "
        "[data/mutation-survivors.tsv](data/mutation-survivors.tsv) lists each one."
    ]


class Reasons:
    """The reasons of mutants.toml: patterns for `file`, `was` and `now`; `sort` and `why` are the reason."""

    def __init__(self, rows: list[dict[str, str]]) -> None:
        self.rows, self.used = rows, set[int]()
        self.missing: list[Row] = []

    def find(self, row: Row) -> dict[str, str] | None:
        """The first reason that matches."""
        for i, reason in enumerate(self.rows):
            pairs = ((reason["file"], row.file), (reason.get("was", ""), row.was), (reason.get("now", ""), row.now))
            if all(re.search(pattern, text) for pattern, text in pairs):
                self.used.add(i)
                return reason
        return None

    def of(self, row: Row) -> tuple[str, str]:
        """The sort and the explanation for one survivor."""
        if row.later == REMOVED:
            return REMOVED, "the line has been removed or rewritten since"
        if reason := self.find(row):
            return reason["sort"], reason["why"]
        if row.sort in BY_SORT and row.group.startswith("nn"):
            return BY_SORT[row.sort]
        if row.sort != WRAPPER:
            self.missing.append(row)
        return (
            (WRAPPER, "only names or wraps things; no law checks it") if row.sort == WRAPPER else ("no reason yet", "")
        )

    def unused(self) -> list[str]:
        """Reasons that match no survivor."""
        return [str(row) for i, row in enumerate(self.rows) if i not in self.used]
