"""Store the results of checkers in a file, so that adding a checker does not run the others again.

    stored = Results(Path("results.jsonl"))
    found = stored.run("cs231n", paths)       runs the checker only on files without a stored result

A line is the result of one checker on one file, identified by folder, name and SHA-256. After a change to a checker's
file in this folder, start a new results file. Results of nnlaw itself are not stored, because it changes most.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path

from running import Found, run

Key = tuple[str, str, str, str]
NOT_STORED = "kit"


class Results:
    """The results in `file`, or only those of this run if it is None."""

    def __init__(self, file: Path | None = None) -> None:
        self.file = file
        self.known: dict[Key, Found] = {}
        if file is not None and file.exists():
            for line in file.read_text(encoding="utf-8").splitlines():
                fields = json.loads(line)
                key = tuple(fields.pop("key"))
                self.known[key] = Found(**fields)

    def run(self, checker: str, paths: list[Path]) -> list[Found]:
        """The result of `checker` for each file, in order. Raises ModuleNotFoundError if its package is missing."""
        keys = {path: _key(checker, path) for path in paths}
        new = [path for path in paths if checker == NOT_STORED or keys[path] not in self.known]
        for path, found in zip(new, self._new(checker, new), strict=True):
            self._store(keys[path], found)
        for path in paths:
            self.known[keys[path]].file = str(path)  # it may have moved
        return [self.known[keys[path]] for path in paths]

    def _new(self, checker: str, paths: list[Path]) -> Iterator[Found]:
        return run(checker, paths) if paths else iter(())

    def _store(self, key: Key, found: Found) -> None:
        self.known[key] = found
        if self.file is not None and key[0] != NOT_STORED:
            fields = {"key": key, **asdict(found), "file": Path(found.file).name}
            with self.file.open("a", encoding="utf-8") as out:
                out.write(json.dumps(fields) + "\n")


def _key(checker: str, path: Path) -> Key:
    return checker, path.parent.name, path.name, sha256(path.read_bytes()).hexdigest()
