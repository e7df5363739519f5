"""Forged frames and forged conversations: what the other side sends is refused, or checked like any result."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from loopback import Loopback

from nnlaw.nn.verify.check_unit import check_unit
from nnlaw.spec import Unit, obeys
from nnlaw.spec.report import UnitOutcome
from nnlaw.spec.subjects.object_subject import ObjectSubject
from nnlaw.spec.subjects.remote_error import RemoteExit
from nnlaw.spec.subjects.remote_subject import SubjectEnded
from nnlaw.spec.subjects.server import ServerTables
from nnlaw.spec.subjects.subject import Opaque
from nnlaw.spec.subjects.wire import LENGTH, BadFrame, decode, encode
from nnlaw.spec.violation import Inconclusive

pytestmark = pytest.mark.slow

FRAMES, CONVERSATIONS = 10_000, 1_000


@obeys("N n -> N n")
class Wrong:
    """The derivative of 2 x is not 3."""

    def forward(self, x: Any) -> Any:
        self.x = x
        return 2 * x

    def backward(self, dy: Any) -> Any:
        return 3 * dy


def values(rng: random.Random) -> list[Any]:
    """Values of every type that can be sent, many of them odd."""
    array = np.arange(float(rng.randrange(1, 12)))
    return [
        *(None, True, False, 0, -1, 2**63, -(2**200), 1e308, float("nan"), "", "x", "forward", "\0\x1b[2J", "y" * 5000),
        *([], {}, (), [[[[]]]], {"W": array}, {1: 2}, (array, array), [None] * 50, Opaque("thing", "<thing>")),
        *(array, array.reshape(1, -1).T, np.array(3.0), np.zeros((0, 3)), np.array([True]), np.array([1 + 2j])),
        *(np.float32(2), np.int8(1), np.full((2, 2), np.inf), np.random.default_rng(1), ObjectSubject(Wrong())),
        *(["ValueError", "Exception"], ["SystemExit", "BaseException"], "value", "error", rng.random()),
    ]


def damaged(frame: bytes, rng: random.Random) -> bytes:
    """A frame with some bytes changed, removed, repeated or inserted, or cut off."""
    content = bytearray(frame)
    for _ in range(rng.choice((1, 1, 2, 5))):
        at, way = rng.randrange(len(content) + 1), rng.randrange(6)
        piece = rng.randbytes(rng.choice((1, 1, 4, 8)))
        if way < 2:
            content[at : at + len(piece)] = piece
        elif way == 2:
            content[at:at] = piece
        elif way == 3:
            del content[at : at + len(piece)]
        elif way == 4:
            content[at:at] = content[at : at + 20]
        else:
            content[at : at + 4] = rng.choice((b"\xff" * 4, b"\0" * 4, b"\xff\xff\xff\x7f"))
    return bytes(content)


def test_forged_frames_are_read_or_refused() -> None:
    """Each of 10,000 damaged frames is a value or raises BadFrame."""
    rng, found = random.Random(0), Counter[str]()
    for _ in range(FRAMES):
        tables = ServerTables()
        value = rng.sample(values(rng), rng.randrange(1, 4))
        frame = encode(value, tables)[LENGTH.size :]
        content = damaged(frame, rng) if rng.random() < 0.9 else rng.randbytes(rng.randrange(60))
        try:
            decode(content, Loopback().connection)
            found["value"] += 1
        except BadFrame:
            found["refused"] += 1
    assert found.total() == FRAMES and min(found.values()) > 500


class Hostile(Loopback):
    """A connection to a side that forges some replies."""

    def __init__(self, forge: Callable[[bytes, ServerTables], bytes]) -> None:
        super().__init__()
        self.forge = forge

    def forged(self, content: bytes) -> bytes:
        """The reply or another one."""
        return self.forge(content, self.tables)


def forger(rng: random.Random) -> Callable[[bytes, ServerTables], bytes]:
    """Forges the replies from a random one on, each with some probability: the bytes, the content or the order."""
    first, often = int(rng.expovariate(1 / 40)), rng.choice((0.3, 0.1, 0.03))
    sent: list[bytes] = []

    def forge(frame: bytes, tables: ServerTables) -> bytes:
        sent.append(frame)
        if len(sent) <= first or rng.random() > often:
            return frame
        way = rng.choice((0, 1, 2, *[3] * 12, *[6] * 2, *[7] * 2))
        if way == 0:
            return damaged(frame, rng)
        if way == 1:
            content = damaged(frame[LENGTH.size :], rng)
            return LENGTH.pack(len(content)) + content
        if way == 2:
            return rng.choice((sent[0], frame + frame, frame[: len(frame) // 2], b"", LENGTH.pack(2**32 - 1)))
        odd, number = rng.choice(values(rng)), len(sent)
        outcome = "value" if way < 6 else "error"
        if way == 7:
            names = rng.choice((["BadInput"], ["SystemExit"], ["NotApplicable", "Exception"], ["StopIteration"], [odd]))
            odd = (names, rng.choice(("", "x" * 5000, odd)), [])
        changes: Any = rng.choice((*[[]] * 20, [(0, np.zeros(3))], odd))
        return encode([number, outcome, odd, changes, rng.choice((*[[]] * 20, odd))], tables)

    return forge


def test_forged_conversations_never_pass() -> None:
    """In each of 1,000 conversations about a wrong layer it fails, or is not checked with a reason; nothing hangs."""
    found = Counter[str]()
    for seed in range(CONVERSATIONS):
        rng = random.Random(seed)
        laws = [] if rng.random() < 0.1 else ["gradient"]
        subject = Hostile(forger(rng)).subject(Wrong)
        try:
            report = check_unit(Unit("layer", "wrong", subject), laws, 0, explain=rng.random() < 0.1)
        except SubjectEnded as error:
            assert str(error)
            found["ended"] += 1
        except RemoteExit:
            found["exit"] += 1
        else:
            assert report.outcome is not UnitOutcome.PASSED, seed
            assert not report.internal, f"{seed}: {report.reason}"
            found[report.outcome] += 1
    assert found["failed"] > 20 and found["ended"] > 200


class Wide:
    """A layer whose output is wide."""

    def forward(self, x: Any) -> Any:
        return np.repeat(x, 1000, axis=1)


def test_a_result_that_is_too_large_is_inconclusive(monkeypatch: pytest.MonkeyPatch) -> None:
    """No law fails by it, and the next call works."""
    subject = Loopback().subject(ObjectSubject(Wide()))
    monkeypatch.setattr("nnlaw.spec.subjects.wire.MAX_FRAME", 10_000)
    with pytest.raises(Inconclusive, match="a result has more than"):
        subject.call("forward", np.ones((5, 4)))
    assert subject.call("forward", np.ones((1, 1))).shape == (1, 1000)


def test_arguments_that_are_too_large_end_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are not sent, so that both sides no longer agree."""
    subject = Loopback().subject(ObjectSubject(Wide()))
    monkeypatch.setattr("nnlaw.spec.subjects.wire.MAX_FRAME", 10_000)
    with pytest.raises(SubjectEnded, match="too large"):
        subject.call("forward", np.ones((50, 100)))
