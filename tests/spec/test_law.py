"""The catalogue takes a row once, and only in words that it knows."""

from collections.abc import Iterator

import pytest

from spec import CATALOGUE, BadInput, law


@pytest.fixture(autouse=True)
def unchanged() -> Iterator[None]:
    """Whatever a test enters is taken out again."""
    before = dict(CATALOGUE)
    yield
    CATALOGUE.clear()
    CATALOGUE.update(before)


@pytest.mark.parametrize(("word", "value"), [("kind", "leyer"), ("family", "colour"), ("tier", "often")])
def test_an_unknown_word_is_refused(word: str, value: str) -> None:
    """The refusal names the word and lists what is known."""
    words = {"kind": "layer", "family": "shape", "tier": "audit"} | {word: value}
    with pytest.raises(BadInput, match=f"{word} '{value}' is not one of"):
        law("mine", statement="", **words)  # type: ignore[arg-type]  # unknown words, on purpose


def test_a_key_is_taken_once() -> None:
    """The same code may stand under another kind, but not twice under one."""
    law("mine", kind="layer", family="shape", statement="")(lambda case: None)
    law("mine", kind="loss", family="shape", statement="")(lambda case: None)
    with pytest.raises(BadInput, match="already"):
        law("mine", kind="layer", family="shape", statement="")


def test_a_judge_comes_back_as_it_went_in() -> None:
    """Entering a law leaves its function alone."""

    def judge(case: object) -> None:
        """Never complains."""

    assert law("mine", kind="layer", family="shape", statement="s.")(judge) is judge
    assert CATALOGUE["layer", "mine"].judge is judge


def test_a_law_comes_after_those_it_rests_on() -> None:
    """Each foundation is in the catalogue, under the same kind, and earlier."""
    seen: set[tuple[str, str]] = set()
    for row in CATALOGUE.values():
        assert {(row.kind, code) for code in row.rests_on} <= seen
        seen.add((row.kind, row.code))


def test_every_law_has_its_statement() -> None:
    """One sentence each."""
    assert all(row.statement.endswith(".") for row in CATALOGUE.values())
