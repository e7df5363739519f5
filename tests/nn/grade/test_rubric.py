"""nn/grade/rubric.py: reading, checking and writing rubrics."""

import re
import tomllib
from pathlib import Path

import pytest

from nnlaw.nn.grade.rubric import Requirement, read_rubric, rubric_from
from nnlaw.spec.violation import BadInput

DENSE = '[[require]]\nname = "dense"\nkind = "layer"\n'


def rubric_file(folder: Path, text: str) -> Path:
    """A file with this text."""
    file = folder / "rubric.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_requirements_are_read_in_order(tmp_path: Path) -> None:
    """A kind may be a text or a list, points have a default, and data is relative to the rubric."""
    text = (
        DENSE + 'points = 6\nlaws = { gradient = 4 }\n[[require]]\nname = "learns"\ntrain = "f(x)"\npredict = "g(x)"\n'
        'data = "mnist"\n[[require]]\nname = "loss"\nkind = ["loss", "layer"]\nnames = ["*entropy*"]\n'
    )
    rubric = read_rubric(rubric_file(tmp_path, 'title = "Homework 3"\n' + text))
    dense, learns, loss = rubric.requirements
    assert (rubric.title, rubric.out_of) == ("Homework 3", 26)
    assert (dense.kinds, dense.points, dense.laws) == (("layer",), 6, {"gradient": 4})
    assert learns.data == tmp_path / "mnist" and loss.kinds == ("loss", "layer")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x = = 1", "expected TOML"),
        ("", "[[require]]"),
        (DENSE + DENSE, "two requirements"),
        (DENSE + "weight = 3", "unknown key 'weight'"),
        (DENSE + "points = -1", "points = -1"),
        (DENSE + 'points = "many"', "points = 'many'"),
        (DENSE + "laws = { gradeint = 1 }", "no law 'gradeint'"),
        (DENSE + "laws = { gradient = 11 }", "11 points, expected 10"),
        (DENSE + "names = 3", "names = 3"),
        (DENSE + "arrays = 1.5", "arrays = 1.5"),
        (DENSE + 'train = "f(x)"', "a kind, or both train and predict"),
        ('[[require]]\nname = "x"\n', "a kind, or both train and predict"),
        ('[[require]]\nname = "x"\nkind = "leyer"\n', "unknown kind 'leyer'"),
        ('[[require]]\nkind = "layer"\n', "needs a name"),
        ('[[require]]\nname = "x"\ntrain = "f("\npredict = "g(x)"\n', "train is not Python"),
        ('[[require]]\nname = "x"\ntrain = "f"\npredict = "g"\naccuracy_for_no_points = 1\n', "below accuracy"),
    ],
)
def test_a_rubric_that_is_not_valid_is_refused(tmp_path: Path, text: str, words: str) -> None:
    """One sentence has the place."""
    with pytest.raises(BadInput) as caught:
        read_rubric(rubric_file(tmp_path, text))
    assert words in str(caught.value) and "rubric.toml" in str(caught.value)


def test_a_missing_rubric_is_refused(tmp_path: Path) -> None:
    """The sentence names the file."""
    with pytest.raises(BadInput, match=r"nowhere\.toml"):
        read_rubric(tmp_path / "nowhere.toml")


@pytest.mark.parametrize("name", ["Dense", "my_dense", "MyDenseLayer", "DENSE"])
def test_names_ignore_case_and_underscores(name: str) -> None:
    """A pattern matches every usual spelling."""
    requirement = Requirement("dense", kinds=("layer",), names=("*dense*",))
    assert requirement.matches("layer", name) and not requirement.matches("loss", name)
    assert not requirement.matches("layer", "Softmax")


def test_points_for_an_accuracy() -> None:
    """All points from the required accuracy on, else 0, or a share above the lowest."""
    strict = Requirement("learns", 10, accuracy=0.9)
    shared = Requirement("learns", 10, accuracy=0.9, accuracy_for_no_points=0.5)
    assert [strict.points_for_accuracy(each) for each in (0.89, 0.9, 1.0)] == [0, 10, 10]
    assert [shared.points_for_accuracy(each) for each in (0.4, 0.5, 0.7, 0.9)] == pytest.approx([0, 0, 5, 10])


def report(kind: str, name: str, *codes: str) -> dict[str, object]:
    """A report with laws that pass."""
    laws = [{"law": code, "outcome": "pass"} for code in codes]
    return {"kind": kind, "name": name, "compared": ["x", "W"], "laws": laws}


def test_a_rubric_from_reports_can_be_read(tmp_path: Path) -> None:
    """Names are required where a kind has several units; the points of the laws have the sum of the requirement's."""
    rows = [
        report("layer", "Dense", "gradient", "stale-gradient"), report("layer", "ReLU", "gradient"),
        report("loss", "MSE", "gradient"), report("model", 'Net"s\\', "gradient"), report("layer", "ReLU", "gradient"),
    ]  # fmt: skip
    text = rubric_from(rows)
    rubric = read_rubric(rubric_file(tmp_path, text))
    assert [row.names for row in rubric.requirements] == [("*dense*",), ("*relu*",), (), (), ("*relu*",)]
    assert [sum(row.laws.values()) for row in rubric.requirements] == [10] * 5
    assert rubric.requirements[0].laws["gradient"] > rubric.requirements[0].laws["stale-gradient"]
    training = re.sub("^# ", "", text[text.index("# [[require]]") :], flags=re.M)
    assert tomllib.loads(training)["require"][0]["accuracy"] == 0.95
