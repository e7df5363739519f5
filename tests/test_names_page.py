"""docs/names lists every standard name."""

import runpy
from pathlib import Path

from nnlaw.spec.reference import LAYERS, OPTIMIZERS

ROOT = Path(__file__).parents[1]


def test_the_page_of_standard_names_is_what_is_generated_now() -> None:
    """It has a row per name; `python tools/pages names` writes it."""
    text = runpy.run_path(str(ROOT / "tools" / "pages" / "names.py"))["pages"]()["README.md"]
    assert (ROOT / "docs" / "names" / "README.md").read_text(encoding="utf-8") == text
    assert all(f"| {name} |" in text for name in (*LAYERS, *OPTIMIZERS))
