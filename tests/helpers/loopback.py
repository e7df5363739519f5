"""A connection to the code under test without a process: writing a request serves it.

    subject = Loopback().subject(layer)     a RemoteSubject of an object of this process
"""

from __future__ import annotations

from typing import Any

from nnlaw.spec.subjects.object_subject import subject_of
from nnlaw.spec.subjects.remote_subject import Connection, RemoteSubject, SubjectEnded
from nnlaw.spec.subjects.server import ServerTables, serve


class Loopback:
    """Both sides of a connection; `forged` may change what one side sends to the other."""

    def __init__(self) -> None:
        self.tables = ServerTables()
        self.request, self.reply = b"", b""
        self.connection = Connection(self.read, self.write)

    def subject(self, thing: Any) -> RemoteSubject:
        """The subject of an object as the other side sees it."""
        number, name = self.tables.object_number(subject_of(thing)) or (0, "")
        return RemoteSubject(self.connection, number, name)

    def forged(self, content: bytes) -> bytes:
        """What is sent in place of a reply."""
        return content

    def write(self, content: bytes) -> None:
        """Receive a request, and make the reply."""
        self.request = content
        serve(self._take, self._keep, no_target, self.tables)

    def read(self, count: int) -> bytes:
        """The next bytes of the reply."""
        if len(self.reply) < count:
            raise SubjectEnded("timed out")
        found, self.reply = self.reply[:count], self.reply[count:]
        return found

    def _take(self, count: int) -> bytes:
        found, self.request = self.request[:count], self.request[count:]
        return found

    def _keep(self, content: bytes) -> None:
        self.reply += self.forged(content)


def no_target(target: Any) -> Any:
    """There is nothing to open."""
    raise AssertionError
