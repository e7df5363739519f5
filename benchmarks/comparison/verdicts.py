"""What checkers said, kept in a file, so that a checker can be added later without running the others again.

    kept = Verdicts(Path("verdicts.jsonl"))
    found = kept.run("cs231n", paths)       only what the file does not have of exactly these plugins is run, and added

A line is one checker's verdict on one plugin file, known by its folder, its name and the digest of its text: after
a change to a checker's file here, begin a new one. The kit is what changes most, so that its verdicts are never kept.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path

from running import Found, run

Key = tuple[str, str, str, str]
NEVER = "kit"


class Verdicts:
    """The verdicts in `file`, or of this run alone where that is None."""

    def __init__(self, file: Path | None = None) -> None:
        self.file = file
        self.known: dict[Key, Found] = {}
        if file is not None and file.exists():
            for line in file.read_text(encoding="utf-8").splitlines():
                told = json.loads(line)
                key = tuple(told.pop("key"))
                self.known[key] = Found(**told)

    def run(self, checker: str, paths: list[Path]) -> list[Found]:
        """What `checker` says of each file, in order. Raises ModuleNotFoundError where its package is missing."""
        keys = {path: _key(checker, path) for path in paths}
        new = [path for path in paths if checker == NEVER or keys[path] not in self.known]
        for path, found in zip(new, self._ran(checker, new), strict=True):
            self._keep(keys[path], found)
        for path in paths:
            self.known[keys[path]].file = str(path)  # which may have moved since
        return [self.known[keys[path]] for path in paths]

    def _ran(self, checker: str, paths: list[Path]) -> Iterator[Found]:
        return run(checker, paths) if paths else iter(())

    def _keep(self, key: Key, found: Found) -> None:
        self.known[key] = found
        if self.file is not None and key[0] != NEVER:
            told = {"key": key, **asdict(found), "file": Path(found.file).name}
            with self.file.open("a", encoding="utf-8") as out:
                out.write(json.dumps(told) + "\n")


def _key(checker: str, path: Path) -> Key:
    return checker, path.parent.name, path.name, sha256(path.read_bytes()).hexdigest()
