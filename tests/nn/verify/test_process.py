"""Processes of the code under test."""

import signal

from nnlaw.nn.verify.process import signal_name


def test_signals_have_a_name_or_a_number() -> None:
    """An exit code from 0 up has no signal."""
    assert [signal_name(code) for code in (0, 2, -signal.SIGSEGV, -35)] == ["", "", "SIGSEGV", "signal 35"]
