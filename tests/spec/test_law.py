"""The catalog takes a row once, and only in words that it knows."""

from collections.abc import Iterator

import pytest

from nnlaw.spec import CATALOG, BadInput, law
from nnlaw.spec.law import KINDS, laws_of


@pytest.fixture(autouse=True)
def unchanged() -> Iterator[None]:
    """Whatever a test enters is taken out again."""
    before = dict(CATALOG)
    yield
    CATALOG.clear()
    CATALOG.update(before)


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
    assert CATALOG["layer", "mine"].check is judge


def in_order(*codes: str) -> list[str]:
    """Those of these codes that stand in the catalog, in the order in which they are judged."""
    return [row.code for row in laws_of(*KINDS) if row.code in codes]


def test_a_law_comes_after_those_it_rests_on() -> None:
    """Each foundation is judged earlier, and under the same kind."""
    seen: set[tuple[str, str]] = set()
    for row in laws_of(*KINDS):
        assert {(row.kind, code) for code in row.depends_on} <= seen
        seen.add((row.kind, row.code))
    assert len(seen) == len(CATALOG)


def test_the_order_of_entry_does_not_matter_to_what_rests_on_what() -> None:
    """Entered backwards, the catalog is judged in an order in which every law still follows its foundations."""
    rows = list(CATALOG.items())
    CATALOG.clear()
    CATALOG.update(reversed(rows))
    test_a_law_comes_after_those_it_rests_on()
    assert [row.code for row in laws_of(*KINDS)] != [row.code for _, row in rows]


def test_laws_that_rest_on_nothing_stay_as_they_were_entered() -> None:
    """A foundation that is entered later is put right before the first law that needs it."""
    for code, foundations in (("one", ()), ("two", ("four",)), ("three", ("shape",)), ("four", ())):
        law(code, kind="metric", family="shape", statement="", depends_on=foundations)(lambda case: None)
    assert in_order("one", "two", "three", "four") == ["one", "four", "two", "three"]


@pytest.mark.parametrize(
    ("foundations", "sentence"),
    [
        ({"mine": "shpae"}, "law mine of kind metric depends on 'shpae', which is not a law of its kind"),
        ({"mine": "bounds"}, "law mine of kind metric depends on 'bounds', which is not a law of its kind"),
        ({"mine": "yours", "yours": "mine"}, "law mine of kind metric depends on itself: mine → yours → mine"),
    ],
)
def test_a_foundation_that_is_none_is_refused(foundations: dict[str, str], sentence: str) -> None:
    """A law that nobody entered, one of another kind, and a circle."""
    for code, on in foundations.items():
        law(code, kind="metric", family="shape", statement="", depends_on=(on,))(lambda case: None)
    with pytest.raises(BadInput, match=sentence):
        laws_of("metric")


def test_every_law_has_its_statement() -> None:
    """One sentence each."""
    assert all(row.statement.endswith(".") for row in CATALOG.values())
