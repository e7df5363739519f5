"""nn/grade/copies.py: the same code under other names."""

from pathlib import Path

from nnlaw.nn.grade.copies import copies, fingerprint
from nnlaw.nn.grade.submissions import submissions

SOURCE = '''"""My homework."""
import numpy as np


class Dense:
    def __init__(self, n_in, n_out):
        self.W = np.random.randn(n_in, n_out)
        self.b = np.zeros(n_out)

    def forward(self, x):
        self.x = x  # for backward
        return x @ self.W + self.b

    def backward(self, dy):
        self.dW = self.x.T @ dy
        self.db = dy.sum(axis=0)
        return dy @ self.W.T
'''
RENAMED = SOURCE.replace("Dense", "Linear").replace("dy", "grad").replace("My homework", "Mine").replace("# for", "#")


def test_names_comments_and_docstrings_do_not_matter() -> None:
    """Another operation or number does."""
    assert fingerprint(SOURCE) == fingerprint(RENAMED) != ""
    assert fingerprint(SOURCE) != fingerprint(SOURCE.replace("axis=0", "axis=1"))
    assert fingerprint(SOURCE) != fingerprint(SOURCE.replace("dy @ self.W.T", "dy @ self.x.T"))


def test_small_files_are_not_compared() -> None:
    """They may be alike by chance."""
    assert fingerprint("import numpy as np\n") == "" == fingerprint("")


def test_copies_of_a_class(tmp_path: Path) -> None:
    """Each student has the names of the others; a file of more than half of the class is starter code."""
    for name, source in {"ann": SOURCE, "bob": RENAMED}.items():
        (tmp_path / f"{name}.py").write_text(source, encoding="utf-8")
    for name in ("cid", "dan", "eve", "fay"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "hw.py").write_text(f"{SOURCE}\n\ndef {name}(x):\n    return x + {len(name)}{name!r}\n")
    (tmp_path / "gus.py").write_text("x = = broken\n" * 9, encoding="utf-8")
    (tmp_path / "hal.py").write_text("x = = broken\n" * 9, encoding="utf-8")
    with submissions(tmp_path) as found:
        rows = dict(zip([row.student for row in found], copies(found), strict=True))
    assert rows["ann"] == ["bob"] and rows["bob"] == ["ann"] and rows["gus"] == ["hal"] and rows["cid"] == []
    for student in ("ann", "bob", "cid", "dan", "eve", "fay"):
        (tmp_path / student).mkdir(exist_ok=True)
        (tmp_path / student / "given.py").write_text(SOURCE.replace("axis=0", "axis=1"), encoding="utf-8")
    with submissions(tmp_path) as found:
        assert dict(zip([row.student for row in found], copies(found), strict=True))["cid"] == []
