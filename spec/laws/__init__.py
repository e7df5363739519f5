"""The laws, one file each: spec/laws/<kind>/<code>.py."""

import importlib
import pkgutil


def load_laws() -> None:
    """Import every law, which fills the catalog."""
    for module in pkgutil.walk_packages(__path__, f"{__name__}."):
        importlib.import_module(module.name)
