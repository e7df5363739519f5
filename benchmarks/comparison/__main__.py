"""What this kit and other checkers catch of the same bugs: run, not argued.

    pip install -r benchmarks/comparison/requirements.txt
    python benchmarks/comparison                        fixtures/faults and fixtures/correct, into docs/comparison.md
    python benchmarks/comparison FOLDER                 FOLDER/bugs and FOLDER/right, counted and printed
    python benchmarks/comparison FOLDER --about "..."   the same, into the page, under this sentence

With `--verdicts FILE`, what the other checkers say is kept in FILE, and not run again; so

    python benchmarks/comparison FOLDER --verdicts FILE --only torch_gradcheck,jax_check_grads    now
    python benchmarks/comparison FOLDER --verdicts FILE --about "..."                             and the kit later
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from page import folder_section, planted_section, put
from running import CHECKERS, work
from tally import Tally, measured
from verdicts import Verdicts

ROOT = Path(__file__).parents[2]


def main() -> int:
    """Exit code 2 where a package or a folder is missing."""
    parser = argparse.ArgumentParser(description="What this kit and other checkers catch of the same bugs.")
    parser.add_argument("folder", nargs="?", type=Path, help="with bugs/ and right/ in it, a plugin in each file")
    parser.add_argument("--about", default="", help="a sentence on FOLDER, under which its counts go into the page")
    parser.add_argument("--only", default="", help=f"some of {', '.join(CHECKERS)}; the page is left alone")
    parser.add_argument("--title", default="Another corpus", help="what FOLDER is called on the page")
    parser.add_argument("--verdicts", type=Path, help="a file in which the others' verdicts are kept, and looked up")
    told = parser.parse_args()
    fixtures = ROOT / "fixtures"
    bugs, right = (
        (told.folder / "bugs", told.folder / "right") if told.folder else (fixtures / "faults", fixtures / "correct")
    )
    if not any(bugs.glob("*.py")) or not any(right.glob("*.py")):
        print(f"{bugs} and {right}: expected Python files in both", file=sys.stderr)
        return 2
    tallies: list[Tally] = []
    kept = Verdicts(told.verdicts)
    try:
        for name in told.only.split(",") if told.only else CHECKERS:
            tallies.append(measured(name, bugs, right, kept))
            print(tallies[-1].line, flush=True)
    except ModuleNotFoundError as missing:
        print(missing, file=sys.stderr)
        return 2
    section = folder_section(tallies, told.title, told.about) if told.folder else planted_section(tallies)
    if told.only or (told.folder and not told.about):
        print(section)
    else:
        put(section, told.folder.resolve().name if told.folder else "planted")
    return 0


if __name__ == "__main__":
    sys.exit(work(sys.argv[2], sys.argv[3:]) if sys.argv[1:2] == ["--work"] else main())
