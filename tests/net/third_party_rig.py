"""A node and its external servers in memory: ours, as programs have them, and scripted ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.protocol import Factory

from ixproxy.client.third_party_server import Call, CallLimits, Result, ThirdPartyServer, serve
from ixproxy.messages import EventAck, Request3rdServer, RequestRegisterClient, ServerFacts
from ixproxy.net.node_limits import NodeLimits
from ixproxy.node.esp_servers import ExternalServer
from ixproxy.wire.codec import decode, encode
from ixproxy.wire.names import Kind
from tests.net.node_rig import NodeRig, RawPeer

TYPE = "Classification Server"


def known(name: str, type: str = TYPE, *endpoints: str) -> ExternalServer:
    """A server as the deployment has it; it is on a host of its name."""
    return ExternalServer(name, type, endpoints or (f"{name}:7301",))


def call(envelope: dict[str, Any] | None = None, **attributes: Any) -> Request3rdServer:
    """A call to `one`, unless the envelope says another."""
    whole = {"AppName": "one", "Service": "Test", "Method": "Echo", **(envelope or {})}
    if "AppType" in whole:
        del whole["AppName"]
    return Request3rdServer(tenant_id=1, envelope3rd_server=whole, **attributes)


class Program:
    """An external server whose answers come when a test says so, or at once."""

    def __init__(self, rig: NodeRig, name: str, *, at_once: bool = True, **limits: Any) -> None:
        self.rig = rig
        self.name = name
        self.at_once = at_once
        self.calls: list[Call] = []
        self.answers: list[Deferred[Result]] = []
        self.result: Callable[[Call], Result] = echoed
        made: list[ThirdPartyServer] = []
        listening = serve(
            rig.clock,
            rig.network.server_endpoint(f"{name}:7301"),
            name=name,
            answer=self._answer,
            limits=CallLimits(**limits),
        )
        listening.addCallback(made.append)
        rig.settle()
        self.server = made[0]

    def _answer(self, call: Call) -> Any:
        self.calls.append(call)
        if self.at_once:
            return self.result(call)
        self.answers.append(Deferred())
        return self.answers[-1]

    def answer(self, number: int = 0) -> None:
        """Let the oldest call that waits have its answer."""
        self.answers.pop(number).callback(Result())
        self.rig.settle()

    def lose(self) -> None:
        """The host of the server loses its connections."""
        self.rig.network.lose(self.name)
        self.rig.settle()

    def stop(self) -> None:
        self.server.stop()
        self.rig.settle()


def echoed(call: Call) -> Result:
    """What it was given."""
    return Result(dict(call.parameters), dict(call.user_data))


def node(*names: str, timeout: float = 30.0, window: int = 100, queue: int = 1000) -> NodeRig:
    """A running node with external servers of these names, which do not run yet."""
    limits = NodeLimits(
        third_party_server_timeout=timeout,
        third_party_server_window_size=window,
        third_party_server_queue_size=queue,
    )
    return NodeRig(limits, servers=[known(name) for name in names]).start()


def connected(rig: NodeRig, seconds: float = 3.0) -> NodeRig:
    """Let the node find who listens by now."""
    rig.run(seconds)
    return rig


class Scripted:
    """A server that speaks bare frames: what it is sent is kept, nothing is answered by itself."""

    def __init__(self, rig: NodeRig, name: str, *, greets: bool = True) -> None:
        self.rig = rig
        self.greets = greets
        self.peers: list[RawPeer] = []
        outer = self

        class Peers(Factory):
            def buildProtocol(self, addr: Any) -> RawPeer:
                outer.peers.append(RawPeer(rig))
                return outer.peers[-1]

        rig.network.server_endpoint(f"{name}:7301").listen(Peers())

    @property
    def peer(self) -> RawPeer:
        """The newest connection."""
        return self.peers[-1]

    def requests(self) -> list[Any]:
        """The requests on it, with their references."""
        return [
            (frame.reference, decode(frame))
            for frame in self.peer.frames
            if frame.kind == Kind.REQUEST
        ]

    def greet(self, **facts: Any) -> None:
        """Accept the registration."""
        (reference, message) = self.requests()[0]
        assert isinstance(message, RequestRegisterClient)
        answer = EventAck(server=ServerFacts(name="scripted", role="external", **facts))
        self.peer.write(encode(answer, reference=reference))
        self.rig.settle()

    def calls(self) -> list[tuple[int, Request3rdServer]]:
        """The calls that have come on it."""
        return [each for each in self.requests() if isinstance(each[1], Request3rdServer)]
