"""The process of the code under test: it imports the user's code and makes the calls of the laws.

spec/subjects/fork_server.py imports this module once, and keeper.py calls it in a process with limits. It checks
nothing: laws, references and outcomes are computed by the process that sends the requests.
"""

from __future__ import annotations

import faulthandler
import importlib
import os
import select
import sys
import time
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from nnlaw._child import SPIN
from nnlaw._names import install
from nnlaw.nn.verify.targets import open_target
from nnlaw.spec.subjects.server import serve
from nnlaw.spec.subjects.strided_views import check_strided_views

CHUNK = 2**20
for _name in ("find", "found_data", "load"):  # which open_target imports when it needs them
    importlib.import_module(f"nnlaw.spec.discovery.{_name}")


def main(requests: int, replies: int, notes: int) -> None:
    """Handle requests until the pipe is closed."""
    leave = os._exit
    faulthandler.enable(notes)  # a crash, and SIGABRT after a timeout, write the stack there
    os.register_at_fork(after_in_child=partial(os._exit, 0))  # else a fork in forward doubles with every call
    _record_os_exit(notes)
    install()
    check_strided_views()

    def open_request(request: dict[str, Any]) -> Any:
        request = {key: os.fsdecode(value) if isinstance(value, bytes) else value for key, value in request.items()}
        if "train" in request:
            from nnlaw.nn.verify.run_training import run_training  # for a rubric that requires training

            return run_training(request)
        if "run" not in request:
            return open_target(request)
        from nnlaw.nn.runs.isolated_requests import handle  # for a run that brings its own plugins

        return handle(request)

    np.seterr(all="ignore")  # laws try extreme inputs on purpose
    warnings.simplefilter("ignore")
    sys.dont_write_bytecode = True
    own = os.getpid()

    def write(content: bytes) -> None:
        if os.getpid() != own:  # a process that the code under test forked
            leave(0)
        view = memoryview(content)
        while view:
            view = view[os.write(replies, view) :]

    serve(_reader(requests), write, open_request)
    leave(0)  # nothing that the code under test registered for the end is run


def _reader(requests: int) -> Callable[[int], bytes]:
    """A function that reads exactly so many bytes, or nothing if the pipe is closed."""
    received = bytearray()
    os.set_blocking(requests, False)

    def read(count: int) -> bytes:
        end = 0.0
        while len(received) < count:
            try:
                content = os.read(requests, CHUNK)
            except BlockingIOError:
                end = end or time.perf_counter() + SPIN
                if time.perf_counter() < end:
                    os.sched_yield()
                else:
                    select.select([requests], [], [])
                continue
            if not content:
                return b""
            received.extend(content)
        found = bytes(received[:count])
        del received[:count]
        return found

    return read


def _record_os_exit(notes: int) -> None:
    """Record the line that calls os._exit, which leaves no other trace."""
    exit_process = os._exit

    def recorded_exit(code: int) -> Any:
        caller = sys._getframe(1)
        os.write(notes, f'exit\n  File "{caller.f_code.co_filename}", line {caller.f_lineno} in f\n'.encode())
        exit_process(code)

    os._exit = recorded_exit  # type: ignore[assignment]  # mypy expects NoReturn
