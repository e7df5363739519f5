"""Makes docs/evidence.md and its pictures from scratch: python benchmarks/evidence.py mnist/   (a few minutes)."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # one thread gives the same bits on any machine, and NumPy asks only once
ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]


def main() -> None:
    """Ask every question, then write the page."""
    from lab import Lab
    from questions import QUESTIONS

    if len(sys.argv) != 2:
        raise SystemExit("usage: python benchmarks/evidence.py MNIST_FOLDER")
    begun = time.perf_counter()
    os.environ["MPLCONFIGDIR"] = os.environ.get("MPLCONFIGDIR", tempfile.gettempdir())
    with tempfile.TemporaryDirectory(prefix="nn-evidence-") as place:
        lab = Lab(Path(sys.argv[1]).resolve(), Path(place), ROOT / "docs" / "evidence")
        os.chdir(ROOT)
        lab.page.heading("Evidence", 1)
        lab.page.text(
            "Questions that a learner asks, each answered by a command and what it measured on the real MNIST, in a "
            "folder `mnist/`. Accuracies are on 5,000 validation images that were not trained on, unless the test "
            "set is named. The whole page is made by `python benchmarks/evidence.py mnist/`. Another seed moves the "
            "accuracy of one run by some tenths of a percent: see how far it can be trusted."
        )
        for ask in QUESTIONS:
            ask(lab)
        (ROOT / "docs" / "evidence.md").write_text(lab.page.markdown(), encoding="utf-8")
    print(f"docs/evidence.md after {time.perf_counter() - begun:.0f} s")


if __name__ == "__main__":
    main()
