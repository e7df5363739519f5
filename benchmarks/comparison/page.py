"""docs/comparison.md: a head, the planted bugs, and a folder of others. A run replaces the part that it measured."""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path

from running import CHECKERS
from tally import Tally, pointed

from nn.registry import KINDS, PLURAL

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "comparison.md"
HEAD = """\
# What other checkers catch

Written by `python benchmarks/comparison`, which runs every checker on every bug; nothing here is argued from
documentation. The planted bugs of fixtures/faults are ones that this kit was developed against: its laws were mended
until they caught them, so its own count there says little. The fairer measure is the second corpus below.

What counts as caught: anything that a checker or the plugin under it raises, a crash as well as a complaint, also one
that has little to do with the bug. A harness is one way of pointing a checker at code, such as a layer in eval mode.
Every harness runs over correct plugins, too, and one that complains of any of them gets no credit: how many bugs are
left is the column *credited*. For the kit each law is a harness.

Each tool keeps its own defaults, and is given float64, both modes of a layer, one batch size, and the small inputs that
the kit itself makes: sizes that all differ, numbers within the claimed domain. Generators are set back before each
call. Parameters stand away from where they begin, since gradients at a gain of 1 or a bias of 0 hide mistakes; that was
added when a first run had missed some, and helps the others alone. scikit-learn's check gets a training loop that
passes with every correct model.

The others are gradient checkers, and an estimator's protocol. That they find no fault in a schedule is no fault of
theirs: they are not made for it, and are counted only where they can be pointed. What they catch, they catch in
any framework or for any estimator, which this kit does not. Seconds are rough, of one process, loading included.
"""


def put(section: str, part: str) -> None:
    """Write the page with this part new and the others as they are."""
    known = _parts(PAGE.read_text(encoding="utf-8")) if PAGE.exists() else {}
    known[part] = section
    parts = [f"<!-- {name} -->\n{known[name]}" for name in ("planted", "folder") if name in known]
    text = "\n".join([HEAD, _how(), *parts])
    new = PAGE.with_suffix(".new")
    new.write_text(text.rstrip("\n") + "\n", encoding="utf-8")
    os.replace(new, PAGE)


def _parts(text: str) -> dict[str, str]:
    pieces = re.split(r"<!-- (planted|folder) -->\n", text)
    return dict(zip(pieces[1::2], pieces[2::2], strict=True))


def _how() -> str:
    rows = ["## How each is pointed", "", "| checker | version | how |", "|---|---|---|"]
    for name, (title, distribution) in CHECKERS.items():
        told = ast.get_docstring(ast.parse((HERE / f"{name}.py").read_text(encoding="utf-8"))) or ""
        how = " ".join(told.split()).replace("|", "\\|")
        link = f"[{title}](../benchmarks/comparison/{name}.py)"
        rows.append(f"| {link} | {distribution} {version(distribution)} | {how} |")
    return "\n".join([*rows, ""])


def planted_section(tallies: list[Tally]) -> str:
    """The tables of fixtures/faults, with the names of bugs."""
    bugs, right = len(tallies[0].bugs), len(tallies[0].right)
    lines = [f"## {bugs} planted bugs that the kit was developed against, and {right} correct plugins", ""]
    return "\n".join([*lines, *_tables(tallies), *_alarms(tallies), *_lists(tallies), ""])


def folder_section(tallies: list[Tally], about: str) -> str:
    """The tables of another folder: counts alone."""
    bugs, right = len(tallies[0].bugs), len(tallies[0].right)
    lines = [f"## A second corpus: {bugs} bugs and {right} right twins", "", *([about, ""] if about else [])]
    return "\n".join([*lines, *_tables(tallies), *_counts(tallies), ""])


def _tables(tallies: list[Tally]) -> list[str]:
    rows = ["| checker | pointed at | caught | credited | false alarms | seconds |", "|---|---|---|---|---|---|"]
    rows += [
        f"| {t.title} | {pointed(t.bugs)} | {len(t.caught)} | {len(t.credited)} | "
        f"{len(t.alarms)} of {pointed(t.right)} | {t.seconds:.0f} |"
        for t in tallies
    ]
    others = [t for t in tallies if t.checker != "kit"]
    aimed = {found.file for t in others for found in t.bugs if found.harnesses}
    caught, credited = _union(t.caught for t in others), _union(t.credited for t in others)
    rows.append(f"| all but nnlaw together | {len(aimed)} | {len(caught)} | {len(credited)} | | |")
    return [*rows, "", *_matrix(tallies)]


def _matrix(tallies: list[Tally]) -> list[str]:
    """Credited of pointed at, by kind."""
    known = {found.file: found.kind for tally in tallies for found in tally.bugs if found.kind}
    kinds = [kind for kind in KINDS if kind in known.values()]
    rows = ["Credited, of those that it can be pointed at:", ""]
    rows += ["| kind | " + " | ".join(t.title for t in tallies) + " |", "|---|" + "---|" * len(tallies)]
    for kind in kinds:
        cells = [_cell(tally, {file for file, of in known.items() if of == kind}) for tally in tallies]
        rows.append(f"| {PLURAL.get(kind, kind + 's')} | {' | '.join(cells)} |")
    return [*rows, ""]


def _cell(tally: Tally, files: set[str]) -> str:
    aimed = {found.file for found in tally.bugs if found.harnesses} & files
    return f"{len(tally.credited & aimed)} of {len(aimed)}" if aimed else "–"


def _alarms(tallies: list[Tally]) -> list[str]:
    rows = [
        f"- {tally.title}: {Path(found.file).stem}, {harness}: {' '.join(said.split())[:120]}"
        for tally in tallies
        for found in tally.alarms
        for harness, said in found.complaints.items()
    ]
    return ["### False alarms", "", *(rows or ["None."]), ""]


def _split(tallies: list[Tally]) -> tuple[set[str], set[str], set[str]]:
    """Bugs that the kit alone gets credit for, those of the others alone, and those that no one has."""
    ours = _union(t.credited for t in tallies if t.checker == "kit")
    theirs = _union(t.credited for t in tallies if t.checker != "kit")
    return ours - theirs, theirs - ours, {found.file for found in tallies[0].bugs} - ours - theirs


def _counts(tallies: list[Tally]) -> list[str]:
    ours, theirs, none = _split(tallies)
    unused = sum(bool(found.refused) for found in tallies[0].bugs + tallies[0].right)
    return [
        f"Credited to the kit alone: {len(ours)}; to another checker and not to the kit: {len(theirs)}; "
        f"to none: {len(none)}. "
        f"Files that could not be used as plugins: {unused}."
    ]


def _lists(tallies: list[Tally]) -> list[str]:
    ours, theirs, none = _split(tallies)
    aimed = {found.file for t in tallies if t.checker != "kit" for found in t.bugs if found.harnesses}
    return [
        *_list("Caught by another checker, and not by the kit", theirs),
        *_list("Caught by none", none),
        *_list("Caught by the kit alone, although another checker could be pointed there", ours & aimed),
        *_list("Caught by the kit alone, where no other checker can be pointed", ours - aimed),
    ]


def _list(title: str, files: set[str]) -> list[str]:
    names = sorted(Path(file).stem for file in files)
    links = [f"[{name}](../fixtures/faults/{name}.py)" for name in names]
    return [f"### {title} ({len(names)})", "", ", ".join(links) or "None.", ""]


def _union(sets: Iterable[set[str]]) -> set[str]:
    return set().union(*sets)
