"""The recorded versions."""

from pathlib import Path

import numpy as np
import pytest

from nnlaw.nn.run_folder.metadata import revision, versions

pytestmark = pytest.mark.usefixtures("hasty")


def test_versions_are_recorded() -> None:
    """The record has the versions of Python, NumPy and BLAS, the number of threads, and a commit only in a checkout."""
    found = versions()
    assert {"nn", "python", "numpy", "blas", "threads", "cpu", "system"} <= set(found)
    assert found["numpy"] == np.__version__ and found["threads"] >= 1
    assert revision(Path("/")) == ""


def test_the_commit_of_a_checkout_is_recorded(tmp_path: Path) -> None:
    """With -dirty if files differ from it; a damaged checkout has no commit."""
    import subprocess

    def git(*words: str) -> None:
        who = ["-c", "user.name=n", "-c", "user.email=n@example.org"]
        subprocess.run(["git", "-C", str(tmp_path), *who, *words], check=True, capture_output=True)

    git("init", "-q")
    (tmp_path / "a").write_text("1")
    git("add", "a")
    git("commit", "-qm", "one")
    commit = revision(tmp_path)
    assert len(commit) == 40
    (tmp_path / "a").write_text("2")
    assert revision(tmp_path) == f"{commit}-dirty"
    damaged = tmp_path / "damaged"
    damaged.mkdir()
    (damaged / ".git").write_text("nothing")
    assert revision(damaged) == ""
