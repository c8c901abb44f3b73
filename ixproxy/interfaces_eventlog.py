"""What the author of an event log implements; the docstrings are the manual."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from twisted.internet.defer import Deferred
from zope.interface import Attribute, Interface


class IEventLog(Interface):
    """
    Keeps the events of nodes, for whoever reads them later.

    One object serves one term of a node's primary: it is made, begins, stores,
    ends. It never blocks the reactor: what blocks is done in threads. Whatever
    the outside does (nobody there, a full disk) it says so once in the log and in
    `figures`; only `store` tells its caller.
    """

    def begin(reactor: Any, node: str, dbid: int) -> None:
        """
        The node is primary. Returns at once; connecting may take its time.

        :param reactor: time, timers, connections, threads.
        :param node: the name of the node's application, the same for both servers of a pair.
        :param dbid: the node's; with epoch and number it names each of its events.
        """

    def store(entries: Sequence[Any]) -> Deferred[None]:
        """
        Keep some `ixproxy.node.log_work.Entry`s, in their order.

        Never called while an earlier call has not fired, nor with none. Fires once all
        are durable; an errback (why, in words) has the same ones given again, some
        seconds later. Entries may come again after a crash as well: one that is there
        already, by dbid, epoch and number, is not stored twice.
        """

    def at_rest(number: int, time: float) -> Deferred[None]:
        """
        Nothing has happened since the event `number`, as of `time` (seconds since the epoch,
        UTC): whoever merges logs need not wait for this node. Called now and then
        while nothing is to be stored; a log without use for it returns at once.
        """

    def end() -> Deferred[None]:
        """Let go of the outside; fires when that is done. Its node waits two seconds at most."""

    def figures() -> Mapping[str, object]:
        """
        How it is, for `ixctl status`: `state` ("connected", "connecting: why", "idle") and
        whatever else its kind has; small and flat. A `problem` that is not empty is among
        the problems. Every client may ask for it: it holds no secrets.
        """

    # A log may have an attribute `wants_properties` as well: the names of those properties of
    # interactions (`UserData` is one) that it makes something of. The others are then left out of
    # its events. None is all; without the attribute it is all, too. It is read once.

    kind: str = Attribute("As in the address: sqlite, postgresql, amqp.")
