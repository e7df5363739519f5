"""docs/comparison.md: an introduction and one part per corpus. A run replaces the part that it measured."""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Iterable
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

from running import CHECKERS
from tally import Tally, pointed

import nnlaw.spec
from nnlaw.nn.plugins.registry import KINDS, PLURAL

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "comparison.md"
HEAD = """\
# What other checkers catch

Written by `python benchmarks/comparison`, which runs every checker on every bug. **All numbers of nnlaw on the planted
bugs of fixtures/faults are in-sample**: its laws were developed against them. **So are those on the second corpus
today**: one half of it was opened and used, and results on the other half have been read since. The counts taken before
that, out of sample, are in [unseen.md](unseen.md): 51 and 54 of 60 caught, 2 of 120 correct twins failed. No other
checker was developed on any of these corpora, but how each is applied was chosen with all of them in view, which favors
them.

A bug counts as caught if the checker, or the code under it, raises anything, even a crash that has little to do with
the bug. A harness is one way to apply a checker, such as a layer in evaluation mode on one sample. Every harness also
runs on correct code; a harness that fails any of it gets no credit, and the column *credited* counts the bugs that are
left. For nnlaw each law is a harness. The rule is hard on a checker with few harnesses, so in direct comparisons nnlaw
counts with what it is credited with, the others with all they caught.

Each tool keeps its own tolerances, except where correct code failed only because of rounding (see the table). Each is
given both modes of a layer; the small inputs that nnlaw uses, with sizes that all differ and values inside the declared
domain; a second batch on an instance that has already run forward and backward; a single sample (half a batch for a
model, nothing for code that declares that it couples samples in training); and inputs a thousand times as large with a
layer's parameters fixed. All of it is float64, for JAX also float32. Generators are reset before each call. Parameters
are moved away from their initial values, because a gain of 1 or a bias of 0 hides mistakes. scikit-learn's check gets a
training loop that passes with every correct model.

The other tools are gradient checkers, and one estimator protocol. They are not made for schedules or batch samplers and
are counted only where they can be applied. What they catch, they catch in any framework, which nnlaw does not. No tool
here compares a layer with the function of the same name in a framework, such as torch.nn.functional.gelu or
torch.optim.Adam. That would catch much of what nnlaw's law `definition` catches, but it is not a checker.
"""


def put(section: str, part: str) -> None:
    """Write the page with this part new and the others as they are."""
    known = _parts(PAGE.read_text(encoding="utf-8")) if PAGE.exists() else {}
    known[part] = section
    parts = [f"<!-- {name} -->\n{text}" for name, text in known.items()]  # in their present order
    text = "\n".join([HEAD, _how(), *parts])
    new = PAGE.with_suffix(".new")
    new.write_text(text.rstrip("\n") + "\n", encoding="utf-8")
    os.replace(new, PAGE)


def _parts(text: str) -> dict[str, str]:
    pieces = re.split(r"<!-- ([\w-]+) -->\n", text)
    return dict(zip(pieces[1::2], pieces[2::2], strict=True))


def _how() -> str:
    rows = ["## How each is applied", "", "| checker | version | how |", "|---|---|---|"]
    for name, (title, distribution) in CHECKERS.items():
        text = ast.get_docstring(ast.parse((HERE / f"{name}.py").read_text(encoding="utf-8"))) or ""
        how = " ".join(text.split()).replace("|", "\\|")
        link = f"[{title}](../benchmarks/comparison/{name}.py)"
        rows.append(f"| {link} | {distribution} {version(distribution)} | {how} |")
    return "\n".join([*rows, ""])


def planted_section(tallies: list[Tally]) -> str:
    """The tables of fixtures/faults, with the names of bugs."""
    bugs, right = len(tallies[0].bugs), len(tallies[0].right)
    lines = [f"## {bugs} planted bugs that the laws were developed against, and {right} correct files", ""]
    return "\n".join([*lines, _kit(), "", *_tables(tallies), *_alarms(tallies), *_lists(tallies), ""])


def folder_section(tallies: list[Tally], title: str, about: str) -> str:
    """The tables of another folder: only counts."""
    bugs, right = len(tallies[0].bugs), len(tallies[0].right)
    lines = [f"## {title}: {bugs} bugs and {right} correct twins", "", *([about, ""] if about else [])]
    return "\n".join([*lines, _kit(), "", *_tables(tallies), *_counts(tallies), ""])


def _kit() -> str:
    """Version and digest of the laws, since the parts of the page are written at different times."""
    home = Path(nnlaw.spec.__file__).parent
    sources = sorted(path for path in home.rglob("*.py") if "fixtures" not in path.relative_to(home).parts)
    digest = sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()
    return f"Checked by nnlaw {version('nnlaw')}; SHA-256 of its sources: {digest[:12]}..."


def _tables(tallies: list[Tally]) -> list[str]:
    rows = ["| checker | applied to | caught | credited | false alarms |", "|---|---|---|---|---|"]
    rows += [
        f"| {t.title} | {pointed(t.bugs)} | {len(t.caught)} | {len(t.credited)} | "
        f"{len(t.alarms)} of {pointed(t.right)} |"
        for t in tallies
    ]
    others = [t for t in tallies if t.checker != "kit"]
    caught, credited = _union(t.caught for t in others), _union(t.credited for t in others)
    rows.append(f"| all but nnlaw together | {len(_aimed(tallies))} | {len(caught)} | {len(credited)} | |")
    return [*rows, "", *_matrix(tallies)]


def _matrix(tallies: list[Tally]) -> list[str]:
    """Credited of applied to, by kind."""
    known = {found.file: found.kind for tally in tallies for found in tally.bugs if found.kind}
    kinds = [kind for kind in KINDS if kind in known.values()]
    rows = ["Credited, of those that it can be applied to:", ""]
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
        f"- {tally.title}: {Path(found.file).stem}, {harness}: {' '.join(text.split())[:120]}"
        for tally in tallies
        for found in tally.alarms
        for harness, text in found.complaints.items()
    ]
    return ["### False alarms", "", *(rows or ["None."]), ""]


def _split(tallies: list[Tally]) -> tuple[set[str], set[str], set[str]]:
    """Bugs credited only to nnlaw, bugs caught only by others, and bugs caught by no checker."""
    ours = _union(t.credited for t in tallies if t.checker == "kit")
    theirs = _union(t.caught for t in tallies if t.checker != "kit")
    return ours - theirs, theirs - ours, {found.file for found in tallies[0].bugs} - ours - theirs


def _counts(tallies: list[Tally]) -> list[str]:
    ours, theirs, neither = _split(tallies)
    aimed = _aimed(tallies)
    unused = sum(bool(found.refused) for found in tallies[0].bugs + tallies[0].right)
    return [
        f"Credited to nnlaw and caught by no other checker: {len(ours)}, of which {len(ours & aimed)} where "
        f"another checker can be applied; caught by another and not credited to nnlaw: {len(theirs)}; "
        f"neither: {len(neither)}. Files that could not be loaded: {unused}."
    ]


def _aimed(tallies: list[Tally]) -> set[str]:
    """The bugs to which a checker other than nnlaw can be applied."""
    return {found.file for t in tallies if t.checker != "kit" for found in t.bugs if found.harnesses}


def _lists(tallies: list[Tally]) -> list[str]:
    ours, theirs, neither = _split(tallies)
    aimed = _aimed(tallies)
    return [
        *_list("Caught by another checker, not by nnlaw", theirs),
        *_list("Caught by no checker", neither),
        *_list("Caught only by nnlaw, where another checker can be applied", ours & aimed),
        *_list("Caught only by nnlaw; no other checker can be applied", ours - aimed),
    ]


def _list(title: str, files: set[str]) -> list[str]:
    names = sorted(Path(file).stem for file in files)
    links = [f"[{name}](../fixtures/faults/{name}.py)" for name in names]
    return [f"### {title} ({len(names)})", "", ", ".join(links) or "None.", ""]


def _union(sets: Iterable[set[str]]) -> set[str]:
    return set().union(*sets)
