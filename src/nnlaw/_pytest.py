"""`pytest --nn-plugin mine.py`: one test per class and law.

pytest loads this module in every session, so it imports nothing until the option is used.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any


def pytest_addoption(parser: Any) -> None:
    """Add the option --nn-plugin, and nn_plugins for the configuration file."""
    group = parser.getgroup("nnlaw", "laws of neural networks")
    group.addoption(
        "--nn-plugin",
        action="append",
        default=[],
        metavar="FILE",
        help="check the classes and functions of FILE: one test per class and law; can be repeated",
    )
    parser.addini("nn_plugins", "files to check as --nn-plugin does, relative to this file", type="paths", default=[])


def pytest_configure(config: Any) -> None:
    """Collect the files of --nn-plugin, and those of nn_plugins."""
    here = config.invocation_params.dir
    named = [Path(os.path.abspath(here / name)) for name in config.getoption("nn_plugin")]
    always = [Path(os.path.abspath(path)) for path in config.getini("nn_plugins")]
    files = list(dict.fromkeys(named + always))
    if not files:
        return

    import pytest

    from nnlaw._names import install
    from nnlaw.cli.project_settings import project_settings
    from nnlaw.nn.plugins.installed import LAWS, installed
    from nnlaw.nn.verify.own_laws import own_laws
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
        with own_laws(row.file for row in installed(LAWS)):
            result = check_target({"file": str(file)}, options)
        return result.reports, result.printed

    config.pluginmanager.register(Suite(files, check), "nnlaw-suite")
    chosen = {os.path.abspath(here / argument.partition("::")[0]) for argument in config.args}
    if not chosen & set(map(str, files)):  # else the arguments select among the files
        own_arguments = config.args_source is config.ArgsSource.ARGS
        config.args += map(str, named if own_arguments else files)
