"""pytest --nn-plugin mine.py: a test per plugin and law. Installed as a pytest plugin under a name that hides nobody's
package, and imports nothing until the option is used."""

from __future__ import annotations

from typing import Any


def pytest_addoption(parser: Any) -> None:
    """The one option."""
    group = parser.getgroup("nnlaw", "laws of neural networks")
    group.addoption(
        "--nn-plugin", action="append", default=[], metavar="FILE",
        help="judge the plugins in FILE: a test per plugin and law; may be repeated",
    )


def pytest_configure(config: Any) -> None:
    """Bring in the suite where the option is used."""
    files = config.getoption("nn_plugin")
    if files:
        from pathlib import Path

        from nn.verify import judge_target
        from spec.pytest_plugin import Suite

        def judge(file: Path) -> tuple[list[dict[str, Any]], str]:
            outcome = judge_target({"file": str(file)})
            return outcome.reports, outcome.printed

        config.pluginmanager.register(Suite(files, judge), "nnlaw-suite")
