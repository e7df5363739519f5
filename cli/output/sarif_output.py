"""The results of nn verify as SARIF 2.1.0, which code scanning of GitHub, GitLab and editors reads.

    nn verify src --output-format sarif > nn.sarif

A law is a rule; what could not be checked has the rules `error` and `unchecked`. Source: OASIS, Static Analysis Results
Interchange Format 2.1.0, 2020.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import nnlaw
from nnlaw.cli.output.findings import ERROR, Finding, findings, repository_path
from nnlaw.nn.verify.supervisor import TargetResult
from nnlaw.spec.declared_exceptions import UNCHECKED, DeclaredException
from nnlaw.spec.law import CATALOG
from nnlaw.spec.violation import Edit

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
OTHER_RULES = {ERROR: "The code can be checked.", UNCHECKED: "All of the code can be checked."}


def to_sarif(results: Iterable[TargetResult], unneeded: Iterable[DeclaredException]) -> str:
    """One run with a result per finding."""
    found = list(findings(results))
    rules = sorted({finding.code for finding in found})
    notes = [{"level": "note", "message": {"text": f"{row.source}: the ignore of {row.law} is not needed"}}
             for row in unneeded]  # fmt: skip
    run = {
        "tool": {"driver": {"name": "nnlaw", "version": nnlaw.__version__, "rules": [_rule(code) for code in rules]}},
        "columnKind": "unicodeCodePoints",
        "invocations": [{"executionSuccessful": True, "toolExecutionNotifications": notes}],
        "results": [_result(finding, rules) for finding in found],
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2)


def _rule(code: str) -> dict[str, Any]:
    statements = [law.statement for law in CATALOG.values() if law.code == code]
    text = " ".join(dict.fromkeys(statements)) or OTHER_RULES.get(code, code)
    return {"id": code, "shortDescription": {"text": text}, "help": {"text": f"nn laws {code}"}}


def _result(finding: Finding, rules: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "ruleId": finding.code,
        "ruleIndex": rules.index(finding.code),
        "level": "warning" if finding.is_warning else "error",
        "message": {"text": finding.text},
        "partialFingerprints": {"unitAndLaw/v1": _fingerprint(finding)},
    }
    location: dict[str, Any] = {"logicalLocations": [{"fullyQualifiedName": finding.unit}]}
    if finding.path:
        location["physicalLocation"] = {"artifactLocation": _artifact(finding.path)}
        if finding.line:
            column = {"startColumn": finding.column} if finding.column else {}
            location["physicalLocation"]["region"] = {"startLine": finding.line, **column}
    found["locations"] = [location]
    suggestion = finding.violation and finding.violation.suggestion
    edits = suggestion.edits if suggestion and not finding.path.endswith(".ipynb") else ()
    if fixes := [_fix(edit) for edit in edits if edit.column]:
        found["fixes"] = fixes
    return found


def _fix(edit: Edit) -> dict[str, Any]:
    paths = dict.fromkeys(part.path for part in edit.parts)
    changes = [
        {
            "artifactLocation": _artifact(path),
            "replacements": [_replacement(part) for part in edit.parts if part.path == path],
        }
        for path in paths
    ]
    return {"description": {"text": str(edit)}, "artifactChanges": changes}


def _replacement(edit: Edit) -> dict[str, Any]:
    region = {
        "startLine": edit.line, "startColumn": edit.column, "endLine": edit.end_line, "endColumn": edit.end_column,
    }  # fmt: skip
    return {"deletedRegion": region, "insertedContent": {"text": edit.after}}


def _artifact(path: str) -> dict[str, str]:
    """A relative reference if the file is below the checkout or the current folder; else a file: URI."""
    found = repository_path(path)
    return {"uri": Path(found).as_uri() if os.path.isabs(found) else quote(found)}


def _fingerprint(finding: Finding) -> str:
    """The same as long as path, unit and law are."""
    parts = "\0".join((repository_path(finding.path), finding.unit, finding.code))
    return hashlib.sha256(parts.encode(errors="backslashreplace")).hexdigest()[:32]
