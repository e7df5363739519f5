"""Make docs/evidence.md and its plots: python benchmarks/evidence.py mnist/   (a few minutes)."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # one thread gives the same bits on any machine; read when NumPy is imported
ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT / "src"), str(ROOT / "benchmarks")]


def main() -> None:
    """Run the commands of every question, then write the page."""
    from evidence_page import EvidencePage
    from evidence_questions import QUESTIONS

    if len(sys.argv) != 2:
        raise SystemExit("usage: python benchmarks/evidence.py MNIST_FOLDER")
    start = time.perf_counter()
    os.environ["MPLCONFIGDIR"] = os.environ.get("MPLCONFIGDIR", tempfile.gettempdir())
    with tempfile.TemporaryDirectory(prefix="nn-evidence-") as folder:
        evidence = EvidencePage(Path(sys.argv[1]).resolve(), Path(folder), ROOT / "docs" / "evidence")
        os.chdir(ROOT)
        evidence.page.heading("Evidence", 1)
        evidence.page.text(
            "Common questions about training, each with a command and its results on the real MNIST, in a folder "
            "`mnist/`. Accuracies are on 5,000 validation images, unless the test set is named. The whole page is made "
            "by `python benchmarks/evidence.py mnist/`. Another seed changes the accuracy of one run by a few tenths "
            "of a percent; the last table of \"How reliable is the accuracy of one run?\" shows how much."
        )
        for question in QUESTIONS:
            question(evidence)
        (ROOT / "docs" / "evidence.md").write_text(evidence.page.markdown(), encoding="utf-8")
    print(f"docs/evidence.md after {time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
