"""docs/comparison.md: a head, the planted bugs, and a folder of others. A run replaces the part that it measured."""

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

Written by `python benchmarks/comparison`, which runs every checker on every bug; nothing here is argued from
documentation. **Every figure of nnlaw on the planted bugs of fixtures/faults is in-sample**: its laws were mended
until they caught them. **So are those on the second corpus, as they stand here**: one half of it was opened and laws
were mended by it, and what was said of the other half has been read since; the counts taken before, which are out of
sample, stand in [unseen.md](unseen.md): 51 and 54 caught of 60 each, 2 of 120 right twins accused. A third corpus,
where this page has one, says of itself how it was judged. No other checker was developed on any of them, but the ways
in which they are pointed here were chosen with all corpora in view, which helps them alone.

What counts as caught: anything that a checker or the plugin under it raises, a crash as well as a complaint, also one
that has little to do with the bug. A harness is one way of pointing a checker at code, such as a layer in eval mode on
one sample. Every harness runs over correct plugins, too, and one that complains of any of them gets no credit: how
many bugs are left is the column *credited*. For nnlaw each law is a harness. That rule is hard on a checker with few
harnesses, so that wherever nnlaw is set against the others, it counts with what it is credited with, and they with all
that they caught.

Each tool keeps its own tolerances, but where right code was accused for the rounding alone (the table below says so),
and is given both modes of a layer, the small inputs that the kit itself makes, sizes that all differ, and numbers
within the claimed domain; then another batch on an instance that has been forward and backward before; a single sample
(half a batch of a model, and nothing for what claims to couple samples in training); and inputs a thousand times as
large, with a layer's parameters held. All of it is float64, and for JAX float32, too. Generators are set back before
each call. Parameters stand away from where they begin, since gradients at a gain of 1 or a bias of 0 hide mistakes.
scikit-learn's check gets a training loop that passes with every correct model.

The others are gradient checkers, and an estimator's protocol. That they find no fault in a schedule is no fault of
theirs: they are not made for it, and are counted only where they can be pointed. What they catch, they catch in any
framework or for any estimator, which this kit does not. What nobody here does is to compare a plugin of a known name
with the function of that name in a framework, as torch.nn.functional.gelu or torch.optim.Adam: that catches much of
what nnlaw calls `definition`, but is no checker.
"""


def put(section: str, part: str) -> None:
    """Write the page with this part new and the others as they are."""
    known = _parts(PAGE.read_text(encoding="utf-8")) if PAGE.exists() else {}
    known[part] = section
    parts = [f"<!-- {name} -->\n{text}" for name, text in known.items()]  # in the order in which they came
    text = "\n".join([HEAD, _how(), *parts])
    new = PAGE.with_suffix(".new")
    new.write_text(text.rstrip("\n") + "\n", encoding="utf-8")
    os.replace(new, PAGE)


def _parts(text: str) -> dict[str, str]:
    pieces = re.split(r"<!-- ([\w-]+) -->\n", text)
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
    return "\n".join([*lines, _kit(), "", *_tables(tallies), *_alarms(tallies), *_lists(tallies), ""])


def folder_section(tallies: list[Tally], title: str, about: str) -> str:
    """The tables of another folder: counts alone."""
    bugs, right = len(tallies[0].bugs), len(tallies[0].right)
    lines = [f"## {title}: {bugs} bugs and {right} right twins", "", *([about, ""] if about else [])]
    return "\n".join([*lines, _kit(), "", *_tables(tallies), *_counts(tallies), ""])


def _kit() -> str:
    """Which laws judged here: a part that was written before another shows it."""
    home = Path(nnlaw.spec.__file__).parent
    sources = sorted(path for path in home.rglob("*.py") if "fixtures" not in path.relative_to(home).parts)
    digest = sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()
    return f"Judged by nnlaw {version('nnlaw')}, the sources of its laws having the digest {digest[:12]}."


def _tables(tallies: list[Tally]) -> list[str]:
    rows = ["| checker | pointed at | caught | credited | false alarms |", "|---|---|---|---|---|"]
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
    """Bugs credited to the kit and caught by no other checker, those the other way round, and those that no one has."""
    ours = _union(t.credited for t in tallies if t.checker == "kit")
    theirs = _union(t.caught for t in tallies if t.checker != "kit")
    return ours - theirs, theirs - ours, {found.file for found in tallies[0].bugs} - ours - theirs


def _counts(tallies: list[Tally]) -> list[str]:
    ours, theirs, none = _split(tallies)
    aimed = _aimed(tallies)
    unused = sum(bool(found.refused) for found in tallies[0].bugs + tallies[0].right)
    return [
        f"Credited to the kit and caught by no other checker: {len(ours)}, of which {len(ours & aimed)} where "
        f"another checker could be pointed; caught by another and not credited to the kit: {len(theirs)}; "
        f"neither: {len(none)}. Files that could not be used as plugins: {unused}."
    ]


def _aimed(tallies: list[Tally]) -> set[str]:
    """The files of bugs at which a checker other than the kit can be pointed."""
    return {found.file for t in tallies if t.checker != "kit" for found in t.bugs if found.harnesses}


def _lists(tallies: list[Tally]) -> list[str]:
    ours, theirs, none = _split(tallies)
    aimed = _aimed(tallies)
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
