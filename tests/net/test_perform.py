"""Outputs and effects meet the world."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from twisted.internet.task import Clock
from twisted.logger import LogLevel, capturedLogs

from ixproxy.core.destinations import Destination
from ixproxy.effects import ClosePeer, LogIn, Note, ResetLink
from ixproxy.messages import Credentials, RequestRegisterClient
from ixproxy.net.door import Door
from ixproxy.net.perform import Performer
from ixproxy.wire.codec import encode
from ixproxy.wire.permits import Permit
from tests.core.rig import EAST, Rig
from tests.net.test_door import users


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
    return core, Performer(core, Clock())


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


@pytest.mark.parametrize(("password", "refused"), [("secret", False), ("guess", True)])
def test_a_login_is_asked_of_the_door_and_its_answer_goes_back(
    password: str, refused: bool
) -> None:
    core, performs = performer()
    peer = Sink()
    performs.door = Door(checkers=[users(kim="secret")])
    performs.connect(core.peer_connected(1, 0.0, Permit(must_log_in=True)), peer)  # type: ignore[arg-type]
    performs.peers[1] = peer  # type: ignore[assignment]
    who = Credentials(user="kim", password=password)
    message = RequestRegisterClient(
        client_name="desk", client_type="AgentApplication", credentials=who
    )
    core.frames_received(1, [encode(message, reference=1)], 0.0)
    assert core.state.effects == [LogIn(1, who)]
    performs.perform()
    assert bool(peer.ended) == refused
    assert len(peer.sent) == 1
    assert bool(core.state.clients.peers[1].clients) != refused


def test_what_comes_of_sending_is_sent_behind_what_was_there_before_it() -> None:
    rig = Rig(link=False)
    performer = Performer(rig.core, Clock())
    outputs = rig.core.state.outputs
    order: list[tuple[str, bytes]] = []

    class Slow:
        """A connection that does not keep up, of which more comes."""

        def send(self, raw: bytes) -> None:
            order.append(("slow", raw))
            slow.send(b"lost")
            performer.perform()

        def send_all(self, frames: Sequence[bytes]) -> None:
            order.extend(("slow", raw) for raw in frames)

        def allow(self, extra: int) -> None:
            """Nothing has a limit here."""

    class Quick(Slow):
        def send(self, raw: bytes) -> None:
            order.append(("quick", raw))

        def send_all(self, frames: Sequence[bytes]) -> None:
            order.extend(("quick", raw) for raw in frames)

    slow, quick = Destination(outputs), Destination(outputs)
    slow.sink, quick.sink = Slow(), Quick()
    outputs.share(b"event", (slow, quick))
    quick.send(b"answer")
    performer.perform()
    assert order == [
        ("slow", b"event"), ("quick", b"event"), ("quick", b"answer"), ("slow", b"lost"),
    ]  # fmt: skip
