"""Hosts of one's own on one machine."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from ixproxy.testing.chaos_hosts import (
    HERE,
    Loopback,
    clear_what_the_dead_left,
    make_hosts,
    unusable,
    whose,
)
from ixproxy.testing.chaos_wire import Rule
from ixproxy.testing.servers import ServerFailed

LISTENER = """\
import socket, sys
listening = socket.create_server((sys.argv[1], 7000))
print("listening", flush=True)
while True:
    listening.accept()[0].close()
"""


def test_without_hosts_everything_is_on_this_machine_and_nothing_can_be_cut() -> None:
    hosts = Loopback(["n1", "n2"])
    assert (hosts.address("n1"), hosts.entering("n1"), hosts.apart) == ("127.0.0.1", [], False)
    hosts.heal()
    with pytest.raises(ServerFailed, match="hosts that are one"):
        hosts.between("n1", "n2", Rule(cut=True))


@pytest.mark.parametrize(
    ("name", "pid"),
    [
        ("ixchaos-17-n1", 17),
        ("/tmp/ixchaos-23-abc/disks/ixn1", 23),
        ("ixchaos-x-n1", None),
        ("n1", None),
    ],
)
def test_a_name_says_whose_it_is(name: str, pid: int | None) -> None:
    assert whose(name) == pid


def connects(address: str) -> bool:
    """Whether somebody on this machine reaches a host."""
    import socket

    try:
        socket.create_connection((address, 7000), 0.3).close()
    except OSError:
        return False
    return True


@pytest.mark.processes
def test_hosts_reach_each_other_but_where_the_wire_is_cut_and_nothing_stays() -> None:
    if reason := unusable():
        # What can be shown without root: the reason names what is missing.
        assert "root" in reason or "ip" in reason or "TUN" in reason
        return
    with make_hosts(["n1"], seed=1) as hosts:
        address = hosts.address("n1")
        command = [*hosts.entering("n1"), "python3", "-c", LISTENER, address]
        server = subprocess.Popen(command, stdout=subprocess.PIPE)
        try:
            assert server.stdout is not None
            assert server.stdout.readline() == b"listening\n"
            assert connects(address)
            hosts.between(HERE, "n1", Rule(cut=True))
            assert not connects(address)
            hosts.heal()
            assert connects(address)
        finally:
            server.kill()
            server.communicate()
    left = [
        place for place in Path("/run/netns").glob("ixchaos-*") if str(os.getpid()) in str(place)
    ]
    assert left == []


@pytest.mark.processes
def test_what_a_dead_run_has_left_is_cleared() -> None:
    if unusable():
        assert clear_what_the_dead_left() == []
        return
    ended = subprocess.Popen(["true"])
    ended.wait()
    name = f"ixchaos-{ended.pid}-n1"
    subprocess.run(["ip", "netns", "add", name], check=True)
    assert name in clear_what_the_dead_left()
    assert not Path("/run/netns", name).exists()
