"""Write the generated pages of docs/.

    python tools/pages             write all of them
    python tools/pages laws        write docs/laws/
    python tools/pages names       write docs/names/

A maker is a function that returns the pages of one folder, by their path there. To add one, write its module beside
this file and list it in MAKERS. A test compares each folder with what its maker returns.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from names import pages as name_pages

from nnlaw.spec.law_docs import pages as law_pages

DOCS = Path(__file__).resolve().parents[2] / "docs"
MAKERS: dict[str, Callable[[], dict[str, str]]] = {"laws": law_pages, "names": name_pages}


def write(name: str) -> None:
    """Write the pages of docs/<name>/ and delete the Markdown files there that no maker returns."""
    folder, pages = DOCS / name, MAKERS[name]()
    for old in folder.rglob("*.md"):
        if old.relative_to(folder).as_posix() not in pages:
            old.unlink()
    for path, text in pages.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    print(f"docs/{name}: {len(pages)} pages")


def main(names: list[str]) -> None:
    """Write the pages of these folders, by default of all."""
    unknown = sorted(set(names) - set(MAKERS))
    if unknown:
        sys.exit(f"unknown: {', '.join(unknown)}; choose from {', '.join(MAKERS)}")
    for name in names or MAKERS:
        write(name)


if __name__ == "__main__":
    main(sys.argv[1:])
