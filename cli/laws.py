"""nn laws: list the laws; nn laws CODE: print the page of a law, with an example that fails."""

from __future__ import annotations

import difflib
import inspect

import click
from rich.box import SIMPLE
from rich.table import Table
from rich.text import Text

from nnlaw.cli.completion import law_codes
from nnlaw.cli.output.console import console
from nnlaw.cli.output.markdown import print_markdown
from nnlaw.cli.output.streams import echo, print_json
from nnlaw.nn.plugins.installed import BUILT_IN, LAWS, installed, origin
from nnlaw.nn.verify.own_laws import own_laws
from nnlaw.spec.law import KINDS, Law, laws_of
from nnlaw.spec.law_docs import page, to_dict, violations
from nnlaw.spec.violation import BadInput


@click.command()
@click.argument("code", required=False, shell_complete=law_codes)
@click.option("--kind", help="Only laws of this kind, such as layer or loss.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(code: str | None, kind: str | None, as_json: bool) -> None:
    """List the laws, or print the page of one: what it checks and why, an example that fails, and how to fix it.

    If several kinds of code have a law CODE, every page is printed; --kind selects one. In a pipe, pages are Markdown.
    """
    with own_laws(row.file for row in installed(LAWS)):
        _show(_selected(code, kind), code, as_json)


def _show(rows: list[Law], code: str | None, as_json: bool) -> None:
    if as_json:
        print_json([_facts(row, run=code is not None) for row in rows])
    elif code is None:
        _print_table(rows)
    else:
        print_markdown("\n".join(page(row) for row in rows))


def _selected(code: str | None, kind: str | None) -> list[Law]:
    """The laws of this code and kind. Raises BadInput, with similar codes, if there are none."""
    if kind is not None and kind not in KINDS:
        raise BadInput(f"unknown kind {kind!r}; choose from {', '.join(KINDS)}")
    known = list(laws_of(*([kind] if kind else KINDS)))
    rows = [row for row in known if code in (None, row.code)]
    if not rows and code is not None:
        near = difflib.get_close_matches(code, sorted({row.code for row in known}), n=3)
        hint = f"did you mean {' or '.join(near)}?" if near else "nn laws lists all laws"
        raise BadInput(f"no law{f' of kind {kind}' if kind else ''} is called {code!r}; {hint}")
    return rows


def _facts(row: Law, *, run: bool) -> dict[str, object]:
    """The law as JSON takes it; with `run`, also what checking its counterexample finds."""
    found = [violation.to_dict() for violation in violations(row)] if run else []
    return {**to_dict(row), "from": _origin(row), **({"violations": found} if run else {})}


def _origin(row: Law) -> str:
    """Where the law comes from: built in, a package, or a file."""
    own = row.check.__module__.startswith("nnlaw.")
    return BUILT_IN if own else origin(inspect.getsourcefile(row.check) or "")


def _statement(row: Law) -> str:
    """The statement, with the file or package that the law comes from if it is not built in."""
    source = _origin(row)
    return row.statement if source == BUILT_IN else f"{row.statement} (from {source})"


def _print_table(rows: list[Law]) -> None:
    """One row per law; on a terminal, statements wrap at its width."""
    out = console()
    if not out.is_terminal:
        for row in rows:
            echo(f"{row.kind:11} {row.code:20} {row.family:10} {_statement(row)}")
        return
    table = Table(box=SIMPLE)
    for name in ("kind", "law", "family"):
        table.add_column(name, no_wrap=True)
    table.add_column("statement")
    for row in rows:
        table.add_row(row.kind, Text(row.code, "bold"), row.family, Text(_statement(row)))
    out.print(table)
