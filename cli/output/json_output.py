"""The results of nn verify as JSON, in the form that spec/report.schema.json describes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from nnlaw.cli.output.verify_output import summary_counts
from nnlaw.nn.verify.supervisor import TargetResult
from nnlaw.spec.declared_exceptions import DeclaredException
from nnlaw.spec.report import SCHEMA_VERSION


def to_json(
    results: Sequence[TargetResult],
    unneeded: Sequence[DeclaredException],
    fixes: Sequence[dict[str, Any]] = (),
) -> str:
    """Units, ignores that are not needed, laws that were not run, what --fix changed, and a summary."""
    units = [{**report, "file": result.target.get("file", "")} for result in results for report in result.reports]
    not_run = [{"file": result.name, "laws": result.laws_not_run} for result in results if result.laws_not_run]
    content: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "units": units,
        "unneeded_ignores": [row.to_dict() for row in unneeded],
        "laws_not_run": not_run,
        "fixes": list(fixes),
        "summary": summary_counts(list(results)),
    }
    return json.dumps(content, indent=2)
