"""
A `twisted.web` server that answers every post at once, and does nothing: the floor of web services.

usage: bare_web.py PORT
"""

from __future__ import annotations

import sys
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import react
from twisted.web.resource import Resource
from twisted.web.server import Site


class Nothing(Resource):
    """Answers."""

    isLeaf = True

    def render_POST(self, request: Any) -> bytes:
        """The body is read, and thrown away."""
        request.content.read()
        request.setHeader(b"Content-Type", b"application/json")
        return b'{"interactionId":"0000000000000000"}'


def serve(reactor: Any) -> Deferred[None]:
    """Until the process is ended."""
    site = Site(Nothing())  # type: ignore[no-untyped-call]
    site.log = lambda request: None  # type: ignore[method-assign]
    reactor.listenTCP(int(sys.argv[1]), site, interface="127.0.0.1")
    return Deferred()


if __name__ == "__main__":
    react(serve)
