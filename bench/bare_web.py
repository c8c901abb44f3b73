"""
A `twisted.web` server that answers every post at once, and does nothing: the floor of web services.

usage: bare_web.py PORT
"""

from __future__ import annotations

import sys
from typing import Any

from twisted.internet import reactor  # noqa: TID251 - a program of its own
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


def main() -> None:
    """Serve until the process is ended."""
    loop: Any = reactor
    site = Site(Nothing())  # type: ignore[no-untyped-call]
    site.log = lambda request: None  # type: ignore[method-assign]
    loop.listenTCP(int(sys.argv[1]), site, interface="127.0.0.1")
    loop.run()


if __name__ == "__main__":
    main()
