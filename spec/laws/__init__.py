"""The laws, one file each: spec/laws/<kind>/<code>.py. Importing this package fills the catalog."""

import importlib
import pkgutil

for module in pkgutil.walk_packages(__path__, f"{__name__}."):
    importlib.import_module(module.name)
