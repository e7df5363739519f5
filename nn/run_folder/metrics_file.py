"""Read metrics.jsonl: a row per step, and one per epoch."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from nnlaw.nn.run_folder.folder import Run
from nnlaw.spec.violation import BadInput

TIME = "seconds"


def read_metrics(run: Run) -> Iterator[dict[str, Any]]:
    """The rows one by one, without times. Raises BadInput for a line that is not a JSON object."""
    path = run.folder / "metrics.jsonl"
    with path.open(encoding="utf-8", errors="replace") as file:
        for number, line in enumerate(file, 1):
            try:
                row = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise BadInput(f"{path}: line {number}: not JSON: {error}") from error
            if not isinstance(row, dict):
                raise BadInput(f"{path}: line {number}: expected an object")
            row.pop(TIME, None)
            yield row
