"""Free ports."""

from __future__ import annotations

import socket
from random import Random

import pytest

from ixproxy.errors import NodeUnavailable
from ixproxy.testing.ports import PORTS, free_ports


def test_ports_are_free_and_not_among_those_of_outgoing_connections() -> None:
    found = free_ports(5, Random(1))
    assert len(set(found)) == 5
    assert all(port in PORTS for port in found)
    (taken,) = free_ports(1, Random(7))
    with socket.socket() as other:
        other.bind(("127.0.0.1", taken))
        assert taken not in free_ports(1, Random(7))


def test_no_free_port_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ixproxy.testing.ports.PORTS", range(20_000, 20_000))
    with pytest.raises(NodeUnavailable, match="no 1 free ports"):
        free_ports(1, Random(1))
