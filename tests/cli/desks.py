"""Runs `ixctl agent` in memory, and types what a test says."""

from __future__ import annotations

import io
import json
from typing import Any, Self

import pytest
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ConnectionDone
from twisted.internet.protocol import Protocol
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure

from ixproxy import messages as m
from ixproxy.cli import agent
from ixproxy.messages.message import Message
from ixproxy.wire.codec import encode
from tests.cli.worlds import ENDPOINT, CommandWorld


class Piped:
    """Standard input in memory."""

    def __init__(self, protocol: Protocol) -> None:
        self.protocol = protocol
        self.transport = StringTransport()
        self.left = False

    def __enter__(self) -> Self:
        self.protocol.makeConnection(self.transport)
        return self

    def __exit__(self, *_: object) -> None:
        self.left = True


class AgentWorld:
    """An `ixctl agent` at a server that says yes to whatever a test does not speak of."""

    def __init__(self, world: CommandWorld, monkeypatch: pytest.MonkeyPatch) -> None:
        self.world = world
        self._inputs: list[Piped] = []
        self.running: Deferred[int] = Deferred()
        self.stdout = io.StringIO()
        monkeypatch.setattr(agent, "listening", self._listening)
        world.reply(m.RequestAgentLogin, m.EventAck(agent_session=(5, 101)))
        for each in (
            m.RequestAgentLogout,
            m.RequestAddMedia,
            m.RequestRemoveMedia,
            m.RequestNotReadyForMedia,
            m.RequestCancelNotReadyForMedia,
            m.RequestChangeAgentStateReason,
            m.RequestChangeMediaStateReason,
            m.RequestDoNotDisturbOn,
            m.RequestDoNotDisturbOff,
            m.RequestReject,
            m.RequestTransfer,
            m.RequestConference,
            m.RequestLeaveInteraction,
            m.RequestPlaceInQueue,
            m.RequestPlaceInWorkbin,
            m.RequestStopProcessing,
            m.RequestHold,
            m.RequestResume,
            m.RequestChangeProperties,
        ):
            world.reply(each, m.EventAck())
        world.reply(m.RequestAccept, m.EventAck(take_number=9))
        world.reply(m.RequestIntrude, m.EventAck(take_number=10))
        world.reply(
            m.RequestPull,
            m.EventPulledInteractions(interactions={"id-7": {}}, take_numbers={"id-7": 7}),
        )

    def _listening(self, reactor: Any, protocol: Protocol) -> Piped:
        self._inputs.append(Piped(protocol))
        return self._inputs[-1]

    def start(self, *argv: str, json: bool = True) -> None:
        """Log the agent kim in."""
        more = ("--json",) if json else ()
        self.running, self.stdout, _ = self.world.start(
            "agent", "--connect", ENDPOINT, "--agent", "kim", "--place", "p1", *argv, *more
        )

    def type(self, *lines: str) -> None:
        """Give it some lines, and let everything happen."""
        protocol = self._inputs[-1].protocol
        protocol.dataReceived("".join(line + "\n" for line in lines).encode())
        self.world.rest()

    def end(self) -> int:
        """The input ends; the exit code."""
        self._inputs[-1].protocol.connectionLost(Failure(ConnectionDone()))
        return self.code

    def interrupt(self) -> None:
        """End it as Ctrl-C does, if it has not ended."""
        self.running.addErrback(lambda failure: failure.trap(CancelledError))
        self.running.cancel()
        self.world.rest()

    @property
    def code(self) -> int:
        """The exit code, once it has ended."""
        self.world.rest()
        self.world.clock.run_until(lambda: self.running.called, 60.0)
        assert isinstance(self.running.result, int), self.running.result
        return self.running.result

    @property
    def reading(self) -> bool:
        """Whether the next line would be read."""
        return self._inputs[-1].transport.producerState == "producing"

    def tell(self, *events: Message) -> None:
        """The server tells of something."""
        for event in events:
            self.world.server.last.write(encode(event))
        self.world.rest()

    @property
    def text(self) -> str:
        """What was printed since the last look."""
        text = self.stdout.getvalue()
        self.stdout.seek(0)
        self.stdout.truncate()
        return text

    @property
    def records(self) -> list[dict[str, Any]]:
        """What was printed since the last look, as objects."""
        return [json.loads(line) for line in self.text.splitlines()]


INVITE = m.EventInvite(
    tenant_id=1, agent_id="kim", interaction_id="id-1", ticket_id=4, visibility_mode="Conference"
)
