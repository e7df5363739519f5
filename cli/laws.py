"""nn laws: the catalogue; nn laws CODE: one law explained, its counterexample run before your eyes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from nnlaw.spec.law import Law


@click.command()
@click.argument("code", required=False)
@click.option("--kind", help="Only laws of this kind.")
@click.option("--json", "as_json", is_flag=True, help="For scripts.")
def command(code: str | None, kind: str | None, as_json: bool) -> None:
    """List the laws: kind, code, family, tier, statement. With a CODE, explain that law and run its counterexample."""
    import json

    rows = _chosen(code, kind)
    if as_json:
        click.echo(json.dumps([_facts(row, run=code is not None) for row in rows], indent=2))
    elif code is None:
        for row in rows:
            click.echo(f"{row.kind:11} {row.code:20} {row.family:16} {row.tier:6} {row.statement}")
    else:
        click.echo("\n\n".join(_explained(row) for row in rows))


def _chosen(code: str | None, kind: str | None) -> list[Law]:
    """The laws of this code and kind. Raises BadInput that names the nearest ones."""
    import difflib

    from nnlaw.spec.law import KINDS, laws_of
    from nnlaw.spec.violation import BadInput

    if kind is not None and kind not in KINDS:
        raise BadInput(f"no kind is called {kind!r}; known: {', '.join(KINDS)}")
    rows = [row for row in laws_of(*([kind] if kind else KINDS)) if code in (None, row.code)]
    if not rows and code is not None:
        codes = sorted({row.code for row in laws_of(*([kind] if kind else KINDS))})
        near = difflib.get_close_matches(code, codes, n=3) or codes
        raise BadInput(f"no law{f' of kind {kind}' if kind else ''} is called {code!r}; nearest: {', '.join(near)}")
    return rows


def _facts(row: Law, *, run: bool) -> dict[str, Any]:
    from nnlaw.spec.law_docs import counterexample
    from nnlaw.spec.law_references import reading

    file = counterexample(row.kind, row.code)
    facts: dict[str, Any] = {
        "kind": row.kind, "law": row.code, "family": row.family, "tier": row.tier, "statement": row.statement,
        "rests_on": list(row.depends_on), "read": reading(row.kind, row.code),
        "counterexample": str(file) if file else None,
    }
    if run:
        facts["diagnostic"] = _diagnostic(row)
    return facts


def _explained(row: Law) -> str:
    """All about one law, as a page."""
    from nnlaw.spec.law_docs import counterexample
    from nnlaw.spec.law_references import reading

    lines = [f"{row.code}: a law of {_plural(row.kind)}", f"  {row.statement}", ""]
    lines.append(f"  family    {row.family}")
    lines.append(f"  judged    {_WHEN.get(row.kind, _AUDITED)}")
    if row.depends_on:
        lines.append(f"  rests on  {', '.join(row.depends_on)}: where one of these is broken, it is not judged")
    lines.append(f"  read      {reading(row.kind, row.code)}")
    if row.check.__doc__:
        lines.append(f"  how       {' '.join(row.check.__doc__.split())}")
    file = counterexample(row.kind, row.code)
    if file is None:
        return "\n".join([*lines, "", "It has no counterexample."])
    source = file.read_text(encoding="utf-8").rstrip()
    lines += ["", f"A counterexample, {file}:", "", *(f"    {line}".rstrip() for line in source.splitlines())]
    lines += ["", "What it says when it is judged, now:", ""]
    return "\n".join([*lines, *(f"    {line}" for line in _diagnostic(row).splitlines())])


_AUDITED = "by nn verify, and before training under --strict"
_WHEN = {
    "call": "on every call while training under --strict, and by nn verify",
    "model": f"{_AUDITED}; some after each epoch and at the end, too",
    "data": "before training under --strict",
    "training": "at each step while training under --strict",
}


def _plural(kind: str) -> str:
    known = {"call": "every call", "loss": "losses", "batches": "batches", "data": "prepared data"}
    return known.get(kind, kind if kind == "training" else f"{kind}s")


def _diagnostic(row: Law) -> str:
    """What the counterexample says today."""
    from nnlaw.spec.conformance import conformance
    from nnlaw.spec.law_docs import counterexample, load

    file = counterexample(row.kind, row.code)
    return "" if file is None else "\n".join(v.message for v in conformance(load(file).case()).violations)
