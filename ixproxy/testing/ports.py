"""Ports for servers that are started on this machine for a while."""

from __future__ import annotations

import socket
from random import Random

from ixproxy.errors import NodeUnavailable

PORTS = range(20_000, 32_768)
"""Below the ports that Linux gives to outgoing connections, which could take them."""


def free_ports(count: int, random: Random) -> list[int]:
    """
    Ports of the loopback interface that nobody listens on.

    :raise NodeUnavailable: there are not so many.
    """
    found: list[int] = []
    for port in random.sample(PORTS, len(PORTS)):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        found.append(port)
        if len(found) == count:
            return found
    raise NodeUnavailable(f"no {count} free ports between {PORTS.start} and {PORTS.stop - 1}")
