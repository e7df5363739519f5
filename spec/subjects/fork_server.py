"""The script that forks a process for the code under test at each request.

    python -P fork_server.py MODULE SOCKET

Importing NumPy and the search for units takes longer than most checks. This process does it once, with MODULE, and
each process that it forks starts at once. It never imports code under test. A request is the path of a scratch
folder, with the descriptors of pipes: requests, replies, output, notes and life. keeper.py does the rest; its process
alone holds the pipe life, into which it writes its number, so that the pipe closes when it ends.

It ends when the other end of the socket is closed.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import socket
import sys

sys.path.insert(0, os.path.dirname(__file__))
keeper = importlib.import_module("keeper")  # not by its package, which imports NumPy

sys.path.pop(0)

MAX_REQUEST = 2**16
PIPES = 5


def main(module: str, end: str) -> None:
    """Fork a process for each request, until the socket is closed."""
    with socket.socket(fileno=int(end)) as requests:
        if sys.platform == "linux":  # elsewhere the libraries below NumPy may not work after a fork
            importlib.import_module(module)
            gc.freeze()
        while True:
            folder, pipes, _, _ = socket.recv_fds(requests, MAX_REQUEST, PIPES)
            if not folder:
                return
            if os.fork() == 0:
                requests.close()
                start(module, os.fsdecode(folder), *pipes)
                os._exit(0)
            for pipe in pipes:
                os.close(pipe)
            with contextlib.suppress(ChildProcessError):
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass


def start(module: str, folder: str, requests: int, replies: int, output: int, notes: int, life: int) -> None:
    """Be the keeper of a process with this scratch folder."""
    os.setsid()
    os.write(life, str(os.getpid()).encode())
    nothing = os.open(os.devnull, os.O_RDONLY)
    for found, standard in ((nothing, 0), (output, 1), (output, 2)):
        os.dup2(found, standard)
    os.close(nothing)
    os.environ.update(dict.fromkeys(("TMPDIR", "HOME"), folder))
    keeper.main(module, folder, requests, replies, output, notes, life)


if __name__ == "__main__":
    main(*sys.argv[1:])
