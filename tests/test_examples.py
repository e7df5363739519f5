"""The examples run and obey, and the pages that were made by a command are whole."""

import ast
import re
from pathlib import Path

import numpy as np
import pytest

from nnlaw.cli.main import run
from nnlaw.nn.core.settings import Settings, read_settings
from nnlaw.nn.plugins.loader import load_plugin_file
from nnlaw.spec import LayerCase, conformance

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "examples"


@pytest.mark.parametrize("recipe", sorted(EXAMPLES.glob("*.toml")), ids=lambda path: path.stem)
def test_recipes_are_settings_that_train(recipe: Path, tiny_folder: Path, workplace: Path) -> None:
    """Each recipe is read by `nn train --config` and trains under law."""
    assert run(["train", str(tiny_folder), "--config", str(recipe), "--strict", "--epochs", "1", "--json"]) == 0


def test_the_default_recipe_is_the_default() -> None:
    """examples/default.toml says what `nn train` does without flags."""
    assert Settings().with_changes(read_settings(EXAMPLES / "default.toml")) == Settings()


def test_the_residual_block_obeys_every_law() -> None:
    """The example plugin is broken by no law."""
    (plugin,) = load_plugin_file(EXAMPLES / "residual.py")
    layer = plugin.thing()
    layer.build((6,), np.random.default_rng(0))
    for holder in (layer.params, layer.state):
        holder.update({name: array.astype(np.float32) for name, array in holder.items()})
    x = np.random.default_rng(1).standard_normal((5, 6)).astype(np.float32)
    assert conformance(LayerCase("residual", layer, x)).violations == []


@pytest.mark.parametrize("name", ["evidence", "benchmarks", "stress-adversarial"])
def test_pages_name_pictures_that_are_there(name: str) -> None:
    """Every picture of a made page lies beside it."""
    page = (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8")
    pictures = re.findall(r"!\[.*?\]\((.*?)\)", page)
    assert pictures and all((ROOT / "docs" / picture).is_file() for picture in pictures)


def test_the_evidence_page_has_every_question() -> None:
    """docs/evidence.md has a section for each heading of the scripts that make it."""
    page = (ROOT / "docs" / "evidence.md").read_text(encoding="utf-8")
    headings = []
    for file in ("evidence_questions.py", "evidence_checklist.py"):
        for node in ast.walk(ast.parse((ROOT / "benchmarks" / file).read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "heading":
                headings += [node.args[0].value] if isinstance(node.args[0], ast.Constant) else []
    assert len(headings) > 10
    assert [heading for heading in headings if f"# {heading}\n" not in page] == []
