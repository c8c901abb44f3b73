"""Outputs and effects meet the world."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from twisted.logger import LogLevel, capturedLogs

from ixproxy.effects import ClosePeer, Note, ResetLink
from ixproxy.net.perform import Performer
from tests.core.rig import EAST, Rig


class Sink:
    """As much of a connection as a performer uses."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.ended: list[str] = []

    def send_all(self, frames: Sequence[bytes]) -> None:
        self.sent += frames

    def close(self, reason: str) -> None:
        self.ended.append(f"closed: {reason}")

    def abort(self, reason: str) -> None:
        self.ended.append(f"aborted: {reason}")


def performer() -> tuple[Any, Performer]:
    core = Rig(link=False).core
    return core, Performer(core)


def test_frames_go_to_the_connection_of_their_destination() -> None:
    core, performs = performer()
    one, other = Sink(), Sink()
    first, second = core.peer_connected(1, 0.0), core.peer_connected(2, 0.0)
    performs.connect(first, one)  # type: ignore[arg-type]
    performs.connect(second, other)  # type: ignore[arg-type]
    first.send(b"a")
    second.send(b"b")
    first.send(b"c")
    performs.perform()
    assert (one.sent, other.sent) == ([b"a", b"c"], [b"b"])
    performs.disconnect(second)
    performs.disconnect(second)
    second.send(b"lost")
    performs.perform()
    assert other.sent == [b"b"]


def test_peers_are_closed_after_what_was_sent_and_links_are_reset() -> None:
    core, performs = performer()
    peer, node = Sink(), Sink()
    destination = core.peer_connected(1, 0.0)
    performs.connect(destination, peer)  # type: ignore[arg-type]
    performs.peers[1] = peer  # type: ignore[assignment]
    performs.nodes[EAST] = node  # type: ignore[assignment]
    destination.send(b"last words")
    core.state.effects += [
        ClosePeer(1, "enough"),
        ResetLink(EAST, "nonsense"),
        ClosePeer(99, "unknown"),
    ]
    performs.perform()
    assert peer.sent == [b"last words"]
    assert peer.ended == ["closed: enough"]
    assert node.ended == ["aborted: nonsense"]


@pytest.mark.parametrize("level", ["debug", "info", "warn", "error"])
def test_notes_are_logged_with_their_fields(level: str) -> None:
    core, performs = performer()
    core.state.effects.append(Note(level, "Node {node} is {what}", {"node": EAST, "what": "so"}))
    with capturedLogs() as captured:
        performs.perform()
    (event,) = [each for each in captured if each.get("what") == "so"]
    assert event["log_level"] == LogLevel.levelWithName(level)
    assert event["node"] == EAST
