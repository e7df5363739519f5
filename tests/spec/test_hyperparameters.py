"""Hyperparameters are found under any common name."""

from typing import Any

from nnlaw.spec.subjects.hyperparameters import ALIASES, infer_from_settings, infer_hyperparameters, simplified_name


class Settled:
    """A private setting, an unknown one, and two that are ignored."""

    def __init__(self, beta_1: float = 0.8, warmth: float = 2.0, lr: float = 0.1, verbose: bool = False) -> None:
        self._beta_1, self.warmth = beta_1, warmth


def test_an_instance_is_read_by_its_attributes() -> None:
    """Underscores are ignored, a missing one has its usual value, and an unknown setting is listed."""
    found = infer_hyperparameters(Settled(), {"beta1": 0.9, "eps": 1e-8})
    assert found.candidates == {"beta1": (0.8,), "eps": (1e-8,)}
    assert (found.missing, found.unknown) == (("eps",), ("warmth",))
    assert [vars(choice) for choice in found.combinations()] == [{"beta1": 0.8, "eps": 1e-8}]


def test_a_pair_of_betas_is_two_settings() -> None:
    """As in PyTorch."""
    pair = type("Pair", (), {"betas": (0.5, 0.6)})
    found = infer_hyperparameters(pair(), {"beta1": 0.9, "beta2": 0.999})
    assert found.candidates == {"beta1": (0.5,), "beta2": (0.6,)}


def test_a_name_with_two_meanings_gives_two_candidates() -> None:
    """`decay` may be the ρ of RMSProp, which `rho` is too."""
    both = type("Both", (), {"decay": 0.1, "rho": 0.9})
    assert infer_hyperparameters(both(), {"rho": 0.95}).candidates == {"rho": (0.9, 0.1)}


def test_a_class_without_signature_has_no_unknown_settings() -> None:
    """Such as one that is not written in Python."""
    hidden = type("Hidden", (), {"__signature__": "unknown"})
    assert infer_hyperparameters(hidden(), {"eps": 1e-8}).unknown == ()


def test_a_function_is_read_by_its_settings() -> None:
    """The given ones, and the defaults of the others."""

    def step(t: float, *, gamma: float = 0.1, step_size: float = 0.3, smooth: bool = True) -> Any: ...

    found = infer_from_settings(step, {"gamma": 0.5}, {"drop": 0.0, "every": 0.0})
    assert found.candidates == {"drop": (0.5,), "every": (0.3,)}
    assert (found.missing, found.unknown) == ((), ("smooth",))


def test_aliases_are_simplified_names() -> None:
    """As names are compared in this form."""
    for setting, names in ALIASES.items():
        assert [name for name in names if name != simplified_name(name)] == [], setting


def test_greek_names_are_read() -> None:
    """They are valid names in Python."""
    greek = type("Greek", (), {"β1": 0.8, "β2": 0.9, "ρ": 0.7})
    found = infer_hyperparameters(greek(), {"beta1": 0.5, "beta2": 0.5, "rho": 0.5}).candidates
    assert found == {"beta1": (0.8,), "beta2": (0.9,), "rho": (0.7,)}
