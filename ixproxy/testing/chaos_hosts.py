"""
The hosts of a chaos run: network namespaces on one machine, with a wire between them.

    with make_hosts(["n1", "n2", "p1"], seed=7) as hosts:
        hosts.address("n1"), hosts.entering("n1")    # what its processes are started with
        hosts.between("p1", "n1", Rule(cut=True))
        hosts.heal()

The host that is not named, `HERE`, is this machine itself: the clients are
there, and PostgreSQL. It takes root, `ip` (Debian: iproute2) and TUN devices;
`unusable()` says what is missing, and then `Loopback` has the same face with
every host on 127.0.0.1 and nothing to cut.

Names carry the number of this process. What a run that died has left, the next
one clears away (`clear_what_the_dead_left`); its devices went with its wire.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Protocol

from ixproxy.testing.chaos_wire import Rule
from ixproxy.testing.servers import ServerFailed, environment

HERE = "here"
NETWORK = "10.231.{}.{}"
_OURS = re.compile(r"ixchaos-([0-9]+)(?:-|$)")


class Hosts(Protocol):
    """Where processes run, and what is between them."""

    names: tuple[str, ...]
    apart: bool
    """Whether there is something to cut between them."""

    def address(self, host: str) -> str:
        """Where its servers listen."""

    def entering(self, host: str) -> list[str]:
        """The words before a command that is to run there."""

    def between(self, one: str, other: str, rule: Rule, *, one_way: bool = False) -> None:
        """
        Make the network between two hosts bad, until `heal` or other orders.

        :param one_way: from the one to the other only.
        """

    def heal(self) -> None:
        """Make the whole network good."""


class Loopback:
    """All hosts are this machine."""

    apart = False

    def __init__(self, names: Sequence[str]) -> None:
        self.names = tuple(names)

    def address(self, host: str) -> str:
        """See `Hosts`."""
        return "127.0.0.1"

    def entering(self, host: str) -> list[str]:
        """See `Hosts`."""
        return []

    def between(self, one: str, other: str, rule: Rule, *, one_way: bool = False) -> None:
        """See `Hosts`."""
        raise ServerFailed("there is no network between hosts that are one")

    def heal(self) -> None:
        """See `Hosts`."""


class Namespaces:
    """
    Each host is a network namespace.

    :param seed: decides which packets are lost.
    :raise ServerFailed: it cannot be made.
    """

    apart = True

    def __init__(self, names: Sequence[str], seed: int) -> None:
        self.names = tuple(names)
        self._number = _free_network()
        self._places = {name: number for number, name in enumerate((HERE, *names), 1)}
        self._bad: dict[frozenset[str], tuple[str, str]] = {}
        self._made: list[str] = []
        self._wire: subprocess.Popen[bytes] | None = None
        try:
            self._make(seed)
        except (OSError, subprocess.SubprocessError) as problem:
            self.remove()
            raise ServerFailed(f"no hosts can be made: {_said(problem)}") from problem

    def address(self, host: str) -> str:
        """See `Hosts`."""
        return NETWORK.format(self._number, self._places[host])

    def entering(self, host: str) -> list[str]:
        """See `Hosts`."""
        return [] if host == HERE else ["ip", "netns", "exec", _namespace(host)]

    def between(self, one: str, other: str, rule: Rule, *, one_way: bool = False) -> None:
        """See `Hosts`."""
        key = frozenset((one, other))
        if rule == Rule():
            self._bad.pop(key, None)
        else:
            self._bad[key] = one, other
        places = {"one": self.address(one), "other": self.address(other)}
        order = {**places, **rule._asdict(), "one_way": one_way}
        assert self._wire is not None
        _in(self._wire).write(json.dumps(order).encode() + b"\n")
        _in(self._wire).flush()
        if _out(self._wire).readline() != b"done\n":
            raise ServerFailed("the wire between the hosts has ended")

    def heal(self) -> None:
        """See `Hosts`."""
        for one, other in list(self._bad.values()):
            self.between(one, other, Rule())

    def _make(self, seed: int) -> None:
        places = [f"{_device(n)}={self.address(host)}" for host, n in self._places.items()]
        self._wire = subprocess.Popen(
            [sys.executable, "-m", "ixproxy.testing.chaos_wire", str(seed), *places],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment(os.environ),
        )
        if _out(self._wire).readline() != b"ready\n":
            raise OSError("TUN devices cannot be made here")
        for host, number in self._places.items():
            inside = []
            if host != HERE:
                _ip("netns", "add", _namespace(host))
                self._made.append(host)
                _ip("link", "set", _device(number), "netns", _namespace(host))
                inside = ["-n", _namespace(host)]
                _ip(*inside, "link", "set", "lo", "up")
            _ip(*inside, "addr", "add", f"{self.address(host)}/24", "dev", _device(number))
            _ip(*inside, "link", "set", _device(number), "up")

    def remove(self) -> None:
        """Unmake everything; again and again."""
        if self._wire is not None:
            self._wire.kill()
            self._wire.communicate()
        for host in self._made:
            _ip("netns", "del", _namespace(host), check=False)
        self._made.clear()


@contextmanager
def make_hosts(names: Sequence[str], seed: int) -> Iterator[Hosts]:
    """Hosts that are unmade at the end."""
    hosts = Namespaces(names, seed)
    try:
        yield hosts
    finally:
        hosts.remove()


def unusable() -> str:
    """Why there can be no hosts of their own here; empty: there can."""
    if os.geteuid() != 0:
        return "network namespaces take root"
    if shutil.which("ip") is None:
        return "there is no `ip` (Debian: apt-get install iproute2)"
    if not os.access("/dev/net/tun", os.R_OK | os.W_OK):
        return "there are no TUN devices (/dev/net/tun)"
    return ""


def whose(name: str) -> int | None:
    """The process that made what is named so; None: it is not of a chaos run."""
    found = _OURS.search(name)
    return int(found[1]) if found else None


def clear_what_the_dead_left() -> list[str]:
    """Remove namespaces and file systems of runs whose process is gone; what was removed."""
    removed = []
    for place in sorted(Path("/run/netns").glob("ixchaos-*")):
        if (pid := whose(place.name)) is not None and not _lives(pid):
            _ip("netns", "del", place.name, check=False)
            removed.append(place.name)
    for line in Path("/proc/mounts").read_text("utf-8", "replace").splitlines():
        _, where, kind, *_ = line.split()
        if kind == "tmpfs" and (pid := whose(where)) is not None and not _lives(pid):
            subprocess.run(["umount", "--lazy", where], check=False)
            removed.append(where)
    return removed


def _lives(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def _namespace(host: str) -> str:
    return f"ixchaos-{os.getpid()}-{host}"


def _device(number: int) -> str:
    return f"ixc{os.getpid()}-{number}"


def _free_network() -> int:
    """The third number of addresses that nobody on this machine has."""
    shown = subprocess.run(["ip", "-o", "addr"], capture_output=True, text=True, check=False)
    wanted = (20 + (os.getpid() + each) % 200 for each in range(200))
    return next(each for each in wanted if NETWORK.format(each, "") not in shown.stdout)


def _ip(*words: str, check: bool = True) -> None:
    subprocess.run(["ip", *words], check=check, capture_output=True)


def _said(problem: Exception) -> str:
    if isinstance(problem, subprocess.CalledProcessError):
        said = bytes(problem.stderr).decode("utf-8", "replace").strip()
        return f"{' '.join(problem.cmd)}: {said}"
    return str(problem)


def _in(process: subprocess.Popen[bytes]) -> IO[bytes]:
    assert process.stdin is not None
    return process.stdin


def _out(process: subprocess.Popen[bytes]) -> IO[bytes]:
    assert process.stdout is not None
    return process.stdout
