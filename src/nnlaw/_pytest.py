"""`pytest --nn-plugin mine.py`: one test per class and law.

pytest loads this module in every session, so it imports nothing until the option is used.
"""

from __future__ import annotations

from typing import Any


def pytest_addoption(parser: Any) -> None:
    """Add --nn-plugin."""
    group = parser.getgroup("nnlaw", "laws of neural networks")
    group.addoption(
        "--nn-plugin",
        action="append",
        default=[],
        metavar="FILE",
        help="check the classes and functions that FILE registers: one test per class and law; can be repeated",
    )


def pytest_configure(config: Any) -> None:
    """Collect the files given by --nn-plugin."""
    files = config.getoption("nn_plugin")
    if files:
        from pathlib import Path

        import pytest

        from nnlaw._names import install
        from nnlaw.cli.project_settings import project_settings
        from nnlaw.nn.verify.supervisor import CheckOptions, check_target
        from nnlaw.spec.pytest_plugin import Suite
        from nnlaw.spec.violation import BadInput

        install()
        try:
            project = project_settings()
        except BadInput as error:
            raise pytest.UsageError(str(error)) from None
        options = CheckOptions(seed=project.seed, timeout=project.timeout, ignores=project.ignores)

        def check(file: Path) -> tuple[list[dict[str, Any]], str]:
            result = check_target({"file": str(file)}, options)
            return result.reports, result.printed

        config.pluginmanager.register(Suite(files, check), "nnlaw-suite")
