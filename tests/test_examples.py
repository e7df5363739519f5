"""The examples train and pass every law, and generated pages are complete."""

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


@pytest.mark.slow
@pytest.mark.no_cover
@pytest.mark.parametrize("recipe", sorted(EXAMPLES.glob("*.toml")), ids=lambda path: path.stem)
def test_recipes_train_with_strict(recipe: Path, tiny_folder: Path, workplace: Path) -> None:
    """Each recipe is read by `nn train --config`."""
    assert run(["train", str(tiny_folder), "--config", str(recipe), "--strict", "--epochs", "1", "--json"]) == 0


def test_the_default_recipe_is_the_default() -> None:
    """examples/default.toml has the same settings as `nn train` without options."""
    assert Settings().with_changes(read_settings(EXAMPLES / "default.toml")) == Settings()


def test_the_residual_block_passes_every_law() -> None:
    """The example plugin."""
    (plugin,) = load_plugin_file(EXAMPLES / "residual.py")
    layer = plugin.thing()
    layer.build((6,), np.random.default_rng(0))
    for holder in (layer.params, layer.state):
        holder.update({name: array.astype(np.float32) for name, array in holder.items()})
    x = np.random.default_rng(1).standard_normal((5, 6)).astype(np.float32)
    assert conformance(LayerCase("residual", layer, x)).violations == []


@pytest.mark.parametrize("name", ["evidence", "benchmarks", "stress-adversarial"])
def test_pictures_of_generated_pages_exist(name: str) -> None:
    """Every picture of a generated page is in its folder."""
    page = (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8")
    pictures = re.findall(r"!\[.*?\]\((.*?)\)", page)
    assert pictures and all((ROOT / "docs" / picture).is_file() for picture in pictures)


def test_the_evidence_page_has_every_question() -> None:
    """docs/evidence.md has a section for each heading of the scripts that generate it."""
    page = (ROOT / "docs" / "evidence.md").read_text(encoding="utf-8")
    headings = []
    for file in ("evidence_questions.py", "evidence_checklist.py"):
        for node in ast.walk(ast.parse((ROOT / "benchmarks" / file).read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "heading":
                headings += [node.args[0].value] if isinstance(node.args[0], ast.Constant) else []
    assert len(headings) > 10
    assert [heading for heading in headings if f"# {heading}\n" not in page] == []
