"""The results.json of Gradescope's autograder: one test per requirement.

    to_gradescope(grade, hints="cause")

Source: Gradescope, Autograder Specifications, "Output format".
"""

from __future__ import annotations

import json
from typing import Any

from nnlaw.cli.output.feedback import requirement_markdown
from nnlaw.nn.grade.score import Grade, RequirementGrade


def to_gradescope(grade: Grade, hints: str) -> str:
    """The results of one student. Standard output of the autograder stays hidden from students."""
    notes = [*grade.checked.problems, *(f"does not count: {text}" for text in grade.checked.exceptions)]
    content = {
        "score": grade.score,
        "execution_time": round(grade.checked.seconds),
        "output": "\n".join(notes),
        "output_format": "text",
        "visibility": "visible",
        "stdout_visibility": "hidden",
        "tests": [_test(grade, row, str(i), hints) for i, row in enumerate(grade.rows, 1)],
    }
    return json.dumps(content, indent=2)


def _test(grade: Grade, row: RequirementGrade, number: str, hints: str) -> dict[str, Any]:
    return {
        "number": number,
        "name": row.requirement.name,
        "name_format": "text",
        "score": row.points,
        "max_score": row.requirement.points,
        "status": "passed" if row.points >= row.requirement.points else "failed",
        "output": requirement_markdown(grade, row, hints),
        "output_format": "md",
        "visibility": "visible",
    }
