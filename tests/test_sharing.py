"""examples/sharing: a package with a plugin and a law, built, installed and used."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from nnlaw.nn.plugins.installed import origin, source_file
from nnlaw.spec.locations import IMPORT_ROOT
from nnlaw.spec.violation import BadInput

EXAMPLE = Path(__file__).parent.parent / "examples" / "sharing"
SHIFTED = """class Shifted:
    def forward(self, x):
        return x + 1
    def backward(self, dy):
        return dy
"""


def test_a_module_is_named_as_a_file_is(workplace: Path) -> None:
    """By its dotted name; a file of that name comes first; what is not there is refused."""
    assert source_file("nnlaw.nn.layers.dense").name == "dense.py" and source_file("no/such.py") == Path("no/such.py")
    (workplace / "json").write_text("")
    assert source_file("json") == Path("json")
    with pytest.raises(BadInput, match=r"no file or module is called nowhere_at_all"):
        source_file("nowhere_at_all")
    assert origin("mine.py") == "mine.py"


@pytest.mark.slow
def test_the_example_package_is_found_when_it_is_installed(tmp_path: Path) -> None:
    """Its layer is listed with the package and trained by name, its law is listed, explained and checked."""
    for needed in ("pip", "hatchling"):
        if find_spec(needed) is None:
            pytest.skip(f"{needed} is not installed")
    site = tmp_path / "site"
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*install, "--target", str(site), str(EXAMPLE)], check=True, capture_output=True)
    (tmp_path / "shifted.py").write_text(SHIFTED)
    environment = os.environ | {"PYTHONPATH": f"{IMPORT_ROOT}{os.pathsep}{site}"}

    def nn(*words: str) -> str:
        command = [sys.executable, "-m", "nnlaw", *words]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
        return f"{done.stdout}{done.stderr}exit {done.returncode}"

    listed = [line for line in nn("plugins").splitlines() if "acme_softsign" in line]
    assert len(listed) == 1 and "nnlaw-acme 1.0" in listed[0]
    assert "acme_softsign" in nn("plugins", "--plugin", "acme.layers")
    assert "(from nnlaw-acme 1.0)" in nn("laws") and "shifts the mean" in nn("laws", "acme-zero-at-zero")
    assert "acme-zero-at-zero" in (checked := nn("verify", "shifted.py")) and "exit 1" in checked
    assert "exit 0" in nn("digits", "--count", "350", "digits")
    trained = nn("train", "digits", "--layers", "dense:16 acme_softsign dense:10", "--epochs", "1", "--run", "one")
    assert "exit 0" in trained and "acme_softsign" in trained and (tmp_path / "one/plugins").is_dir()
