"""Violation: fields, the message made from them, and its JSON form."""

import json
import pickle

import pytest

from nnlaw.spec import Location, Violation
from nnlaw.spec.violation import Edit, Suggestion, counted, together


def sample() -> Violation:
    """A violation with every field filled in."""
    return Violation(
        "finite",
        location=Location("2:dense", "forward", "dense.py", 40),
        array="output",
        index=(0, 7),
        actual="nan",
        expected="a finite number",
        cause="W[5, 7] = nan",
        cause_code="non-finite-parameter",
        step=412,
        replay="runs/1/failure",
    )


@pytest.mark.parametrize(
    "fact",
    ["dense.py:40: finite: output of 2:dense.forward is wrong\n", "\n  output[0, 7] = nan, expected a finite number\n",
     "\n  likely cause: W[5, 7] = nan\n", "\n  after step 412\n", "\n  repeat it: nn replay runs/1/failure"],
)
def test_the_message_has_every_field(fact: str) -> None:
    """Location, law, entry, actual and expected value, cause, step, replay."""
    assert fact in str(sample())


def test_a_message_of_few_fields_is_one_line() -> None:
    """Empty fields are left out."""
    assert str(Violation("shape", actual="2", expected="3")) == "shape: 2, expected 3"


def test_a_message_without_a_cause() -> None:
    """The line for the replay comes next."""
    found = Violation("shape", array="x", actual="2", expected="3", replay="runs/1")
    assert str(found).splitlines()[1] == "  repeat it: nn replay runs/1"


def test_it_serializes_to_json_and_back() -> None:
    """Every field reaches JSON as plain data."""
    data = json.loads(json.dumps(sample().to_dict()))
    assert (data["law"], data["index"], data["location"]["line"], data["step"]) == ("finite", [0, 7], 40, 412)
    assert data["message"] == str(sample())
    assert Violation("x", actual="1", expected="2").to_dict()["index"] is None


def test_an_edit_may_need_others() -> None:
    """They are made with it, shown with it, and reach JSON."""
    store = Edit("mine.py", 2, 5, 2, 5, "", "self.x = x\n    ")
    edit = together([Edit("mine.py", 4, 12, 4, 18, "self.y", "self.x"), store])
    assert edit.apply("def f(self, x):\n    return x\ndef b(self):\n    return self.y") == (
        "def f(self, x):\n    self.x = x\n    return x\ndef b(self):\n    return self.x"
    )
    assert str(edit) == "self.y -> self.x, and line 2: insert self.x = x"
    found = sample().with_fields(suggestion=Suggestion((edit,)))
    assert Violation.from_dict(json.loads(json.dumps(found.to_dict()))).suggestion == found.suggestion


def test_it_survives_pickling() -> None:
    """A worker process can send it."""
    assert pickle.loads(pickle.dumps(sample())).fields() == sample().fields()


def test_changed_copies() -> None:
    """with_fields and at return a new violation."""
    first = sample()
    assert first.with_fields(step=9).step == 9
    assert first.at(line=7).location.line == 7
    assert (first.step, first.location.line) == (412, 40)


def test_location_of_functions_and_methods() -> None:
    """A built-in function has a name, but no path."""
    assert Location.of(sample).file == "test_violation.py"
    assert Location.of(sample().with_fields).method == "with_fields"
    assert Location.of(len, "p").subject == "p.len" and str(Location.of(len, "p")) == ""


@pytest.mark.parametrize(
    ("number", "words"), [(0, "0 epochs"), (1, "1 epoch"), (2, "2 epochs"), (1000, "1,000 epochs")]
)
def test_a_counted_noun(number: int, words: str) -> None:
    """Singular for 1, and a comma in thousands."""
    assert counted(number, "epoch") == words
