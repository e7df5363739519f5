"""Where the files of this package are, and which modules belong to it.

    fixtures()                        the corpora, in the checkout as in the installed wheel
    is_own_module("nnlaw.spec.law")   True
"""

from __future__ import annotations

from pathlib import Path

import nnlaw

PACKAGE = Path(nnlaw.__file__).parent  # the folder nnlaw/
IMPORT_ROOT = PACKAGE.parent  # on sys.path, it makes `import nnlaw` work
CHECKOUT = Path(__file__).resolve().parent.parent  # in a checkout the rooms are links to its folders


def fixtures() -> Path:
    """The folder of frozen corpora: inside the installed package, or beside spec/ in a checkout."""
    installed = Path(__file__).parent / "fixtures"
    return installed if installed.is_dir() else CHECKOUT / "fixtures"


def is_own_module(name: object) -> bool:
    """Whether a module name belongs to this package."""
    return str(name or "").partition(".")[0] == "nnlaw"
