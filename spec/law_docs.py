"""Pages about laws, made from the catalog and the counterexamples.

    page(CATALOG["layer", "gradient"])     one law, in Markdown: docs/laws/layer/gradient.md
    pages()                                  every page of docs/laws/, by its path there
    counterexample("layer", "gradient")      the file that fails this law and no other, or None
    load(file).case()                        the case in that file, for conformance()
"""

from __future__ import annotations

import ast
import importlib.util
import inspect
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from nnlaw.spec.conformance import conformance
from nnlaw.spec.law import KINDS, Law, laws_of
from nnlaw.spec.law_references import references
from nnlaw.spec.locations import fixtures
from nnlaw.spec.report import Report
from nnlaw.spec.subjects.cases import Case
from nnlaw.spec.syntax import parse
from nnlaw.spec.violation import BadInput, Violation

INSTEAD = "INSTEAD"  # a constant in counterexamples: the correct version of the lines that matter
FOR_TOOLS = re.compile(r"  # (type: ignore|noqa).*")  # comments that a page leaves out
NOT_SHOWN = (INSTEAD, "Array", "Labels", "make")  # names that a page leaves out of the example
AUDITED = "by `nn verify`, and before training with `nn train --strict`"
CHECKED = {
    "call": "by `nn verify`, and on every call during `nn train --strict`",
    "model": f"{AUDITED}; some laws of models also after each epoch and after training",
    "utility": "by `nn verify`",
    "data": "before training with `nn train --strict`",
    "training": "at every step of `nn train --strict`",
}
FUNCTION_KINDS = ("initializer", "schedule", "batches", "metric", "utility")


def counterexample(kind: str, code: str) -> Path | None:
    """The file that fails this law and no other; None for a law without one, such as a user's own."""
    file = fixtures() / "laws" / kind / f"{file_name(code)}.py"
    return file if file.is_file() else None


def file_name(code: str) -> str:
    """The name, without suffix, of the files of a law: its module, its counterexample and its page."""
    return code.replace("-", "_")


def load(file: Path) -> ModuleType:
    """Import a counterexample. Raises BadInput if it is not a Python file."""
    found = importlib.util.spec_from_file_location(f"counterexample_{file.stem}", file)
    if found is None or found.loader is None:
        raise BadInput(f"{file} is not a Python file")
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


@cache
def checked(file: Path) -> tuple[Case, Report]:
    """The case of a counterexample and the report on it, checked once."""
    case: Case = load(file).case()
    return case, conformance(case)


def violations(law: Law) -> list[Violation]:
    """What checking the law's counterexample finds. Its path starts at fixtures/, wherever that folder is."""
    file = counterexample(law.kind, law.code)
    if file is None:
        return []
    shown = file.relative_to(fixtures().parent).as_posix()
    found = checked(file)[1].violations
    return [row.at(path=shown) if row.location.path == str(file) else row for row in found]


def to_dict(law: Law) -> dict[str, Any]:
    """The law and its documentation in the form that JSON takes. The counterexample is not run."""
    file = counterexample(law.kind, law.code)
    return {
        "kind": law.kind,
        "law": law.code,
        "family": law.family,
        "tier": law.tier,
        "statement": law.statement,
        "why": law.why,
        "checks": inspect.getdoc(law.check) or "",
        "depends_on": list(law.depends_on),
        "references": list(references(law.kind, law.code)),
        "counterexample": str(file) if file else None,
        "instead": _parsed(file)["instead"] if file else "",
    }


def pages() -> dict[str, str]:
    """Every page of docs/laws/, by its path in that folder."""
    rows = list(laws_of(*KINDS))
    return {"README.md": _index(rows), **{f"{row.kind}/{file_name(row.code)}.md": page(row) for row in rows}}


def page(law: Law) -> str:
    """The page of one law, in Markdown."""
    return "\n\n".join(_blocks(law)) + "\n"


def _blocks(law: Law) -> Iterator[str]:
    yield f"# {law.code} ({law.kind})"
    yield law.statement
    facts = [f"Family: {law.family}", f"Checked {CHECKED.get(law.kind, AUDITED)}"]
    if law.depends_on:
        facts.append(f"Skipped if one of these fails: {', '.join(f'`{code}`' for code in law.depends_on)}")
    yield "\n".join(f"- {fact}" for fact in facts)
    if checks := inspect.getdoc(law.check):
        yield from ("## What it checks", checks)
    if law.why:
        yield from ("## Why it matters", law.why)
    yield from _example(law)
    yield from ("## If it is intended", _exception(law))
    yield from ("## References", "\n".join(f"- {text}" for text in references(law.kind, law.code)))


def _example(law: Law) -> Iterator[str]:
    file = counterexample(law.kind, law.code)
    yield "## Example"
    if file is None:
        yield "This law has no counterexample."
        return
    parsed = _parsed(file)
    yield parsed["summary"]
    yield f"```python\n{parsed['code']}\n```"
    yield "It fails with:"
    yield "```text\n" + "\n".join(row.message for row in violations(law)) + "\n```"
    if parsed["instead"]:
        yield from ("## Instead", f"```python\n{parsed['instead']}\n```")


def _parsed(file: Path) -> dict[str, str]:
    """The parts of a counterexample: `summary`, the first line of its docstring; `code`, without imports and case;
    `instead`, the constant INSTEAD, or "" if it is missing."""
    source = file.read_text(encoding="utf-8")
    lines = source.splitlines()
    tree = parse(source)
    parts = {"summary": (ast.get_docstring(tree) or "").partition("\n")[0], "instead": ""}
    code, case = [], ""
    for node in tree.body[1:]:
        name = getattr(node, "name", "")
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            name = node.targets[0].id
            if name == INSTEAD:
                parts["instead"] = str(ast.literal_eval(node.value)).strip("\n")
        if isinstance(node, ast.Import | ast.ImportFrom) or name in NOT_SHOWN:
            continue
        first = min([node.lineno, *(row.lineno for row in getattr(node, "decorator_list", []))])
        text = "\n".join(FOR_TOOLS.sub("", line) for line in lines[first - 1 : node.end_lineno])
        if name == "case":
            case = text
        else:
            code.append(text)
    return {**parts, "code": "\n\n\n".join(code) or case}


def _exception(law: Law) -> str:
    declared = f'{{"{law.code}": "the reason"}}'
    if law.kind in ("data", "training"):
        return f"In a test, pass the reason: `conformance(case, expected={declared})`."
    code = f"class Mine:\n    expected = {declared}"
    if law.kind in FUNCTION_KINDS:
        code = f"def mine(...): ...\n\nmine.expected = {declared}"
    return f"""\
Declare the exception with its reason, on the code or in a test. The law is still checked; if it passes, the declaration
is reported as out of date.

```python
{code}

conformance({"mine" if law.kind in FUNCTION_KINDS else "Mine"}, expected={declared})  # in a test
```

`nn verify` and `pytest --nn-plugin` also read a comment in the function, or in the line of `class`:
`# nnlaw: ignore[{law.code}] the reason`."""


def _index(rows: list[Law]) -> str:
    lines = [
        "# Laws",
        "",
        f"The {len(rows)} laws that nnlaw checks, by kind of code, in the order in which they are checked. `nn laws`",
        "lists them, and `nn laws CODE` prints the page of one. `python tools/pages laws` generates these pages.",
    ]
    for kind in KINDS:
        lines += ["", f"## {kind}", "", "| law | family | statement |", "|---|---|---|"]
        for row in rows:
            if row.kind == kind:
                statement = row.statement.replace("|", "\\|")
                lines.append(f"| [{row.code}]({kind}/{file_name(row.code)}.md) | {row.family} | {statement} |")
    return "\n".join(lines) + "\n"
