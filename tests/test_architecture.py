"""The house plan: cli -> nn -> spec, and nothing the other way."""

import ast
import importlib.metadata
import subprocess
import sys

import pytest

from nnlaw.spec.locations import IMPORT_ROOT, PACKAGE

FORBIDDEN = {"spec": {"nn", "cli"}, "nn": {"cli"}}


@pytest.mark.parametrize("package", FORBIDDEN)
def test_imports_go_one_way(package: str) -> None:
    """No module of a lower package names a higher one in an import; fixtures are plugins, which do."""
    for file in (PACKAGE / package).rglob("*.py"):
        if "fixtures" in file.relative_to(PACKAGE).parts:
            continue
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not {name.split(".")[1] for name in names if name.startswith("nnlaw.")} & FORBIDDEN[package], file


def test_spec_stands_alone() -> None:
    """spec imports and judges a layer in a process in which nn and cli cannot be imported."""
    code = (
        "import sys; sys.modules['nnlaw.nn'] = sys.modules['nnlaw.cli'] = None\n"
        "import numpy as np\n"
        "from nnlaw.spec import LayerCase, conformance, obeys\n"
        "@obeys('N ... -> N ...')\n"
        "class Twice:\n"
        "    def forward(self, x): return x + x\n"
        "    def backward(self, dy): return dy + dy\n"
        "x = np.random.default_rng(0).standard_normal((4, 3)).astype(np.float32)\n"
        "print(conformance(LayerCase('twice', Twice(), x)).outcome)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=IMPORT_ROOT)
    assert done.stdout.strip() == "passed", done.stderr


def test_help_imports_nothing_heavy() -> None:
    """`nn --help` imports neither numpy nor any command."""
    code = (
        "import sys; from nnlaw.cli.main import run; run(['--help']); "
        "print('numpy' in sys.modules, 'nnlaw.nn' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=IMPORT_ROOT)
    assert done.stdout.strip().endswith("False False"), done.stdout + done.stderr


def test_the_distribution_is_called_nnlaw() -> None:
    """The installed distribution bears the name that the README names."""
    try:
        version = importlib.metadata.version("nnlaw")
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("running from a checkout that is not installed")
    assert version
