"""Recommended literature: for laws that exist."""

from nnlaw.spec import CATALOG
from nnlaw.spec.law_references import BY_CODE, BY_KIND, BY_LAW


def test_references_belong_to_existing_laws() -> None:
    """By kind and code, by code, or by kind."""
    codes = {code for _, code in CATALOG}
    assert set(BY_LAW) <= set(CATALOG) and set(BY_CODE) <= codes
    assert set(BY_KIND) == {kind for kind, _ in CATALOG} - {"function"}
