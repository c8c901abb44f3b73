"""
`ixctl workbin content --watch`: what lies in a workbin, and then what changes there.

Theory of operation: it is listened to before the content is asked for, so that
nothing is missed in between; what is told twice by that is told twice. After a
lost connection the client listens again by itself, and the content is asked for
once more: what happened meanwhile nobody told.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from ixproxy.cli.event_text import event_line, event_record
from ixproxy.cli.output import Output
from ixproxy.client import Client
from ixproxy.errors import RequestRefused
from ixproxy.messages import EventWorkbinContentChanged, ServerFacts, Workbin
from ixproxy.messages.message import Message
from ixproxy.wire.workbins import Wishes, asking

EVERYTHING = Wishes(properties=True, stops=True)


class WorkbinWatch:
    """
    Prints the changes of one workbin until it is enough.

    :param count: changes after which it is; 0: never.
    :ivar over: fires when it is enough; fails when there will be no more.
    """

    def __init__(self, workbin: Workbin, output: Output, count: int = 0) -> None:
        self._workbin = workbin
        self._output = output
        self._left = count
        self._counts = bool(count)
        self.over: Deferred[None] = Deferred()

    def event_received(self, event: Message) -> None:
        """The server told something."""
        if self.over.called or not isinstance(event, EventWorkbinContentChanged):
            return
        try:
            self._output.record(event_record(event), event_line(event))
        except BrokenPipeError as problem:
            # Whoever read our output went away; a callback's error would only be logged.
            self.failed(problem)
            return
        self._left -= 1
        if self._counts and self._left <= 0:
            self.over.callback(None)

    def failed(self, problem: BaseException) -> None:
        """There will be no more."""
        if not self.over.called:
            self.over.errback(problem)

    async def run(self, client: Client, tenant_id: int, content: Callable[[], Any]) -> None:
        """
        Listen, show the content, and then what is told.

        :param content: asks for the content and prints it.
        """

        def moved(server: ServerFacts | None) -> None:
            if server is None or client.closing or self.over.called:
                return
            self._output.note(f"connected to {server.name} again: the content is")
            Deferred.fromCoroutine(content()).addErrback(refused)

        def refused(failure: Failure) -> None:
            assert failure.value is not None
            self.failed(failure.value)

        def missing(_: Message, problem: RequestRefused) -> None:
            self.failed(problem)

        client.on_event(self.event_received)
        client.on_connection(moved)
        client.on_not_restored(missing)
        await client.request(asking(tenant_id, self._workbin, EVERYTHING))
        await content()
        await self.over
