"""
Routers in a cluster in memory to which nodes push, and which answer by a script.

    router = PushedRouter(cluster, node=0)          # has the strategy Mail loaded
    cluster.run(5)
    assert router.routed == [...]                   # ids, in the order of the acknowledgements
    router.die()                                    # its program, with what it had

What they do with each interaction is said by a function: it makes the answer, or
None to keep the interaction. The same answers can be given by both kinds of
request; see `placed`, `called` and `stopped`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from ixproxy import messages as m
from ixproxy.client import Client
from ixproxy.errors import RequestRefused
from ixproxy.messages.message import Message, Request
from ixproxy.values import ClientType

ANSWER_AGAIN = 0.5
"""Seconds after which an answer is given again of which nobody knows what it did."""

Script = Callable[[m.EventRouteRequest], Request | None]
"""Answers what was pushed; None: the router keeps it."""


class Routed(Protocol):
    """What of a cluster is used: `ixproxy.testing.cluster.Cluster` has it."""

    clock: Any

    def client(self, name: str, client_type: str, **arguments: Any) -> Client:
        """Connect a client."""

    def alive(self, client: Client) -> bool:
        """Whether its program runs."""

    def kill_client(self, client: Client) -> None:
        """Its program dies."""


def called(queue: str) -> Script:
    """Answers with RequestRouteCall: into a queue."""
    return lambda event: m.RequestRouteCall(
        tenant_id=event.tenant_id,
        interaction_id=event.interaction_id,
        route_type="Queue",
        queue=queue,
        take_number=event.take_number,
    )


def placed(queue: str) -> Script:
    """The same with RequestPlaceInQueue."""
    return lambda event: m.RequestPlaceInQueue(
        tenant_id=event.tenant_id, interaction_id=event.interaction_id, queue=queue
    )


def stopped(event: m.EventRouteRequest) -> Request:
    """Stops what was pushed."""
    return m.RequestStopProcessing(tenant_id=event.tenant_id, interaction_id=event.interaction_id)


def kept(_: m.EventRouteRequest) -> None:
    """Keeps what was pushed."""


class PushedRouter:
    """
    One router on one node.

    :param after: seconds from a push to its answer.
    :ivar pushed: what it was pushed, in order.
    :ivar heard: every other event.
    :ivar routed: ids whose answers were acknowledged.
    :ivar refused: ids whose answers were refused with nothing done, with the code.
    :ivar doubtful: ids of whose answers nobody knows what they did.
    """

    def __init__(
        self,
        cluster: Routed,
        node: int = 0,
        script: Script = kept,
        *,
        name: str = "urs",
        strategies: Sequence[str] = ("Mail",),
        after: float = 0.01,
        **arguments: Any,
    ) -> None:
        self._cluster = cluster
        self.script = script
        self.after = after
        self.pushed: list[m.EventRouteRequest] = []
        self.heard: list[Message] = []
        self.routed: list[str] = []
        self.refused: list[tuple[str, int]] = []
        self.doubtful: list[str] = []
        self.client = cluster.client(
            name,
            ClientType.ROUTING_ENGINE,
            node=node,
            extension={"strategies": list(strategies)},
            on_event=self._told,
            **arguments,
        )

    def die(self) -> None:
        """Its program dies: nothing of what it had is answered any more."""
        self._cluster.kill_client(self.client)

    def load(self, *strategies: str) -> Deferred[None]:
        """It has these strategies loaded from now on."""
        return self.client.register_again({"strategies": list(strategies)})

    def _told(self, event: Message) -> None:
        if not isinstance(event, m.EventRouteRequest):
            self.heard.append(event)
            return
        self.pushed.append(event)
        self._cluster.clock.callLater(self.after, self._answer, event)

    def _answer(self, event: m.EventRouteRequest) -> None:
        id, client = event.interaction_id, self.client
        if not self._cluster.alive(client) or client.holding.get(id) != event.take_number:
            return
        if not client.connected:
            # Only the next registration says what it has still, and may answer.
            self._cluster.clock.callLater(ANSWER_AGAIN, self._answer, event)
            return
        answer = self.script(event)
        if answer is not None:
            asked: Deferred[Any] = client.request(answer)
            asked.addCallbacks(
                lambda _: self.routed.append(id), self._refused, errbackArgs=(event,)
            )

    def _refused(self, failure: Failure, event: m.EventRouteRequest) -> None:
        problem = failure.value
        if not isinstance(problem, RequestRefused):
            failure.raiseException()
        elif problem.in_doubt:
            self.doubtful.append(event.interaction_id)
            self._cluster.clock.callLater(ANSWER_AGAIN, self._answer, event)
        else:
            self.refused.append((event.interaction_id, problem.code))
