"""A proxy's mind between clients and nodes that keep snapshots, and nothing else, in a dict."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from ixproxy.errors import Code
from ixproxy.messages import (
    EventAck,
    EventInteractionMoved,
    EventSnapshotInteractions,
    EventSnapshotTaken,
    RequestGetSnapshotInteractions,
    RequestLockInteraction,
    RequestMoveInteractions,
    RequestRegisterClient,
    RequestReleaseSnapshot,
    RequestStopInteractions,
    RequestTakeSnapshot,
    RequestUnlockInteraction,
)
from ixproxy.messages.message import Message
from ixproxy.values import NodeName
from ixproxy.wire.names import Kind
from ixproxy.wire.prefix import Flag, Frame
from tests.core.rig import NODES, TENANT, Rig, decode, facts, only

TAKE = RequestTakeSnapshot(tenant_id=TENANT, condition="Priority > 1")
SNAPSHOT_REQUESTS = (
    RequestTakeSnapshot,
    RequestGetSnapshotInteractions,
    RequestLockInteraction,
    RequestUnlockInteraction,
    RequestMoveInteractions,
    RequestStopInteractions,
    RequestReleaseSnapshot,
)


def page(identifier: int, start: int = 0, number: int = 0) -> RequestGetSnapshotInteractions:
    """A request for a page."""
    return RequestGetSnapshotInteractions(
        tenant_id=TENANT, snapshot_id=identifier, start_from=start, number_of_interactions=number
    )


def release(identifier: int) -> RequestReleaseSnapshot:
    """A request to release."""
    return RequestReleaseSnapshot(tenant_id=TENANT, snapshot_id=identifier)


def move(identifier: int) -> RequestMoveInteractions:
    """A request to move all."""
    return RequestMoveInteractions(tenant_id=TENANT, snapshot_id=identifier, queue="Q2")


def lock(identifier: int, interaction: str) -> RequestLockInteraction:
    """A request to lock one."""
    return RequestLockInteraction(
        tenant_id=TENANT, snapshot_id=identifier, interaction_id=interaction
    )


class World(Rig):
    """
    Nodes that answer requests about snapshots when they are told to.

    :param sizes: how many interactions a snapshot has on each node.
    :ivar snapshots: by node, its ids to the members.
    :ivar gone: by node, members that have left it.
    :ivar refusing: nodes that refuse whatever is asked, with what code.
    :ivar forgetful: nodes that have lost all snapshots when they come back.
    :ivar shortest: by node, the most positions that it gives at a time.
    """

    def __init__(self, *sizes: int, **more: Any) -> None:
        self.nodes = NODES[: len(sizes)]
        self.sizes = dict(zip(self.nodes, sizes, strict=True))
        self.snapshots: dict[NodeName, dict[int, list[str]]] = {name: {} for name in self.nodes}
        self.gone: dict[NodeName, set[str]] = {name: set() for name in self.nodes}
        self.refusing: dict[NodeName, int] = {}
        self.forgetful: set[NodeName] = set()
        self.shortest: dict[NodeName, int] = {}
        self.flags = Flag(0)
        self.last = 6
        self._names: dict[tuple[NodeName, int], str] = {}
        self._owners: dict[tuple[NodeName, int], str] = {}
        super().__init__([facts(name) for name in self.nodes], **more)

    def members(self, node: NodeName) -> list[str]:
        """What is on a node."""
        return [f"{node}-{number}" for number in range(self.sizes[node])]

    def _registered(self, node: NodeName, message: RequestRegisterClient) -> EventAck:
        answer = super()._registered(node, message)
        if node in self.forgetful:
            self.snapshots[node].clear()
        self._names[node, answer.proxy_client_id] = message.client_name
        for identifier in set(self.snapshots[node]) - set(message.snapshots or ()):
            if self._owners[node, identifier] == message.client_name:
                del self.snapshots[node][identifier]
        kept = [each for each in message.snapshots or () if each in self.snapshots[node]]
        return replace(answer, snapshots=kept)

    def work(self, *nodes: NodeName) -> None:
        """Nodes answer all about snapshots that they were sent; by default all do."""
        for node in nodes or self.nodes:
            frames, self.to_node[node] = self.to_node[node], []
            for frame in frames:
                message = decode(frame) if frame.kind == Kind.REQUEST else None
                if isinstance(message, SNAPSHOT_REQUESTS):
                    self.carry_out(node, frame)
                else:
                    self.to_node[node].append(frame)

    def carry_out(self, node: NodeName, frame: Frame) -> None:
        """A node does what one frame asks, or refuses."""
        code = self.refusing.get(node)
        answer = self.done(node, frame) if code is None else code
        if isinstance(answer, int):
            self.refuse(node, frame, answer)
        else:
            self.answer(node, frame, answer, flags=self.flags)

    def done(self, node: NodeName, frame: Frame) -> Message | int:
        """A node does what a frame asks, and says nothing yet."""
        message, mine = decode(frame), self.snapshots[node]
        if isinstance(message, RequestTakeSnapshot):
            self.last += 1
            mine[self.last] = self.members(node)
            self._owners[node, self.last] = self._names[node, frame.client]
            size = len(mine[self.last])
            return EventSnapshotTaken(snapshot_id=self.last, number_of_interactions=size)
        members = mine.get(message.snapshot_id)
        if members is None:
            return Code.UNKNOWN_SNAPSHOT
        if isinstance(message, RequestReleaseSnapshot):
            del mine[message.snapshot_id]
            return EventAck()
        if isinstance(message, RequestGetSnapshotInteractions):
            return self._page(node, members, message)
        if isinstance(message, RequestMoveInteractions | RequestStopInteractions):
            left = dict.fromkeys(sorted(self.gone[node]), Code.UNKNOWN_INTERACTION)
            moved = len(members) - len(left)
            return EventInteractionMoved(number_of_interactions=moved, errors=left)
        if message.interaction_id not in members:
            return Code.NOT_IN_SNAPSHOT
        return EventAck(interaction_id=message.interaction_id)

    def _page(
        self, node: NodeName, members: list[str], message: RequestGetSnapshotInteractions
    ) -> Message:
        number = message.number_of_interactions or len(members)
        end = message.start_from + min(number, self.shortest.get(node, number))
        ids = members[message.start_from : end]
        return EventSnapshotInteractions(
            interactions={each: {"on": node} for each in ids if each not in self.gone[node]},
            errors={each: Code.UNKNOWN_INTERACTION for each in ids if each in self.gone[node]},
            have_more=end < len(members),
        )

    def taken(self, peer: int, message: Message = TAKE, **prefix: Any) -> int:
        """A client takes a snapshot on all nodes; its id."""
        self.ask(peer, message, **prefix)
        self.work()
        answer = only(self.got(peer))
        assert isinstance(answer, EventSnapshotTaken), answer
        return answer.snapshot_id

    def asked(self, peer: int, message: Message, **prefix: Any) -> Any:
        """A client asks something, and all nodes answer; what it is answered."""
        self.ask(peer, message, **prefix)
        self.work()
        return only(self.got(peer))

    def left_over(self) -> dict[NodeName, list[int]]:
        """What nodes have, where they have anything."""
        return {node: sorted(mine) for node, mine in self.snapshots.items() if mine}

    def at_rest(self) -> None:
        """No table of the proxy has anything about snapshots, and no node does."""
        state = self.core.state
        assert (len(state.snapshots), state.fan_outs.number, state.fan_outs.kept) == (0, 0, 0)
        assert not len(self.core.snapshots.unreleased)
        assert self.left_over() == {}
