"""
The demo's interactions that come by calls to the nodes' web services.

Theory of operation: each call has a name of its own, in the header `Idempotency-Key`. A call
that is not answered, or answered that it should come again, is made again by the same
name, and of the same node, for no other knows the name. Some calls that were answered
are made once more, as by a caller who did not get the answer: nothing must come of
that but the same answer.
"""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred, TimeoutError
from twisted.internet.protocol import Protocol, connectionDone
from twisted.internet.task import deferLater
from twisted.python.failure import Failure
from twisted.web.client import Agent, FileBodyProducer, HTTPConnectionPool, ResponseDone
from twisted.web.http_headers import Headers

from ixproxy.cli.demo_deployment import NODES, Plan
from ixproxy.cli.demo_input import EXTERNAL_ID, Work

ATTEMPTS = 8
CALL_SECONDS = 20.0
"""How long an answer is waited for."""
ONCE_MORE = 10
"""One of so many calls is made once more."""
COME_AGAIN = 503

Post = Callable[[str, dict[str, str], bytes], Deferred[tuple[int, bytes]]]
"""Makes one call, to an address, with headers and a body; fires with the status and the body."""


class CallFailed(Exception):
    """A call was refused, or never answered; the text says why."""


def body_of(work: Work) -> bytes:
    """What the call has that hands one in."""
    user_data = {key: value for key, value in work.user_data.items() if key != EXTERNAL_ID}
    asked: dict[str, object] = {
        "properties": {"MediaType": work.media_type, "Queue": work.queue},
        "userData": user_data,
    }
    if external := work.user_data.get(EXTERNAL_ID):
        asked["externalId"] = external
    return json.dumps(asked).encode()


class Posts:
    """
    All calls of the demo.

    :ivar handed_in: how many interactions were to come by calls, by node.
    :ivar answered: how many of them did.
    :ivar again: calls that had to be made again.
    :ivar once_more: those that were made once more on purpose, and `known`: those of them
        that got the same answer, marked as a repetition.
    """

    def __init__(self, reactor: Any, plan: Plan, post: Post) -> None:
        self._reactor = reactor
        self._plan = plan
        self._post = post
        self.handed_in: Counter[str] = Counter()
        self.answered = 0
        self.again = 0
        self.once_more = 0
        self.known = 0

    async def hand_in(self, work: Work) -> str:
        """
        Make a call, to each node in turn.

        :return: the id that the interaction got.
        :raise CallFailed: it was refused, or there is no answer.
        """
        count = self.handed_in.total()
        node = NODES[count % len(NODES)]
        self.handed_in[node] += 1
        identifier = str((await self._answer(node, work)).get("interactionId", ""))
        self.answered += bool(identifier)
        if count % ONCE_MORE == 0:
            self.once_more += 1
            known = await self._is_known(node, work, identifier)
            self.known += known
        return identifier

    async def _is_known(self, node: str, work: Work, identifier: str) -> bool:
        try:
            second = await self._answer(node, work)
        except CallFailed:
            # It is handed in all the same.
            return False
        return second == {**second, "interactionId": identifier, "repeated": True}

    @property
    def wrong(self) -> dict[str, int]:
        """How often what was not as it should be."""
        return {"calls not known again": self.once_more - self.known}

    def record(self) -> dict[str, object]:
        """For scripts."""
        return {
            "per_node": dict(self.handed_in),
            "answered": self.answered,
            "made_again": self.again,
            "made_once_more": self.once_more,
            "known": self.known,
        }

    async def _answer(self, node: str, work: Work) -> dict[str, Any]:
        address = f"http://127.0.0.1:{self._plan.web_port(node)}/interactions"
        headers = {"Content-Type": "application/json", "Idempotency-Key": f'"{work.number}"'}
        why = ""
        for attempt in range(ATTEMPTS):
            if attempt:
                self.again += 1
                await deferLater(self._reactor, 0.05 * 2**attempt)
            try:
                posting = self._post(address, headers, body_of(work))
                status, body = await posting.addTimeout(CALL_SECONDS, self._reactor)
            except TimeoutError:
                why = f"no answer within {CALL_SECONDS:.0f} s"
            except Exception as problem:
                # Whatever became of the connection, the name makes it safe to ask again.
                why = f"{type(problem).__name__}: {problem}"
            else:
                if status in (200, 201):
                    return _read(body)
                why = f"{status}: {body[:200].decode('utf-8', 'replace')}"
                if status != COME_AGAIN:
                    break
        raise CallFailed(f"call {work.number} to {node}: {why}")


def _read(body: bytes) -> dict[str, Any]:
    """:raise CallFailed: it is no object of JSON."""
    try:
        found = json.loads(body)
    except ValueError as problem:
        raise CallFailed(f"an answer that is no JSON: {problem}") from problem
    if not isinstance(found, dict):
        raise CallFailed(f"an answer that is no object: {body[:200].decode('utf-8', 'replace')}")
    return found


class _Body(Protocol):
    """
    Gathers an answer's body.

    :ivar complete: fires with it; cancelling it ends the connection.
    """

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self.complete: Deferred[bytes] = Deferred(self._unwanted)

    def _unwanted(self, complete: Deferred[bytes]) -> None:
        assert self.transport is not None
        self.transport.loseConnection()

    def dataReceived(self, data: bytes) -> None:
        """A part of it came."""
        self._parts.append(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """It is complete, or never will be."""
        if self.complete.called:
            return
        if reason.check(ResponseDone):
            self.complete.callback(b"".join(self._parts))
        else:
            self.complete.errback(reason)


class Caller:
    """Makes calls over connections that are kept open, some to each node."""

    def __init__(self, reactor: Any, connections: int = 8) -> None:
        self._pool = HTTPConnectionPool(reactor)
        self._pool.maxPersistentPerHost = connections
        # We repeat calls ourselves.
        self._pool.retryAutomatically = False
        self._agent = Agent(reactor, connectTimeout=CALL_SECONDS, pool=self._pool)

    def post(
        self, address: str, headers: dict[str, str], body: bytes
    ) -> Deferred[tuple[int, bytes]]:
        """A `Post`."""
        return Deferred.fromCoroutine(self._posted(address, headers, body))

    async def _posted(
        self, address: str, headers: dict[str, str], body: bytes
    ) -> tuple[int, bytes]:
        response = await self._agent.request(
            b"POST",
            address.encode(),
            Headers({name: [value] for name, value in headers.items()}),
            FileBodyProducer(io.BytesIO(body)),
        )
        answer = _Body()
        response.deliverBody(answer)
        return response.code, await answer.complete

    async def close(self) -> None:
        """Close all connections."""
        await self._pool.closeCachedConnections()
