"""What starting a node and starting a proxy have in common."""

from __future__ import annotations

import gc
import os
import signal
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any

from twisted.cred.checkers import ICredentialsChecker
from twisted.cred.credentials import IUsernamePassword
from twisted.cred.strcred import AuthOptionMixin
from twisted.internet.error import ReactorNotRunning
from twisted.python import usage

from ixproxy.config_node_options import WireSettings
from ixproxy.config_store_address import without_password
from ixproxy.errors import ConfigProblem
from ixproxy.net.keep_alive import KeepAlive

NEVER = 3600.0
"""Seconds between looks where keep-alive is off; connections are then never aborted."""


class Options(usage.Options, AuthOptionMixin):
    """What `twistd ixproxy --help` and `twistd ixnode --help` show."""

    synopsis = "--config FILE --application NAME [--auth CHECKER]"
    supportedInterfaces = (IUsernamePassword,)
    optParameters = (
        ["config", "c", None, "The deployment file."],
        ["application", "a", None, "Which application of it this is."],
    )

    def postOptions(self) -> None:
        """The framework has read the command line."""
        for name in ("config", "application"):
            if not self[name]:
                raise usage.UsageError(f"--{name} is needed")


def checkers_of(options: Mapping[str, Any]) -> tuple[ICredentialsChecker, ...]:
    """Who knows users and their passwords, as `--auth` named them."""
    return tuple(options.get("credCheckers", ()))


def keep_alive(reactor: Any, options: WireSettings) -> KeepAlive:
    """Keep-alive by the options of the file."""
    return KeepAlive(reactor, *silence(options))


def silence(options: WireSettings) -> tuple[float, float]:
    """
    When keep-alive looks, and after how much silence it gives a peer up, in seconds.

    An interval of 0 turns it off.
    """
    if not options.keep_alive_interval:
        return NEVER, float("inf")
    interval = float(options.keep_alive_interval)
    return interval, interval + options.keep_alive_timeout


def settle_memory() -> None:
    """What start-up made lives on: the collector need not look at it again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def listen_for_hangup(reactor: Any, reload: Callable[[], object]) -> None:
    """
    Have `reload` called in the reactor after SIGHUP.

    One reading of the file serves all signals that came before it begins; one
    that comes later has the file read again.
    """
    waiting = False

    def run() -> None:
        nonlocal waiting
        waiting = False
        reload()

    def heard(*_: object) -> None:
        nonlocal waiting
        if not waiting:
            waiting = True
            reactor.callFromThread(run)

    if hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, heard)


def end_badly(reactor: Any) -> None:
    """
    Stop so that a supervisor, or a person, sees that this was no orderly end.

    That may be found out while the process stops already.
    """
    reactor.addSystemEventTrigger("after", "shutdown", os._exit, 1)
    with suppress(ReactorNotRunning):
        reactor.stop()


def stop_once() -> None:
    """A second SIGTERM, or SIGINT, has nothing more to stop; to be called once the reactor runs."""
    stopping = False

    def once(before: Callable[..., object]) -> Callable[..., object]:
        def heard(*signalled: object) -> None:
            nonlocal stopping
            if not stopping:
                stopping = True
                before(*signalled)

        return heard

    for number in (signal.SIGTERM, signal.SIGINT):
        before = signal.getsignal(number)
        if callable(before):
            signal.signal(number, once(before))


def need_restart(table: str, changes: Iterable[tuple[str, object, object]]) -> list[ConfigProblem]:
    """A problem for each (key, value before, value now) that differs."""
    return [
        ConfigProblem(table, key, f"a change from {_shown(was)} to {_shown(now)} needs a restart")
        for key, was, now in changes
        if was != now
    ]


def _shown(value: object) -> str:
    """A value for the log: without the password that the address of a store may have."""
    return without_password(repr(value))


def presence(table: object) -> str:
    """Whether an optional table is there, in words for `need_restart`."""
    return "none" if table is None else "a table"
