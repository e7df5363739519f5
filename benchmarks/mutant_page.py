"""docs/mutation.md: scores per file, and every survivor with its line and a reason."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from math import sqrt
from typing import Any

from mutant import ASIDE, MATHEMATICS, MESSAGE, NAME, REFUSAL

GONE = "gone"  # whose line is no longer there
BY_SORT = {
    MESSAGE: ("message", "the words in which a setting is refused"),
    REFUSAL: ("refusal", "which settings are refused: no law hands in bad ones"),
    NAME: ("name", "the words of a registered name or a contract"),
}
"""Survivors of nn that need no reason of their own."""


@dataclass(frozen=True)
class Row:
    """One mutant and what became of it: "held", or who saw it; when that was said; the last word; and whether
    mutmut itself would make it."""

    file: str
    line: int
    was: str
    now: str
    sort: str
    verdict: str
    when: str = ""
    later: str = ""
    own: bool = True

    @property
    def group(self) -> str:
        """Its folder."""
        return self.file.rpartition("/")[0]

    @property
    def imported(self) -> bool:
        """Whether it got as far as being judged."""
        return not self.verdict.startswith(("raised", "not collected"))

    @property
    def killed(self) -> bool:
        """Whether a law or a test spoke, or the mutant did not even run."""
        return self.verdict != "held"

    @property
    def seen(self) -> bool:
        """Whether that is so by now."""
        return self.killed or self.later not in ("", "held", GONE)


def page(
    part: str, rows: list[Row], settings: dict[str, Any], places: dict[str, int]
) -> tuple[str, list[Row], list[str]]:
    """The text of one part of the page, the survivors that have no reason, and the reasons that have no survivor.

    `places` are the mutants that there are of each file of which a sample was judged.
    """
    reasons = Reasons(settings.get("reason", []))
    lines = _of_nn(rows, reasons) if part == "nn" else _of_spec(rows, settings, places, reasons)
    return "\n".join(lines) + "\n", reasons.missing, reasons.idle()


def with_part(whole: str, text: str) -> str:
    """The page with one of its parts in place of what it had under that heading."""
    heading = text.partition("\n")[0]
    parts = ["## " + part.rstrip() + "\n" for part in whole.split("\n## ")[1:]]
    kept = [text if part.partition("\n")[0] == heading else part for part in parts]
    return "\n".join([HEAD, *(kept if text in kept else [*kept, text])])


HEAD = """# Mutants

Written by `python benchmarks/mutants.py`. A mutant is a copy of a file with one small mistake, made by the \
operators of mutmut 3.8.1; it is killed where somebody notices. mutmut's own runner leaves decorated \
functions, decorators and class attributes alone, which here is every initializer, schedule and law and all \
claims, so its parser and operators are used and the mutants are judged by benchmarks/mutant_judge.py.
"""


def _of_nn(rows: list[Row], reasons: Reasons) -> list[str]:
    return [
        "## nn under the laws alone",
        "",
        "No test of ours is run: a mutant is judged by what `nn verify` says of the plugins of its file and of four "
        "networks, those of nn/network.py also of a fifth, with a layer of a user's. All are counted three ways. "
        "mutmut's own scope is the bodies of functions that nothing decorates, messages and names among them. "
        "Mathematics is what remains of all without the words and the conditions of refusals, registered names, and "
        "what only names or wraps things. A mutant that cannot be imported or built counts as killed. "
        + _measured(rows),
        "",
        *_scores(rows),
        "",
        *_by_whom(rows),
        "",
        "### Survivors",
        "",
        *_survivors(rows, reasons),
    ]


def _of_spec(rows: list[Row], settings: dict[str, Any], places: dict[str, int], reasons: Reasons) -> list[str]:
    since = [row for row in rows if row.seen and not row.killed]
    return [
        "## spec under its own tests",
        "",
        f"A random sample, of every file {settings['shares'][-1]:.1%} of its mutants, but at least one, drawn with a "
        "fixed seed. Each is judged by those tests that run its line, or, where that runs on import, by all of "
        "them; the intervals are Wilson's, of 95%. A mutant that breaks an import, or the collection of a file of "
        "tests, counts as killed, and is told apart. No mutant is set aside: messages and names count. "
        + _measured(rows),
        "",
        settings["note"],
        "",
        *_by_group(rows, places),
        "",
        "### Seen since",
        "",
        "| where | mutant | seen by |",
        "|---|---|---|",
        *(f"| {row.file}:{row.line} | {_change(row)} | {_code(row.later)} |" for row in since),
        "",
        "### Survivors",
        "",
        *_survivors([row for row in rows if not row.seen], reasons),
    ]


def _measured(rows: list[Row]) -> str:
    count = Counter(row.when for row in rows)
    return "Measured on " + ", ".join(f"{when} ({n})" for when, n in sorted(count.items())) + "."


def _by_group(rows: list[Row], places: dict[str, int]) -> list[str]:
    head = ("folder", "mutants", "sample", "killed", "of these not imported", "score", "interval", "of those imported",
            "seen by now")  # fmt: skip
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for group in [*dict.fromkeys(row.group for row in rows), ""]:
        of = [row for row in rows if row.group == group or not group]
        some = [row for row in of if row.imported]
        whole = sum(n for file, n in places.items() if file.rpartition("/")[0] == group or not group)
        dead = sum(row.killed for row in of)
        low, high = wilson(dead, len(of))
        now = f"{sum(row.seen for row in of)} ({sum(row.seen for row in of) / len(of):.1%})"
        parts = (_share(of), f"{low:.1%} to {high:.1%}", _share(some), now)
        cells = (whole or "", len(of), dead, len(of) - len(some), *parts)
        lines.append(f"| {group or '**all**'} | {' | '.join(map(str, cells))} |")
    return lines


def wilson(hits: int, n: int) -> tuple[float, float]:
    """The interval (p + z²/2n ± z √(p (1 − p)/n + z²/4n²)) / (1 + z²/n) of a share, z = 1.96 (E. B. Wilson, 1927)."""
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


def _by_whom(rows: list[Row]) -> list[str]:
    count = Counter(row.verdict if not row.verdict.startswith("raised") else "raised" for row in rows if row.killed)
    told = {"raised": "not imported or not built", "refused": "refused", "time": "not over in time"}
    return ["Who noticed: " + ", ".join(f"{told.get(who, f'`{who}`')} {n}" for who, n in count.most_common()) + "."]


def _survivors(rows: list[Row], reasons: Reasons) -> list[str]:
    alive = [(row, *reasons.of(row)) for row in rows if not row.killed]
    count = Counter(sort for _, sort, _ in alive)
    lines = ["By reason: " + (", ".join(f"{sort} {n}" for sort, n in count.most_common()) or "none") + ".", ""]
    lines += ["| where | mutant | why it survives |", "|---|---|---|"]
    for row, sort, why in alive:
        lines.append(f"| {row.file}:{row.line} | {_change(row)} | {sort}: {why} |")
    return lines


def _change(row: Row) -> str:
    return f"{_code(row.was)} → {_code(row.now)}"


def _code(text: str) -> str:
    return f"`{text}`".replace("|", "\\|") if text else "nothing"


class Reasons:
    """The rows of mutants.toml: patterns to be found in `file`, `was` and `now`; `sort` and `why` are the reason."""

    def __init__(self, rows: list[dict[str, str]]) -> None:
        self.rows, self.used = rows, set[int]()
        self.missing: list[Row] = []

    def find(self, row: Row) -> dict[str, str] | None:
        """The first reason that fits."""
        for i, reason in enumerate(self.rows):
            pairs = ((reason["file"], row.file), (reason.get("was", ""), row.was), (reason.get("now", ""), row.now))
            if all(re.search(pattern, text) for pattern, text in pairs):
                self.used.add(i)
                return reason
        return None

    def of(self, row: Row) -> tuple[str, str]:
        """Sort and sentence for one survivor."""
        if row.later == GONE:
            return GONE, "that line has been deleted or written otherwise since"
        if reason := self.find(row):
            return reason["sort"], reason["why"]
        if row.sort in BY_SORT and row.group.startswith("nn"):
            return BY_SORT[row.sort]
        if row.sort != ASIDE:
            self.missing.append(row)
        return ("aside", "names and wraps; no law judges it") if row.sort == ASIDE else ("**no reason yet**", "")

    def idle(self) -> list[str]:
        """Reasons that no survivor needs any more."""
        return [str(row) for i, row in enumerate(self.rows) if i not in self.used]
