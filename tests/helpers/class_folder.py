"""A class of 40 submissions in mixed forms, of which it is known what is wrong.

    expected = make_class(folder)       {"good 1": 40.0, ...}: the score of each student by RUBRIC
"""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path

ATTACKS = Path(__file__).parents[2] / "fixtures" / "attacks"
FORGERIES = ("forged_reply", "forged_unit", "patched_report", "replaced_by_true", "lying_array", "our_exception")

RUBRIC = """title = "Layers by hand"

[[require]]
name = "dense"
kind = "layer"
names = ["*dense*", "*linear*"]
points = 10
laws = { gradient = 6 }

[[require]]
name = "relu"
kind = "layer"
names = ["*relu*"]
points = 10
laws = { gradient = 6 }

[[require]]
name = "softmax"
kind = "layer"
names = ["*softmax*"]
points = 10
laws = { gradient = 6 }

[[require]]
name = "loss"
kind = "loss"
points = 10
laws = { gradient = 6 }
"""

DENSE = """
class Dense:
    def __init__(self, n_in, n_out):
        self.W = np.random.randn(n_in, n_out)
        self.b = np.zeros(n_out)

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, dy):
        self.dW = self.x.T @ dy
        self.db = dy.sum(axis=0)
        return dy @ self.W.T
"""
RELU = """
class ReLU:
    def forward(self, x):
        self.x = x
        return np.maximum(0, x)

    def backward(self, dy):
        return dy * (self.x > 0)
"""
SOFTMAX = """
class Softmax:
    def forward(self, x):
        e = np.exp(x - x.max(axis=1, keepdims=True))
        self.p = e / e.sum(axis=1, keepdims=True)
        return self.p

    def backward(self, dy):
        return self.p * (dy - (dy * self.p).sum(axis=1, keepdims=True))
"""
LOSS = """
class CrossEntropy:
    def forward(self, p, y):
        self.p, self.y = p, y
        return -np.mean(np.sum(y * np.log(p), axis=1))

    def backward(self):
        return -self.y / self.p / len(self.y)
"""
BUGS = (  # what is replaced, by what, and the requirements that lose the points of the gradient
    ("dy.sum(axis=0)", "dy.mean(axis=0)", 1),
    ("self.x.T @ dy", "-self.x.T @ dy", 1),
    ("self.x.T @ dy", "2 * self.x.T @ dy", 1),
    ("dy * (self.x > 0)", "dy * (self.x < 0)", 1),
    ("dy * (self.x > 0)", "self.x > 0", 1),
    (".sum(axis=1, keepdims=True))\n\nclass C", ".sum(axis=0, keepdims=True))\n\nclass C", 1),
    ("return self.p * (dy -", "return self.p * (dy +", 1),
    ("-self.y / self.p / len(self.y)", "self.y / self.p / len(self.y)", 1),
    ("-self.y / self.p / len(self.y)", "-self.y / self.p ** 2 / len(self.y)", 1),
)
HANGS = (  # in the script, which is not run; in forward, in backward, in the constructor
    ("import numpy as np", "import numpy as np\nwhile True:\n    pass", 0),
    ("        return np.maximum(0, x)", "        while True:\n            pass", 1),
    ("        return dy * (self.x > 0)", "        while True:\n            pass", 1),
    ("        self.b = np.zeros(n_out)", "        while n_in:\n            pass", 1),
)


def source(number: int, old: str = "", new: str = "") -> str:
    """A whole submission, with one place changed. The number makes it differ from all others."""
    text = f"import numpy as np\n\nSEED = {number}\n{DENSE}{RELU}{SOFTMAX}{LOSS}"
    assert old in text
    return text.replace(old, new) if old else text


def make_class(folder: Path) -> dict[str, float]:
    """Write the submissions; return the score of each student."""
    expected: dict[str, float] = {}
    number = 0

    def add(student: str, text: str, score: float, form: int) -> None:
        expected[student] = score
        _write(folder, student, text, form)

    for i in range(9):
        number += 1
        add(f"good{i}", source(number), 40.0, i)
    for i, (old, new, units) in enumerate(BUGS):
        number += 1
        add(f"bug{i}", source(number, old, new), 40.0 - 6 * units, i)
    for i, (old, new, units) in enumerate(HANGS):
        number += 1
        add(f"hang{i}", source(number, old, new), 40.0 - 10 * units, i)
    for i in range(3):
        add(f"copy{i}", source(1).replace("dy", f"grad{i}").replace("SEED", f"seed_{i}"), 40.0, i)
    for i, name in enumerate(FORGERIES):
        add(f"forgery{i}", (ATTACKS / f"{name}.py").read_text(encoding="utf-8"), 0.0, 0)
    add("part0", "import numpy as np\n" + DENSE, 10.0, 0)
    add("part1", "import numpy as np\n" + RELU + LOSS, 20.0, 1)
    add("typo", source(90).replace("def forward(self, x):", "def forward(self, x:", 1), 0.0, 0)
    for student in ("empty_file", "blank_notebook", "empty_folder", "empty_zip", "damaged_zip", "essay"):
        expected[student] = 0.0
    (folder / "empty_file.py").write_text("")
    (folder / "blank_notebook.ipynb").write_text(_notebook(""))
    (folder / "empty_folder").mkdir()
    with zipfile.ZipFile(folder / "empty_zip.zip", "w"):
        pass
    (folder / "damaged_zip.zip").write_bytes(b"PK\x03\x04 cut off")
    (folder / "essay.pdf").write_bytes(b"%PDF-1.7")
    return expected


def _write(folder: Path, student: str, text: str, form: int) -> None:
    """As a file, a folder, a notebook, a zip file, an export of Moodle or of Canvas."""
    form %= 6
    if form == 0:
        (folder / f"{student}.py").write_text(text, encoding="utf-8")
    elif form == 1:
        (folder / student / "src").mkdir(parents=True)
        (folder / student / "src" / "layers.py").write_text(text, encoding="utf-8")
        shutil.copyfile(ATTACKS / "stops.py", folder / student / "notes.txt")
    elif form == 2:
        (folder / f"{student}.ipynb").write_text(_notebook(text), encoding="utf-8")
    elif form == 3:
        with zipfile.ZipFile(folder / f"{student}.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("hw/layers.py", text)
            archive.writestr("../../outside.py", "x = 1\n")
    elif form == 4:
        place = folder / f"{student}_48291{form}_assignsubmission_file_"
        place.mkdir()
        (place / "layers.py").write_text(text, encoding="utf-8")
    else:
        (folder / f"{student}_LATE_4127_99120_layers.py").write_text(text, encoding="utf-8")


def _notebook(text: str) -> str:
    """A notebook with a cell per class."""
    codes = [code if i == 0 else f"class {code}" for i, code in enumerate(text.split("\nclass "))]
    cells = [
        {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None, "source": code} for code in codes
    ]
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells})
