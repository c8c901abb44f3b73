"""
The external servers of a node, and the calls that they are asked: who is asked, who waits.

Theory of operation: a call is for one server by its name, or for any of a type.
It goes to a connected server that has fewer than `window` calls to answer; of
several of a type each in turn. Where all of them are full it waits in the line of
its address, which has room for `queue` calls; as soon as a server has room, the
lines of its name and of its type have turns. A slow server so keeps only those
waiting who want just that one. Where no such server is connected, nobody waits.

    call    --asked-->   in flight   --answered-->  over
      |                     |  ^----- time is up: over, but the server keeps its place
      +--waits in a line----+         until it answers or is lost
             |
             time is up, or none is connected any more: over, nothing was done

A server whose places are all taken by calls that came too late, and that has not
answered any for a time-out, is *stuck*: whoever connects it should do so anew.

What a restart loses, and who restores it: all calls; their clients fail them as
in doubt when the connection breaks. Servers are connected again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ixproxy.errors import Code
from ixproxy.node.esp_lines import Address, Call, Line, kind_of

LAST_REFERENCE = (1 << 32) - 1


@dataclass(frozen=True, slots=True)
class ExternalServer:
    """
    An external server, as the deployment file has it.

    :ivar type: the type of its application, such as `Third Party Server`.
    :ivar endpoints: where it is, and where its backup is: endpoint strings.
    :ivar app_type: another type that it is called by; "": none.
    """

    name: str
    type: str
    endpoints: tuple[str, ...]
    app_type: str = ""


class Bounds(NamedTuple):
    """
    What calls may cost; names and defaults are those of the options.

    :ivar timeout: `third-party-server-timeout`, in seconds.
    :ivar window: `third-party-server-window-size`: calls that one server has to answer.
    :ivar queue: `third-party-server-queue-size`: calls that wait for one address.
    """

    timeout: float = 30.0
    window: int = 100
    queue: int = 1000


class Send(NamedTuple):
    """Ask `call.server` with `call.reference`."""

    call: Call


class Turndown(NamedTuple):
    """
    Answer a call with an error; it is over.

    :ivar in_doubt: the server may have done, or do, what it was asked.
    """

    call: Call
    code: int
    text: str = ""
    in_doubt: bool = False


Act = Send | Turndown


class _Server:
    """
    One server.

    :ivar calls: what it has not answered, by reference.
    :ivar full: it does not read what was sent to it.
    :ivar heard_at: when it was connected, or answered last.
    :ivar last: the reference of its last call.
    :ivar served: the line that its last call waited in; None: none did yet.
    """

    __slots__ = ("calls", "connected", "full", "heard_at", "known", "last", "served")

    def __init__(self, known: ExternalServer) -> None:
        self.known = known
        self.calls: dict[int, Call] = {}
        self.connected = False
        self.full = False
        self.heard_at = 0.0
        self.last = 0
        self.served: Address | None = None

    @property
    def kinds(self) -> tuple[str, ...]:
        """The types that it is called by."""
        known = self.known
        return tuple(dict.fromkeys(kind_of(each) for each in (known.type, known.app_type) if each))

    def has_room(self, window: int) -> bool:
        return self.connected and not self.full and len(self.calls) < window

    def take(self, call: Call) -> Send:
        self.last = self.last + 1 if self.last < LAST_REFERENCE else 1
        while self.last in self.calls:
            self.last += 1
        call.server, call.reference = self.known.name, self.last
        self.calls[self.last] = call
        return Send(call)


class ExternalServers:
    """
    All of a node.

    :ivar bounds: may be replaced at any time.
    """

    def __init__(self, bounds: Bounds) -> None:
        self.bounds = bounds
        self._servers: dict[str, _Server] = {}
        self._lines: dict[Address, Line] = {}
        self._last_of: dict[str, str] = {}
        """Who of a type was asked last."""

    def __iter__(self) -> Iterator[ExternalServer]:
        return (server.known for server in self._servers.values())

    @property
    def in_flight(self) -> int:
        """Calls that servers have not answered."""
        return sum(len(server.calls) for server in self._servers.values())

    @property
    def waiting(self) -> int:
        """Calls that wait for a server with room."""
        return sum(map(len, self._lines.values()))

    @property
    def connected(self) -> int:
        """Servers that can be asked."""
        return sum(server.connected for server in self._servers.values())

    def use(self, servers: Iterable[ExternalServer]) -> list[Act]:
        """
        These are the servers from now on.

        Those that are not named any more must have been `lost`; one that is
        named as before stays as it is.
        """
        wanted = {each.name: each for each in servers}
        for name in [name for name in self._servers if name not in wanted]:
            del self._servers[name]
        for name, known in wanted.items():
            if name in self._servers:
                self._servers[name].known = known
            else:
                self._servers[name] = _Server(known)
        self._servers = dict(sorted(self._servers.items()))
        return self._nobody_waits_in_vain()

    def called(self, call: Call) -> Act | None:
        """A call came in; None: it waits."""
        servers = self._servers_of(call.address)
        if not servers:
            return self._over(call, Code.SERVICE_UNKNOWN, f"{call.address} is not known here")
        if not any(server.connected for server in servers):
            text = f"no server of {call.address} is connected"
            return self._over(call, Code.SERVICE_NOT_CONNECTED, text)
        line = self._lines.get(call.address)
        if not line:
            for server in self._in_turn(call.address, servers):
                if server.has_room(self.bounds.window):
                    self._last_of[call.address.type] = server.known.name
                    return server.take(call)
        if line is None:
            line = self._lines[call.address] = Line()
        if len(line) < self.bounds.queue:
            line.add(call)
            return None
        return self._no_room(line, call)

    def _no_room(self, line: Line, call: Call) -> Act:
        other = line.yields(call.sender.session)
        if other is not None:
            line.add(call)
        if not line:
            del self._lines[call.address]
        text = f"third-party-server-queue-size: {self.bounds.queue} calls wait for {call.address}"
        return self._over(other or call, Code.SERVICE_QUEUE_FULL, text)

    def _in_turn(self, address: Address, servers: Sequence[_Server]) -> Sequence[_Server]:
        last = self._last_of.get(address.type, "")
        later = [server for server in servers if server.known.name > last]
        return (*later, *servers[: len(servers) - len(later)])

    def connection(self, name: str, now: float) -> list[Act]:
        """A server can be asked."""
        server = self._servers.get(name)
        if server is None:
            return []
        server.connected, server.full, server.heard_at = True, False, now
        server.last = 0
        return self._fill(server)

    def lost(self, name: str) -> list[Act]:
        """The connection to a server is gone: what it was asked is in doubt."""
        server = self._servers.get(name)
        if server is None or not server.connected:
            return []
        server.connected = False
        calls, server.calls = server.calls, {}
        acts: list[Act] = [
            self._over(
                call,
                Code.SERVICE_LOST,
                f"the server of {call.address} was lost before its answer came",
                in_doubt=True,
            )
            for call in calls.values()
            if not call.over
        ]
        return acts + self._nobody_waits_in_vain()

    def reads(self, name: str, *, enough: bool) -> list[Act]:
        """A server reads what was sent to it, or not enough of it."""
        server = self._servers.get(name)
        if server is None:
            return []
        server.full = not enough
        return self._fill(server)

    def answered(self, name: str, reference: int, now: float) -> tuple[Call | None, list[Act]]:
        """
        A server answered.

        :return: the call, if there is one that still awaits this; and who is asked next.
        """
        server = self._servers.get(name)
        call = server.calls.pop(reference, None) if server is not None else None
        if server is None or call is None:
            return None, []
        server.heard_at = now
        awaited, call.over = not call.over, True
        return call if awaited else None, self._fill(server)

    def unsent(self, call: Call) -> list[Act]:
        """A call could not be sent after all: its server is free for another one."""
        server = self._servers[call.server]
        server.calls.pop(call.reference, None)
        call.over = True
        return self._fill(server)

    def ticked(self, now: float) -> list[Act]:
        """Some time passed: those whose time is up wait no longer."""
        acts: list[Act] = []
        for address, line in list(self._lines.items()):
            for call in [call for call in line if call.due <= now]:
                line.remove(call)
                text = f"no server of {address} had room in time"
                acts.append(self._over(call, Code.EXPIRED, text))
            if not line:
                del self._lines[address]
        for server in self._servers.values():
            for call in server.calls.values():
                if call.due <= now and not call.over:
                    text = f"the server of {call.address} has not answered in time"
                    acts.append(self._over(call, Code.SERVICE_TIMED_OUT, text, in_doubt=True))
        return acts

    def stuck(self, now: float) -> list[str]:
        """Servers that do nothing any more, though they are connected."""
        return [
            name
            for name, server in self._servers.items()
            if len(server.calls) >= self.bounds.window
            and now - server.heard_at >= self.bounds.timeout
            and all(call.over for call in server.calls.values())
        ]

    def drop(self, token: object, session: bytes) -> bool:
        """A caller wants no answer: whether its call was not sent yet, and so is over."""
        for address, line in self._lines.items():
            for call in line.of(session):
                if call.token is token:
                    line.remove(call)
                    if not line:
                        del self._lines[address]
                    call.over = True
                    return True
        return False

    def clear(self) -> list[Call]:
        """No more calls: those that waited, which are over."""
        waiting = [call for line in self._lines.values() for call in line]
        self._lines.clear()
        for call in waiting:
            call.over = True
        return waiting

    def _servers_of(self, address: Address) -> list[_Server]:
        if address.name:
            named = self._servers.get(address.name)
            return [named] if named is not None else []
        return [server for server in self._servers.values() if address.type in server.kinds]

    def _fill(self, server: _Server) -> list[Act]:
        """Ask a server what waits, as long as it has room: each of its lines in turn."""
        acts: list[Act] = []
        addresses = [Address(server.known.name), *(Address(type=kind) for kind in server.kinds)]
        while server.has_room(self.bounds.window):
            after = addresses.index(server.served) + 1 if server.served in addresses else 0
            in_turn = (*addresses[after:], *addresses[:after])
            address = next((each for each in in_turn if each in self._lines), None)
            if address is None:
                break
            line = self._lines[address]
            call = line.next()
            assert call is not None
            if not line:
                del self._lines[address]
            server.served = address
            acts.append(server.take(call))
        return acts

    def _nobody_waits_in_vain(self) -> list[Act]:
        acts: list[Act] = []
        for address in list(self._lines):
            servers = self._servers_of(address)
            if not any(server.connected for server in servers):
                code = Code.SERVICE_NOT_CONNECTED if servers else Code.SERVICE_UNKNOWN
                text = f"no server of {address} is connected any more"
                acts += [self._over(call, code, text) for call in self._lines.pop(address)]
        return acts

    @staticmethod
    def _over(call: Call, code: int, text: str, *, in_doubt: bool = False) -> Turndown:
        call.over = True
        return Turndown(call, code, text, in_doubt)
