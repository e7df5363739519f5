"""The catalog of laws: keys, order and dependencies."""

from collections.abc import Iterator

import pytest

from nnlaw.spec import CATALOG, BadInput, law
from nnlaw.spec.law import KINDS, laws_of


@pytest.fixture(autouse=True)
def unchanged() -> Iterator[None]:
    """The catalog is restored after each test."""
    before = dict(CATALOG)
    yield
    CATALOG.clear()
    CATALOG.update(before)


@pytest.mark.parametrize(("word", "value"), [("kind", "leyer"), ("family", "color"), ("tier", "often")])
def test_an_unknown_kind_family_or_tier_is_refused(word: str, value: str) -> None:
    """The message lists the known ones."""
    words = {"kind": "layer", "family": "shape", "tier": "audit"} | {word: value}
    with pytest.raises(BadInput, match=f"{word} '{value}' is not one of"):
        law("mine", statement="", **words)  # type: ignore[arg-type]  # unknown words, on purpose


def test_a_key_can_be_registered_once() -> None:
    """The same code may exist for another kind."""
    law("mine", kind="layer", family="shape", statement="")(lambda case: None)
    law("mine", kind="loss", family="shape", statement="")(lambda case: None)
    with pytest.raises(BadInput, match="already"):
        law("mine", kind="layer", family="shape", statement="")


def test_the_function_is_returned_unchanged() -> None:
    """Registering a law does not wrap it."""

    def check(case: object) -> None:
        """Always passes."""

    assert law("mine", kind="layer", family="shape", statement="s.")(check) is check
    assert CATALOG["layer", "mine"].check is check


def in_order(*codes: str) -> list[str]:
    """These codes in the order in which the laws are checked."""
    return [row.code for row in laws_of(*KINDS) if row.code in codes]


def test_a_law_comes_after_those_it_depends_on() -> None:
    """And they are of the same kind."""
    seen: set[tuple[str, str]] = set()
    for row in laws_of(*KINDS):
        assert {(row.kind, code) for code in row.depends_on} <= seen
        seen.add((row.kind, row.code))
    assert len(seen) == len(CATALOG)


def test_the_order_of_registration_does_not_matter() -> None:
    """Reversed, every law still comes after those it depends on."""
    rows = list(CATALOG.items())
    CATALOG.clear()
    CATALOG.update(reversed(rows))
    test_a_law_comes_after_those_it_depends_on()
    assert [row.code for row in laws_of(*KINDS)] != [row.code for _, row in rows]


def test_independent_laws_stay_in_order_of_registration() -> None:
    """A law that is registered later moves before the first law that needs it."""
    for code, dependencies in (("one", ()), ("two", ("four",)), ("three", ("shape",)), ("four", ())):
        law(code, kind="metric", family="shape", statement="", depends_on=dependencies)(lambda case: None)
    assert in_order("one", "two", "three", "four") == ["one", "four", "two", "three"]


@pytest.mark.parametrize(
    ("dependencies", "sentence"),
    [
        ({"mine": "shpae"}, "law mine of kind metric depends on 'shpae', which is not a law of its kind"),
        ({"mine": "bounds"}, "law mine of kind metric depends on 'bounds', which is not a law of its kind"),
        ({"mine": "yours", "yours": "mine"}, "law mine of kind metric depends on itself: mine → yours → mine"),
    ],
)
def test_a_wrong_dependency_is_refused(dependencies: dict[str, str], sentence: str) -> None:
    """An unknown law, one of another kind, and a cycle."""
    for code, on in dependencies.items():
        law(code, kind="metric", family="shape", statement="", depends_on=(on,))(lambda case: None)
    with pytest.raises(BadInput, match=sentence):
        laws_of("metric")


def test_every_law_has_a_statement() -> None:
    """One sentence each."""
    assert all(row.statement.endswith(".") for row in CATALOG.values())
