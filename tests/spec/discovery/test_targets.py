"""spec/discovery/targets.py: what arguments name."""

from pathlib import Path

import pytest

from nnlaw.spec.discovery.targets import Target, targets
from nnlaw.spec.violation import BadInput


@pytest.fixture
def project(tmp_path, monkeypatch) -> Path:
    """A project with a file, a package, a notebook, and folders that do not belong to it."""
    for name in ["net.py", "pkg/__init__.py", "pkg/layers.py", "note.ipynb", ".hidden/a.py", "venv/lib/b.py", "a.md"]:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_files_names_modules_folders_and_patterns(project) -> None:
    """Each form of argument gives its files, in order and once."""
    assert targets(["net.py"]) == [Target(Path("net.py"))]
    assert targets(["net.py::Dense"]) == [Target(Path("net.py"), "Dense")]
    assert targets(["pkg.layers:Dense"]) == [Target(Path("pkg/layers.py"), "Dense")]
    assert targets(["pkg.layers"]) == [Target(Path("pkg/layers.py"))]
    assert targets(["nnlaw.nn.losses"])[0].path.name == "losses.py"
    assert targets(["."]) == [Target(Path(n)) for n in ("net.py", "note.ipynb", "pkg/__init__.py", "pkg/layers.py")]
    assert targets(["*.ipynb", "pkg/*.py", "note.ipynb"]) == [
        Target(Path(n)) for n in ("note.ipynb", "pkg/__init__.py", "pkg/layers.py")
    ]
    assert targets(["net.py::A", "net.py"]) == [Target(Path("net.py"))]


@pytest.mark.parametrize(
    ("argument", "sentence"),
    [
        ("other.py", r"other\.py: no such file, folder or module"),
        ("a/other.py", r"a/other\.py: no such file or folder"),
        ("*.txt", r"\*\.txt: no file matches"),
        ("a.md", r"a\.md: expected a Python file"),
        ("net.py::1", r"net\.py::1: expected the name of a class or function"),
        ("pkg.missing:Dense", r"pkg\.missing:Dense: no such file, folder or module"),
        ("empty", r"empty: no \.py file"),
    ],
)
def test_what_names_nothing_is_bad_input(project, argument, sentence) -> None:
    """An argument that names no file is refused in one sentence."""
    (project / "empty").mkdir()
    with pytest.raises(BadInput, match=sentence):
        targets([argument])
