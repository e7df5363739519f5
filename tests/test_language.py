"""The language test: sources, messages and docs use the words listed as preferred in language.toml.

Run `python tests/test_language.py [PATH ...]` to list every hit below these files or folders, grouped by file.
"""

import fnmatch
import re
import sys
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
LISTS: dict[str, Any] = tomllib.loads(Path(__file__).with_name("language.toml").read_text(encoding="utf-8"))
SEPARATOR = r"[\s\"'#]+"  # between two words of a phrase: it may continue on the next line, comment or string literal

FROZEN = re.compile("|".join(map(fnmatch.translate, LISTS["frozen"])))


class Hit(NamedTuple):
    """One use of a listed word or phrase, and what to write instead."""

    file: str
    line: int
    found: str
    instead: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.found} -> {self.instead}"


def rules(kind: str) -> list[tuple[str, str]]:
    """The rules for "prose", "names" or "files": what to find, and what to write instead."""
    return LISTS[kind] + (LISTS["both"] if kind != "files" else [])  # type: ignore[no-any-return]


@cache
def pattern(kind: str, find: str) -> re.Pattern[str]:
    """The pattern of a rule for lowercase text: whole words, or for "files" a whole path."""
    start, end = ("^", "$") if kind == "files" else (r"(?<!\w)(?=\S)", r"(?!\w)")
    return re.compile(f"{start}(?:{find.replace(' ', SEPARATOR)}){end}")


@cache
def any_rule(kind: str) -> re.Pattern[str]:
    """One pattern for all rules: much faster than one search per rule."""
    return pattern(kind, "|".join(find for find, _ in rules(kind)))


@cache
def exceptions(file: str, kind: str) -> re.Pattern[str] | None:
    """One pattern of what is allowed in this file."""
    words = [e["find"] for e in LISTS["allowed"] if fnmatch.fnmatch(file, e["files"]) and e.get("where", kind) == kind]
    return re.compile("|".join(words).replace(" ", SEPARATOR), re.IGNORECASE) if words else None


def blank(text: str) -> str:
    """Spaces in place of every character that is not a line end."""
    return "\n".join(" " * len(line) for line in text.split("\n")) if "\n" in text else " " * len(text)


@cache
def frozen_names() -> set[str]:
    """Names of frozen files, which pages and tests may mention."""
    return {path.stem for pattern in LISTS["frozen"] for path in ROOT.glob(pattern) if "_" in path.stem}


def as_prose(text: str) -> str:
    """A text without names of frozen files, and with spaces in place of underscores."""
    text = re.sub(r"\w+_\w+", lambda match: blank(match[0]) if match[0] in frozen_names() else match[0], text)
    return text.replace("_", " ")


def search(file: str, text: str, kind: str, line: int = 1) -> Iterator[Hit]:
    """Hits of the rules of one kind in a text that starts at this line; allowed uses are blanked out first."""
    if not any_rule(kind).search(text.lower()):
        return
    allowed = exceptions(file, kind)
    if allowed:
        text = allowed.sub(lambda match: blank(match[0]), text)
    text = text.lower()
    for match in any_rule(kind).finditer(text):
        instead = next(better for find, better in rules(kind) if pattern(kind, find).match(text, match.start()))
        yield Hit(file, line + text.count("\n", 0, match.start()), re.sub(SEPARATOR, " ", match[0]), instead)


@cache
def listed(name: str) -> bool:
    """Whether a rule matches this identifier, exceptions aside; saves a search for each of its uses."""
    return any_rule("names").search(words(name).lower()) is not None


def words(name: str) -> str:
    """The words of an identifier in snake_case or CamelCase, separated by spaces."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name).replace("_", " ").strip()


PROSE = re.compile(
    r"""\#[^\n]*|(?P<prefix>\b[a-z]{1,2})?(?P<quote>\'{3}|"{3}|\'|")(?:\\.|(?!(?P=quote)).)*(?P=quote)""",
    re.IGNORECASE | re.DOTALL,
)
"""A comment or a string literal; much faster than the module tokenize."""
EXPRESSION = re.compile(r"(?<!\{)\{(?!\{)[^{}]*\}")  # in an f-string
NAME = re.compile(r"\b[^\W\d]\w*")


def prose_and_code(source: str) -> tuple[str, str]:
    """Split Python source into its prose and its code, two texts with the same lines.

    Prose has spaces in place of everything but comments and string literals, and of the expressions inside f-strings.
    """
    prose, code, end = list[str](), list[str](), 0
    for found in PROSE.finditer(source):
        between, text, end = source[end : found.start()], found[0], found.end()
        code += [between, blank(text)]
        if "f" in (found["prefix"] or "").lower():
            text = EXPRESSION.sub(lambda match: blank(match[0]), text)
        prose += [blank(between), text]
    prose, code = [*prose, blank(source[end:])], [*code, source[end:]]
    return "".join(prose), "".join(code)


def names_in(code: str) -> list[tuple[int, str]]:
    """The names in code, each with its line number."""
    return [(number, name) for number, line in enumerate(code.split("\n"), 1) for name in NAME.findall(line)]


def check(file: str) -> Iterator[Hit]:
    """Hits in one file: its path, its prose and, in Python, its names."""
    text = (ROOT / file).read_text(encoding="utf-8")
    path = str(Path(file).with_suffix(""))
    yield from search(file, path, "files")
    yield from search(file, words(path.replace("/", " / ")), "names")
    if file == "CHANGELOG.md":  # released entries stay as they are
        text = re.split(r"^## 0\.1\.0", text, flags=re.MULTILINE)[0]
    if not file.endswith(".py"):
        yield from search(file, as_prose(text), "prose")
        return
    prose, code = prose_and_code(text)
    yield from search(file, as_prose(prose), "prose")
    if any(map(listed, set(NAME.findall(code)))):
        for line, name in names_in(code):
            if listed(name):
                yield from search(file, words(name), "names", line)


def files(paths: Iterable[str]) -> Iterator[str]:
    """Text files below these paths, relative to the root, without frozen ones and without what git would not keep."""
    for path in map(ROOT.joinpath, paths):
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            name = file.relative_to(ROOT).as_posix()
            text = file.suffix in {".py", ".md", ".txt", ".toml", ".ini", ".cfg", ".yml"} or name == ".ci/run"
            if text and not FROZEN.match(name) and file.is_file():
                yield name


def hits(paths: Iterable[str]) -> list[Hit]:
    """All hits below these paths."""
    return [hit for file in files(paths) for hit in check(file)]


def test_language() -> None:
    """No source, message or page uses a word that language.toml lists."""
    found = hits(LISTS["scan"])
    assert not found, "\n".join(map(str, found))


def test_prose_and_names_are_separated() -> None:
    """Comments, strings and docstrings are prose, without the expressions in f-strings; the rest are names."""
    prose, code = prose_and_code('def some_name():  # a comment\n    return f"text {value}" "more"\n')
    assert "comment" in prose and "text" in prose and "more" in prose and "value" not in prose
    assert names_in(code)[:3] == [(1, "def"), (1, "some_name"), (2, "return")]


def main(paths: list[str]) -> None:
    """Print the hits below these paths, by default everywhere, grouped by file."""
    given = [str(Path(path).resolve().relative_to(ROOT)) for path in paths]
    found = hits(given or LISTS["scan"])
    for file, count in Counter(hit.file for hit in found).items():
        print(f"{file}: {count}")
        for hit in found:
            if hit.file == file:
                print(f"  {hit.line}: {hit.found} -> {hit.instead}")
    for room, count in sorted(Counter("/".join(hit.file.split("/")[:2]) for hit in found).items()):
        print(f"{count:6} {room}")
    print(f"{len(found):6} in total")


if __name__ == "__main__":
    main(sys.argv[1:])
