"""Compare which bugs nnlaw and other checkers catch.

    pip install -r benchmarks/comparison/requirements.txt
    python benchmarks/comparison                        fixtures/faults and fixtures/correct, into docs/comparison.md
    python benchmarks/comparison FOLDER                 FOLDER/bugs and FOLDER/right, counted and printed
    python benchmarks/comparison FOLDER --about "..."   the same, written to the page below this sentence

With `--results FILE`, the results of the other checkers are stored in FILE and reused:

    python benchmarks/comparison FOLDER --results FILE --only torch_gradcheck,jax_check_grads
    python benchmarks/comparison FOLDER --results FILE --about "..."
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from page import folder_section, planted_section, put
from results import Results
from running import CHECKERS, work
from tally import Tally, measured

ROOT = Path(__file__).parents[2]


def main() -> int:
    """Exit code 2 if a package or a folder is missing."""
    parser = argparse.ArgumentParser(description="Compare which bugs nnlaw and other checkers catch.")
    parser.add_argument("folder", nargs="?", type=Path, help="folder with bugs/ and right/, one unit in each file")
    parser.add_argument("--about", default="", help="a sentence about FOLDER; if given, writes the page")
    parser.add_argument("--only", default="", help=f"some of {', '.join(CHECKERS)}; does not write the page")
    parser.add_argument("--title", default="Another corpus", help="title of FOLDER on the page")
    parser.add_argument("--results", type=Path, help="file that stores the results of the other checkers")
    options = parser.parse_args()
    fixtures = ROOT / "fixtures"
    bugs, right = fixtures / "faults", fixtures / "correct"
    if options.folder:
        bugs, right = options.folder / "bugs", options.folder / "right"
    if not any(bugs.glob("*.py")) or not any(right.glob("*.py")):
        print(f"{bugs} and {right}: expected Python files in both", file=sys.stderr)
        return 2
    tallies: list[Tally] = []
    stored = Results(options.results)
    try:
        for name in options.only.split(",") if options.only else CHECKERS:
            tallies.append(measured(name, bugs, right, stored))
            print(tallies[-1].line, flush=True)
    except ModuleNotFoundError as missing:
        print(missing, file=sys.stderr)
        return 2
    section = folder_section(tallies, options.title, options.about) if options.folder else planted_section(tallies)
    if options.only or (options.folder and not options.about):
        print(section)
    else:
        put(section, options.folder.resolve().name if options.folder else "planted")
    return 0


if __name__ == "__main__":
    sys.exit(work(sys.argv[2], sys.argv[3:]) if sys.argv[1:2] == ["--work"] else main())
