"""The results of nn verify as workflow commands of GitHub Actions: annotations at the lines of a pull request.

    ::error file=layers.py,line=12,col=40,title=gradient%3A layer%3ASoftmax::layers.py:12:40: gradient: dx of ...

What the checked code printed is left out, since a line of it could be such a command, too.
"""

from __future__ import annotations

from collections.abc import Iterable

from nnlaw.cli.output.findings import Finding, findings, repository_path
from nnlaw.nn.verify.supervisor import TargetResult
from nnlaw.spec.declared_exceptions import DeclaredException

DATA = {"%": "%25", "\r": "%0D", "\n": "%0A"}
PROPERTY = DATA | {":": "%3A", ",": "%2C"}


def to_github(results: Iterable[TargetResult], unneeded: Iterable[DeclaredException]) -> str:
    """One line per finding, and one per ignore that is not needed."""
    lines = [_annotation(finding) for finding in findings(results)]
    lines += [
        _command("notice", {"title": "not needed"}, f"{row.source}: the ignore of {row.law} is not needed; remove it")
        for row in unneeded
    ]
    return "".join(f"{line}\n" for line in lines)


def _annotation(finding: Finding) -> str:
    place = {"file": repository_path(finding.path), "line": finding.line, "col": finding.column}
    known = {name: str(value) for name, value in place.items() if value}
    title = {"title": f"{finding.code}: {finding.unit}"}
    return _command("warning" if finding.is_warning else "error", known | title, finding.text)


def _command(name: str, properties: dict[str, str], text: str) -> str:
    shown = ",".join(f"{key}={_escaped(value, PROPERTY)}" for key, value in properties.items())
    return f"::{name} {shown}::{_escaped(text, DATA)}"


def _escaped(text: str, escapes: dict[str, str]) -> str:
    return "".join(escapes.get(character, character) for character in text)
