"""
Find plug-ins by name, through Twisted's plug-in search.

Twisted only logs a plug-in file that cannot be loaded and goes on. Here what
was logged is kept, so that whoever asks for a name that is not found is told
of the files that might have had it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from traceback import extract_tb
from typing import Any, cast

from twisted.logger import ILogObserver, LogEvent, globalLogPublisher
from twisted.plugin import IPlugin, getPlugins
from twisted.python.failure import Failure
from twisted.python.reflect import namedAny
from zope.interface import implementer
from zope.interface.exceptions import Invalid
from zope.interface.interface import InterfaceClass
from zope.interface.verify import verifyObject

from ixproxy.errors import PluginError
from ixproxy.interfaces import (
    ICapturePointMaker,
    IEventLogMaker,
    IMergePolicyMaker,
    IPullStrategyMaker,
    IRoutingStrategyMaker,
    IStoreMaker,
)

KINDS: Mapping[str, InterfaceClass] = {
    "routing": cast(InterfaceClass, IRoutingStrategyMaker),
    "pull": cast(InterfaceClass, IPullStrategyMaker),
    "merge": cast(InterfaceClass, IMergePolicyMaker),
    "store": cast(InterfaceClass, IStoreMaker),
    "capture": cast(InterfaceClass, ICapturePointMaker),
    "eventlog": cast(InterfaceClass, IEventLogMaker),
}
"""Each kind of plug-in, as the deployment file and `ixctl plugins` call it."""

TRIED = frozenset({"routing", "pull", "merge", "capture", "eventlog"})
"""Kinds whose makers do no I/O, so that checking a file may make one."""


@implementer(IPlugin)
class Maker:
    """
    A plug-in that names what it makes and imports it only when asked to.

    :param name: what `use = …` says.
    :param summary: one line for `ixctl plugins`.
    :param target: dotted name of a callable that takes the settings.
    """

    def __init__(self, name: str, summary: str, target: str) -> None:
        self.name, self.summary, self.target = name, summary, target

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r}: {self.target}>"

    def make(self, settings: Mapping[str, object]) -> Any:
        """
        Import the target and call it with `settings`.

        :raise PluginError: there is no such target.
        :raise ixproxy.errors.ConfigError: a setting is unknown or unusable.
        """
        try:
            target: Callable[[Mapping[str, object]], Any] = namedAny(self.target)
        except Exception as problem:
            # Whatever the module of a plug-in raises on import, it is that plug-in's fault.
            text = f'plug-in "{self.name}" cannot load {self.target}: {_said(problem)}'
            raise PluginError(text) from problem
        return target(settings)


@implementer(IRoutingStrategyMaker)
class RoutingStrategyMaker(Maker):
    """Makes routing strategies."""


@implementer(IPullStrategyMaker)
class PullStrategyMaker(Maker):
    """Makes pull strategies."""


@implementer(IMergePolicyMaker)
class MergePolicyMaker(Maker):
    """Makes merge policies."""


@implementer(IStoreMaker)
class StoreMaker(Maker):
    """Makes stores."""


@implementer(ICapturePointMaker)
class CapturePointMaker(Maker):
    """Makes capture points."""


@implementer(IEventLogMaker)
class EventLogMaker(Maker):
    """Makes event logs."""


@dataclass(frozen=True, slots=True)
class Found:
    """
    What a search found.

    :ivar makers: by name, those that can be used.
    :ivar spoilt: by name, what is wrong with a maker that cannot.
    :ivar unread: what is wrong with plug-ins that have not even a name:
        whoever looks for one that is missing wants to see it.
    """

    makers: Mapping[str, Any]
    spoilt: Mapping[str, str]
    unread: tuple[str, ...]


def search(interface: object, package: Any = None) -> Found:
    """
    Every plug-in of one kind.

    :param interface: one of the maker interfaces of `ixproxy.interfaces`.
    :param package: where to look; the default is `twisted.plugins`.
    """
    kind = cast(InterfaceClass, interface)
    makers: dict[str, Any] = {}
    spoilt: dict[str, str] = {}
    plugins, unread = _plugins(kind, package)
    for maker in plugins:
        problem = _problem(kind, maker)
        name = getattr(maker, "name", None)
        if not isinstance(name, str):
            unread.append(f"{maker!r}: {problem}")
        elif name in makers:
            spoilt[name] = f"two plug-ins have this name: {makers[name]!r} and {maker!r}"
        elif problem:
            spoilt[name] = f"{maker!r}: {problem}"
        else:
            makers[name] = maker
    usable = {name: makers[name] for name in sorted(makers) if name not in spoilt}
    return Found(usable, spoilt, tuple(unread))


def list_makers(interface: object, package: Any = None) -> tuple[Any, ...]:
    """Every usable plug-in of one kind, by name; `search` says what is wrong with others."""
    return tuple(search(interface, package).makers.values())


def find_maker(interface: object, name: str, package: Any = None) -> Any:
    """
    The plug-in of one kind that has this name.

    :raise PluginError: there is none, two have it, or it does not keep its
        interface.
    """
    return _named(interface, name, search(interface, package))


class Catalogue:
    """One reading of all plug-ins, for whoever asks for many: each kind is searched once."""

    def __init__(self) -> None:
        self._found: dict[str, Found] = {}

    def try_maker(self, kind: str, name: str, settings: Mapping[str, object]) -> None:
        """
        See whether a plug-in is there and, where that does no I/O, takes its settings.

        :param kind: a key of `KINDS`.
        :raise PluginError: as `find_maker`.
        :raise ixproxy.errors.ConfigError: a setting is unknown or unusable.
        """
        if kind not in self._found:
            self._found[kind] = search(KINDS[kind])
        maker = _named(KINDS[kind], name, self._found[kind])
        if kind in TRIED:
            maker.make(settings)


def _named(interface: object, name: str, found: Found) -> Any:
    if name in found.spoilt:
        raise PluginError(f'plug-in "{name}" cannot be used: {found.spoilt[name]}')
    if name not in found.makers:
        there = ", ".join(found.makers) or "none"
        text = f'no {_kind(interface)} plug-in is named "{name}"; there are: {there}'
        for problem in found.unread:
            text += f"; one could not be read: {problem}"
        raise PluginError(text)
    return found.makers[name]


@implementer(ILogObserver)
class _Unread:
    """Keeps what Twisted logs of plug-ins that it cannot load."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def __call__(self, event: LogEvent) -> None:
        # Twisted's plug-in search writes to its older log, which has another name for it.
        failure = event.get("log_failure") or event.get("failure")
        if isinstance(failure, Failure) and failure.value is not None:
            self.texts.append(_said(failure.value) + _where(failure.value))


def _plugins(kind: Any, package: Any) -> tuple[list[Any], list[str]]:
    """What Twisted finds, and what it could not load."""
    unread = _Unread()
    globalLogPublisher.addObserver(unread)
    try:
        return list(getPlugins(kind, package)), unread.texts
    finally:
        globalLogPublisher.removeObserver(unread)


def _where(problem: BaseException) -> str:
    """The place that raised, for a name alone says nothing about the file it is missing in."""
    frames = extract_tb(problem.__traceback__)
    return f" ({frames[-1].filename}, line {frames[-1].lineno})" if frames else ""


def _problem(kind: InterfaceClass, maker: Any) -> str:
    """Why a maker cannot be used, or ""."""
    try:
        verifyObject(kind, maker)
    except Invalid as problem:
        return " ".join(str(problem).split())
    for attribute in ("name", "summary"):
        value = getattr(maker, attribute)
        if not isinstance(value, str) or not value:
            return f"expected as {attribute} a text, not {value!r}"
    return ""


def _kind(interface: object) -> str:
    return next((kind for kind, each in KINDS.items() if each is interface), str(interface))


def _said(problem: BaseException) -> str:
    return f"{type(problem).__name__}: {problem}"
