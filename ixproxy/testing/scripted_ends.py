"""Both ends of a proxy, in one thread of control: clients that count answers, nodes that play."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any, Protocol

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.error import ConnectionDone, ConnectionRefusedError
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from zope.interface import implementer

from ixproxy.core.routing import ALLOWED
from ixproxy.errors import Code, RemoteProtocolError
from ixproxy.messages import (
    EventAck,
    EventError,
    EventPropertiesChanged,
    EventPulledInteractions,
    EventRevoked,
    EventSnapshotTaken,
    RequestAgentLogin,
    RequestClientsGone,
    RequestRegisterClient,
    RequestUnregisterClient,
    ServerFacts,
)
from ixproxy.messages.message import Message
from ixproxy.net.listener import PeerListener
from ixproxy.testing.fuzz_frames import mutated_frames
from ixproxy.testing.fuzz_peers import is_last_word
from ixproxy.testing.hostile_reporting import HostileReporter
from ixproxy.values import ClientType, NodeFacts
from ixproxy.wire.codec import decode, encode, error_frame
from ixproxy.wire.frames import FrameReader, Skipped
from ixproxy.wire.names import BY_CODE, BY_MESSAGE, BY_NAME, Kind
from ixproxy.wire.prefix import FLAGS_AT, Flag, Frame, read_frame, readdress, write_frame

_REGISTER = BY_MESSAGE[RequestRegisterClient].code
_LEAVING = {BY_MESSAGE[kind].code for kind in (RequestUnregisterClient, RequestClientsGone)}
_UNANSWERED = (Kind.PING, Kind.PONG, Kind.CANCEL, Kind.EVENT)
_ASKING = (Kind.REQUEST, Kind.EVENT)
_REFUSALS = (Code.UNKNOWN_INTERACTION, Code.BUSY, Code.STORE_FAILED, Code.NOT_QUEUED)
PONG = write_frame(Kind.PONG, 0)


class Counted(Protocol):
    """Where a client says what became of its requests."""

    answered: int
    codes: Counter[int]
    wrong: list[str]


class FuzzClient:
    """
    One connection to the proxy; knows what it must be answered.

    :ivar gone: it was closed, by whichever side.
    """

    def __init__(self, door: PeerListener, role: str, report: Counted, max_frame: int) -> None:
        self.role = role
        self.gone = False
        self._report = report
        self._mirror = FrameReader(max_frame)
        self._output = FrameReader()
        self._transport = StringTransport()
        self._wanted: defaultdict[tuple[int, int], list[int]] = defaultdict(lambda: [0, 0, 0])
        """Client and reference to the answers that it must get, may get, and got."""
        self._numbers = [0]
        self._last = 0
        self._unread = 0
        connection = door.buildProtocol(None)
        assert connection is not None
        self._connection = connection
        connection.makeConnection(self._transport)  # type: ignore[no-untyped-call]

    def reference(self) -> int:
        """One that was not used here by a frame without fault."""
        self._last += 1
        return 1_000_000 + self._last

    def addressed(self, raw: bytes, chance: random.Random) -> bytes:
        """`raw` from one of the clients registered here, under a new reference."""
        if len(raw) < 16:
            return raw
        return readdress(raw, chance.choice(self._numbers), self.reference())

    def ask(self, frames: Sequence[bytes], chance: random.Random) -> None:
        """Send one of `frames` that this client may send."""
        raw = chance.choice(frames)
        frame = read_frame(raw)
        if self.role == "nobody" or frame.name in _LEAVING or frame.name == _REGISTER:
            return
        if frame.kind in _ASKING and frame.name in ALLOWED[ClientType(self.role)]:
            self.send(self.addressed(raw, chance))

    def send(self, raw: bytes) -> bool:
        """Whether the proxy goes on reading what comes."""
        if self.gone:
            return True
        goes_on = self._note(raw)
        self._connection.dataReceived(raw)
        if self._transport.disconnecting:
            self.leave()
        return goes_on

    def _note(self, raw: bytes) -> bool:
        """What must be answered."""
        try:
            read = self._mirror.feed(raw)
            for each in read:
                self._expect_for(each)
            if self._mirror.broken:
                self._mirror.feed(b"")
        except RemoteProtocolError:
            self._expect(0, 0)
            return False
        self._unread = 0 if read else self._unread + 1
        return self._unread < 3

    def _expect_for(self, read: bytes | Skipped) -> None:
        if isinstance(read, Skipped):
            if read.kind == Kind.REQUEST:
                self._expect(read.client, read.reference)
            return
        if read[FLAGS_AT] & Flag.NO_REPLY:
            return
        client, reference = (int.from_bytes(read[at : at + 4], "big") for at in (8, 12))
        least = 1
        try:
            frame = read_frame(read)
            if frame.kind in _UNANSWERED:
                return
            if frame.kind == Kind.REQUEST and frame.name == _REGISTER:
                message = decode(frame)
                # A part of a registration is answered only if it is refused.
                least = int(not getattr(message, "holding_continues", False))
        except RemoteProtocolError:
            if read[5] in (Kind.PING, Kind.PONG):
                return
        self._expect(client, reference, least)

    def _expect(self, client: int, reference: int, least: int = 1) -> None:
        wanted = self._wanted[client, reference]
        wanted[0] += least
        wanted[1] += 1

    def read(self) -> None:
        """Take what the proxy sent."""
        received = self._transport.value()
        self._transport.clear()
        for raw in self._output.feed(received):
            assert isinstance(raw, bytes), raw
            frame = read_frame(raw)
            if frame.kind == Kind.PING:
                self.send(PONG)
            elif frame.kind in (Kind.REPLY, Kind.ERROR):
                self._answered(frame)
        if self._transport.disconnecting:
            self.leave()

    def _answered(self, frame: Frame) -> None:
        key = frame.client, frame.reference
        message = decode(frame) if frame.kind == Kind.ERROR else None
        if isinstance(message, EventError):
            self._report.codes[message.error_code] += 1
        elif frame.flags & Flag.MORE:
            return
        _, most, got = self._wanted.get(key, (0, 0, 0))
        if key == (0, 0) and got >= most and is_last_word(message):
            # Why the connection is closed: once, and then it is.
            assert self._transport.disconnecting, message
            return
        if key not in self._wanted:
            # A registration is answered to the number that it got.
            key = 0, frame.reference
            if frame.kind == Kind.REPLY and frame.client not in self._numbers:
                self._numbers.append(frame.client)
        wanted = self._wanted[key]
        wanted[2] += 1
        self._report.answered += 1
        if wanted[2] > wanted[1]:
            self._report.wrong.append(f"{self.role}: {wanted[2]} answers to {key}: {message}")

    def check(self) -> None:
        """Whatever was asked must have been answered by now."""
        self.read()
        if self.gone:
            return
        for key, (least, _, got) in list(self._wanted.items()):
            if got < least:
                self._report.wrong.append(f"{self.role}: {got} answers to {key}, not {least}")
            # A further answer is one too many.
            del self._wanted[key]

    def leave(self) -> None:
        """Read what is left, and close."""
        if not self.gone:
            self.gone = True
            self.read()
            self._connection.connectionLost(Failure(ConnectionDone()))


@implementer(IStreamClientEndpoint)
class ScriptedNode:
    """
    A node without a mind, that knows only how answers look.

    :ivar owed: requests that it has not answered.
    """

    def __init__(self, facts: NodeFacts, chance: random.Random) -> None:
        self._facts = facts
        self._chance = chance
        self._there = True
        self._protocol: Any = None
        self._transport = StringTransport()
        self._output = FrameReader()
        self._mirror = FrameReader()
        self._clients = 0
        self._reporter = HostileReporter(chance, facts.dbid)
        self.owed: list[Frame] = []

    def connect(self, protocolFactory: Any) -> Deferred[Any]:
        """The proxy comes."""
        if not self._there:
            return fail(ConnectionRefusedError())
        self._protocol = protocolFactory.buildProtocol(None)
        self._transport = StringTransport()
        self._output, self._mirror = FrameReader(), FrameReader()
        self.owed.clear()
        self._protocol.makeConnection(self._transport)
        return succeed(self._protocol)

    def lose(self, *, for_good: bool = False) -> None:
        """The connection breaks."""
        self._there = not for_good
        self.owed.clear()
        protocol, self._protocol = self._protocol, None
        if protocol is not None:
            protocol.connectionLost(Failure(ConnectionDone()))

    def turn(self, share: float) -> None:
        """Read, and answer a share of what is owed; registrations at once."""
        self._read()
        waiting, self.owed = self.owed, []
        for frame in waiting:
            if frame.name == _REGISTER or self._chance.random() < share:
                self._say(self._answer_to(frame))
            else:
                self.owed.append(frame)
        self._close_if_dropped()

    def _read(self) -> None:
        received = self._transport.value()
        self._transport.clear()
        for raw in self._output.feed(received):
            assert isinstance(raw, bytes), raw
            frame = read_frame(raw)
            if frame.kind == Kind.PING:
                self._say(PONG)
            elif frame.kind == Kind.REQUEST and frame.reference:
                self.owed.append(frame)
        self._close_if_dropped()

    def _close_if_dropped(self) -> None:
        if self._transport.disconnecting:
            self.lose()

    def _say(self, raw: bytes) -> None:
        if self._protocol is not None and not self._transport.disconnecting:
            self._protocol.dataReceived(raw)

    def _answer_to(self, frame: Frame) -> bytes:
        chance = self._chance
        address: Any = {"client": frame.client, "reference": frame.reference}
        if frame.name != _REGISTER and chance.random() < 0.2:
            return error_frame(chance.choice(_REFUSALS), **address)
        return encode(self._good_answer(frame), **address)

    def _good_answer(self, frame: Frame) -> Message:
        chance = self._chance
        answer = BY_NAME[BY_CODE[frame.name].answer].message
        take = chance.choice((0, 7))
        if frame.name == _REGISTER:
            request = decode(frame)
            assert isinstance(request, RequestRegisterClient)
            if request.client_type == ClientType.PROXY:
                facts = self._facts
                return EventAck(server=ServerFacts(name=facts.name, dbid=facts.dbid, epoch=1))
            self._clients += 1
            return EventAck(
                proxy_client_id=self._clients,
                held=dict(request.holding),
                snapshots=list(request.snapshots or ()),
            )
        if answer is EventPulledInteractions and take:
            return EventPulledInteractions(interactions={"a": {}}, take_numbers={"a": take})
        if answer is EventSnapshotTaken:
            return EventSnapshotTaken(snapshot_id=take + 1, number_of_interactions=take)
        if answer is EventAck:
            login = frame.name == BY_MESSAGE[RequestAgentLogin].code
            session = (chance.randrange(1, 9), self._facts.dbid) if login else None
            return EventAck(take_number=take, agent_session=session)
        return answer()

    def spoil(self, raw: bytes, seed: int) -> bool:
        """
        Say `raw`, or something else that is wrong.

        :return: whether the link lasts.
        """
        self._read()
        chance = self._chance
        if self.owed and chance.random() < 0.8:
            frame = chance.choice(self.owed)
            if chance.random() < 0.6:
                # An answer of the right sort, damaged on the way.
                raw = next(mutated_frames([self._answer_to(frame)], seed, 1))
            if len(raw) >= 16 and chance.random() < 0.9:
                raw = readdress(raw, frame.client, frame.reference)
        elif chance.random() < 0.5:
            event = chance.choice((EventPropertiesChanged, EventRevoked))
            whole = encode(event(tenant_id=1, interaction_id="a"), client=self._clients)
            raw = next(mutated_frames([whole, raw] if self._is_whole(raw) else [whole], seed, 1))
        elif chance.random() < 0.8:
            told = self._reporter.frames(self._clients)
            if chance.random() < 0.1:
                told[-1:] = mutated_frames(told[-1:], seed, 1)
            raw = b"".join(told)
        self._follow(raw)
        self._say(raw)
        lasts = not self._transport.disconnecting
        self._close_if_dropped()
        return lasts

    def _is_whole(self, raw: bytes) -> bool:
        try:
            read_frame(raw)
        except RemoteProtocolError:
            return False
        return True

    def _follow(self, raw: bytes) -> None:
        """What the proxy makes of it: answers that are done, and whether it can read on."""
        try:
            read = self._mirror.feed(raw)
        except RemoteProtocolError:
            return
        if not read:
            # A frame that is never finished: nobody would hear of this node again.
            self._transport.loseConnection()
        for each in read:
            if not isinstance(each, bytes) or each[5] not in (Kind.REPLY, Kind.ERROR):
                continue
            if not each[FLAGS_AT] & Flag.MORE:
                reference = int.from_bytes(each[12:16], "big")
                self.owed = [frame for frame in self.owed if frame.reference != reference]
