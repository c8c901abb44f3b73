"""
The proxy's mind: every input there is; nothing else is called from outside.

An input changes tables, puts frames into destinations (`outputs`) and leaves effects; its
caller moves both into the world. `now` is a clock that never goes back, in seconds. A mistake
of one peer is answered to it, or breaks its connection; it never reaches another's.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from ixproxy.core.agent_requests import AgentRequests
from ixproxy.core.announcing import Announcing
from ixproxy.core.answers import Answers
from ixproxy.core.clients import Peer
from ixproxy.core.destinations import Destination
from ixproxy.core.forwarding import Forwarder
from ixproxy.core.greeting import Greeting
from ixproxy.core.leaving import Leaving
from ixproxy.core.link_states import State, Step
from ixproxy.core.links import Link
from ixproxy.core.locating import Locator
from ixproxy.core.pairs import Event
from ixproxy.core.parking import Parking
from ixproxy.core.registering import Joining
from ixproxy.core.replaying import replay
from ixproxy.core.requests import Requests
from ixproxy.core.revoking import owner_unknown, revoke_lost, revoke_unconfirmed
from ixproxy.core.settings import Deployment, ProxySettings, Strategies
from ixproxy.core.snapshot_requests import SnapshotRequests
from ixproxy.core.state import ProxyState
from ixproxy.core.streams import Streams
from ixproxy.core.workbins import Workbins
from ixproxy.effects import ClosePeer, Effect, ResetLink
from ixproxy.errors import Code, RemoteProtocolError
from ixproxy.messages import EventServerStatus
from ixproxy.values import NodeName
from ixproxy.wire.codec import encode, error_frame
from ixproxy.wire.frames import Skipped
from ixproxy.wire.names import Kind
from ixproxy.wire.permits import ANYTHING, Permit
from ixproxy.wire.prefix import (
    ADDRESS,
    ADDRESS_AT,
    FLAGS_AT,
    Flag,
    read_frame,
    readdress,
    write_frame,
)

_NO_REPLY = int(Flag.NO_REPLY)
SLOW_COST = 8
"""What a frame costs that does not take the fast path, for each node that it is sent to."""

_PING, _PONG, _EVENT = int(Kind.PING), int(Kind.PONG), int(Kind.EVENT)
_CLIENT, _NOBODY = slice(ADDRESS_AT, ADDRESS_AT + 4), bytes(4)


class ProxyCore:
    """One proxy; see `Snapshots` for `first_snapshot`."""

    def __init__(
        self, settings: ProxySettings, deployment: Deployment, strategies: Strategies,
        first_snapshot: int = 1,
    ) -> None:  # fmt: skip
        self.state = state = ProxyState(settings, deployment, strategies, first_snapshot)
        self._locator = Locator(state)
        self._agents = AgentRequests(state)
        self._streams = Streams(state)
        state.when_linked.append(self._streams.node_linked)
        self.parking = Parking(state)
        self.snapshots = SnapshotRequests(state, self._locator)
        self._workbins = Workbins(state)
        self._leaving = Leaving(
            state, self._agents.sessions, self._streams, self.snapshots, self._workbins
        )
        self._announcing = Announcing(state)
        self._requests = Requests(
            state, self._locator, self.parking, self._agents, self._leaving, self._announcing,
            self._streams, self.snapshots, self._workbins,
        )  # fmt: skip
        self._answers = Answers(state, self._agents.forced, self._streams, self._workbins)
        self._forwarder = Forwarder(state, self._locator)
        self._removed: dict[NodeName, float] = {}
        """Nodes that left the deployment, and when they were lost."""

    def take_effects(self) -> list[Effect]:
        """What the world has to do besides sending; empties the list."""
        effects, self.state.effects = self.state.effects, []
        return effects

    def take_shared(self) -> list[tuple[bytes, Sequence[Destination]]]:
        """Frames for many destinations each; to be sent before what `take_outputs` has."""
        return self.state.outputs.drain_shared()

    def take_outputs(self) -> list[Destination]:
        """The destinations with frames to send; `take` empties each."""
        return self.state.outputs.drain()

    def link(self, node: NodeName) -> Link:
        """The link to a node, for whoever connects it to a socket."""
        return self.state.links[node]

    def peer_connected(self, peer: int, now: float, permit: Permit = ANYTHING) -> Peer:
        """A client-side connection was accepted; `permit` says what it may be."""
        self.state.now = now
        return self.state.clients.connect(peer, permit)

    def login_answered(self, peer: int, permit: Permit | None, now: float) -> None:
        """It is known what the user may be whom `LogIn` was about; None: nobody."""
        self.state.now = now
        entering = self.state.clients.peers.get(peer)
        if entering is not None:
            self._requests.login_answered(entering, permit)

    def frames_received(
        self,
        peer: int,
        frames: Sequence[bytes | Skipped],
        now: float,
        budget: float = float("inf"),
    ) -> int:
        """
        Whole frames arrived on a client-side connection.

        :param budget: what they may cost in this turn: 1 for one that takes the
            fast path, `SLOW_COST` and more for any other.
        :return: how many of them were taken.
        """
        state = self.state
        state.now = now
        sender = state.clients.peers.get(peer)
        if sender is None:
            return len(frames)
        fast, taken = state.settings.fast_path, 0
        for raw in frames:
            if budget <= 0:
                break
            taken += 1
            if isinstance(raw, bytes):
                if fast and self._forwarder.request(sender, raw):
                    budget -= 1
                    continue
                before = state.sent
                self._request_received(sender, raw)
                budget -= SLOW_COST * max(1, state.sent - before)
                continue
            if raw.kind == Kind.REQUEST:
                self._refuse_frame(sender, raw.client, raw.reference, raw.problem)
            budget -= SLOW_COST
        return taken

    def _request_received(self, peer: Peer, raw: bytes) -> None:
        kind = raw[5]
        if kind == _PONG:
            return
        client, reference = ADDRESS.unpack_from(raw, ADDRESS_AT)
        if kind == _PING:
            peer.send(readdress(write_frame(Kind.PONG, 0), client, reference))
            return
        try:
            frame = read_frame(raw)
            self._requests.frame_received(peer, frame)
        except RemoteProtocolError as problem:
            if not raw[FLAGS_AT] & _NO_REPLY:
                self._refuse_frame(peer, client, reference, problem)

    def _refuse_frame(
        self, peer: Peer, client: int, reference: int, problem: RemoteProtocolError
    ) -> None:
        """Answer a frame that became no request."""
        self.state.counters[f"refused {problem.code}"] += 1
        peer.send(
            error_frame(problem.code, problem.description, client=client, reference=reference)
        )

    def peer_broken(self, peer: int, problem: RemoteProtocolError, now: float) -> None:
        """A client-side connection sent what is no frame: say so, then close."""
        self.state.now = now
        sender = self.state.clients.peers.get(peer)
        if sender is not None:
            self._refuse_frame(sender, 0, 0, problem)
            self.state.effects.append(ClosePeer(peer, problem.description))

    def peer_lost(self, peer: int, now: float) -> None:
        """A client-side connection is gone; its sessions wait on the nodes."""
        state = self.state
        state.now = now
        gone = state.clients.disconnect(peer)
        self._leaving.lost(gone, next((each.name for each in gone if not each.behind_proxy), ""))

    def node_connected(self, node: NodeName, now: float) -> None:
        """The connection to a node is open: greet it."""
        self.state.now = now
        link = self.state.links[node]
        link.pair.begun()
        link.step(Step.CONNECTED)
        Greeting(self.state, link, self._greeted).start()

    def _greeted(self, link: Link) -> None:
        link.step(Step.GREETED)
        replaying = partial(replay, self.state, self._agents.sessions, self._workbins)
        Joining(self.state, link, replaying, self._requests.later.note).start()

    def node_frames_received(
        self, node: NodeName, frames: Sequence[bytes | Skipped], now: float
    ) -> None:
        """Whole frames arrived from a node."""
        state = self.state
        state.now = now
        link = state.links.get(node)
        if link is None:
            return
        fast, streams = state.settings.fast_path, self._streams
        try:
            for raw in frames:
                if isinstance(raw, Skipped):
                    raise raw.problem
                if streams.gathered and (raw[5] != _EVENT or raw[_CLIENT] != _NOBODY):
                    # What comes next may be for who has a stream, too, and comes behind it.
                    streams.hand_on()
                if not (fast and self._forwarder.from_node(link, raw)):
                    self._from_node(link, raw)
        except RemoteProtocolError as problem:
            # What it says makes no sense: nothing more of it is read, all else goes on.
            state.note(
                "error",
                "{link} broke the protocol: {problem}",
                link=str(link),
                problem=problem.description,
            )
            state.effects.append(ResetLink(link.name, problem.description))
            self.node_lost(node, now, problem.description)
        if streams.gathered:
            streams.hand_on()

    def _from_node(self, link: Link, raw: bytes) -> None:
        kind = raw[5]
        if kind == _PONG:
            return
        if kind == _PING:
            address = ADDRESS.unpack_from(raw, ADDRESS_AT)
            link.send(readdress(write_frame(Kind.PONG, 0), *address))
            return
        frame = read_frame(raw)
        if kind == Kind.EVENT:
            self._answers.event_received(link, frame)
        elif kind in (Kind.REPLY, Kind.ERROR):
            self._answers.reply_received(link, frame)
        else:
            raise RemoteProtocolError(Code.BAD_FRAME, f"kind {kind} from a node")

    def node_unreachable(
        self, node: NodeName, reason: str, now: float, *, late: bool = False
    ) -> None:
        """
        There was no connection to be had; told once, until the reason is another.

        :param late: it did not refuse, but kept silent, or does so since it accepted.
        """
        self.state.now = now
        link = self.state.links.get(node)
        if link is None:
            return
        news, who = link.pair.is_news(reason), link.in_turn
        link.pair.happened(link.state, Event.LATE if late else Event.GONE, reason)
        link.problem = reason
        if news:
            self.state.note("warn", "{link} cannot be reached: {reason}", link=who, reason=reason)

    def node_lost(self, node: NodeName, now: float, reason: str = "") -> None:
        """The connection to a node is gone: what was in flight is in doubt."""
        state = self.state
        state.now = now
        link = state.links.get(node)
        if link is None or link.state is State.DOWN:
            return
        was_linked = link.linked
        link.goes(now)
        link.pair.happened(link.state, Event.GONE, reason)
        link.step(Step.LOST)
        link.full = False
        link.problem = reason or link.problem
        link.replaying = 0
        link.take()
        if was_linked:
            state.loads_changed = True
            state.note("warn", "{link} is lost", link=str(link))
        for client in link.clients.values():
            client.numbers.pop(node, None)
        link.clients.clear()
        link.unfinished.clear()
        for _, pending in link.pending.clear():
            if not pending.abandoned:
                self._answers.given_up(link, pending)
        self._agents.sessions.lacking.forget_node(node)
        self._streams.node_lost(node)
        self.snapshots.node_lost(link)
        self._workbins.node_lost(node)

    def stream_outrun(self, peer: int, now: float) -> None:
        """A proxy does not read its stream as fast as that goes on."""
        self.state.now = now
        slow = self.state.clients.peers.get(peer)
        if slow is not None:
            self._streams.outrun(slow)

    def status_completed(
        self, peer: int, client: int, reference: int, status: EventServerStatus
    ) -> None:
        """The world has added at once what only it knows to a status: answer who asked."""
        sender = self.state.clients.peers.get(peer)
        asking = sender.clients.get(client) if sender is not None else None
        if asking is not None:
            self.state.answer_split(asking, reference, encode(status))

    def ticked(self, now: float) -> None:
        """Some time passed: sweep what is overdue; call it every 250 ms or so."""
        state = self.state
        state.now = now
        self._locator.expire()
        self.parking.ticked()
        for link in list(state.links.values()):
            for reference, pending in link.pending.overdue(now):
                if link.pending.get(reference) is pending:
                    self._answers.overdue(link, reference, pending)
            if (
                link.state is State.DOWN
                and link.lost_at is not None
                and now - link.lost_at >= state.settings.node_loss_grace
            ):
                link.lost_at = None
                revoke_lost(state, link.name)
        for name, since in list(self._removed.items()):
            if now - since >= state.settings.node_loss_grace:
                del self._removed[name]
                revoke_lost(state, name)
        revoke_unconfirmed(state)
        self._announcing.ticked()
        self._requests.ticked()
        self._agents.retelling.ticked()
        self._streams.ticked()
        self._workbins.ticked()

    def configuration_changed(
        self,
        settings: ProxySettings,
        deployment: Deployment,
        strategies: Strategies,
        now: float,
    ) -> None:
        """
        The deployment file changed: nodes come and go, options change, live.

        A node that is no longer named is lost, and after the grace clients drop
        what they hold there; whoever makes connections compares `state.links`
        with its own afterwards.
        """
        state = self.state
        state.now = now
        for name in [name for name in state.links if name not in deployment.nodes]:
            self.node_lost(name, now)
            self.parking.node_removed(state.links[name])
            lost_at = state.links.pop(name).lost_at
            self._removed[name] = now if lost_at is None else lost_at
            self._forget(name)
            self._agents.sessions.absences.forget_node(name)
        state.settings, state.deployment, state.strategies = settings, deployment, strategies
        for name, facts in deployment.nodes.items():
            link = state.links.get(name)
            if link is None:
                link = state.links[name] = Link(facts, state.outputs)
                link.lost_at = self._removed.pop(name, None)
            elif link.facts.dbid != facts.dbid:
                self._means_another_node(name)
            link.facts = facts
        state.links = dict(sorted(state.links.items()))
        self._streams.deployment_changed()
        self._workbins.deployment_changed()
        state.owners.resize(settings.interaction_cache_size)
        self.parking.ticked()

    def _forget(self, name: NodeName) -> None:
        """A node is not what it was: nothing is there that was."""
        self.state.owners.forget_node(name)
        self._streams.node_removed(name)
        self.snapshots.node_removed(name)

    def _means_another_node(self, name: NodeName) -> None:
        """A node's name was given to another one: what was where is not known by it any more."""
        state = self.state
        state.effects.append(ResetLink(name, "it has another database id now"))
        state.links[name].pair.epoch = 0
        self.parking.node_removed(state.links[name])
        self._forget(name)
        owner_unknown(state, name)
