"""
Documents of any form become native ones, and native ones any other: by XSLT.

Theory of operation: a stylesheet is part of the configuration and trusted; what
it is applied to is not. So it may include other files when it is read, but
while it runs it can neither read nor write nor fetch anything. It is applied
in a thread of its own, which is ended and followed by another after
`RENEWED_AFTER` bytes of documents: lxml keeps every name that it meets for as
long as the thread lives. Each thread compiles it anew, of the bytes that it and
all that it includes had when it was read: what becomes of the files while the
server runs changes nothing.

What a stylesheet refuses, by `<xsl:message terminate="yes">`, is refused with
its own words and no others: they go to the source, which must not learn where
files of the server are. Where it fails, its name stands before what is wrong.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from errno import ENOENT
from pathlib import Path
from threading import Lock, local
from typing import Any
from urllib.parse import unquote

from lxml import etree

from ixproxy.capture.refusing import DocumentRefused, one_line
from ixproxy.capture.xml_parsing import LIMITS, XmlLimits, checked_text
from ixproxy.errors import Code, ConfigError, ConfigProblem

RENEWED_AFTER = 32 << 20
"""Bytes of documents that one thread transforms."""

MOST_OUTPUT = 4
"""A result may have so many times the bytes that a document may have."""

_DEEPEST = 500
"""Templates inside each other while a stylesheet runs."""

_untyped: Any = etree
"""The stubs lack just what keeps a stylesheet from doing harm."""

_PARAMETER = "{http://www.w3.org/1999/XSL/Transform}param"

_SAYS = (_untyped.ErrorDomains.XSLT, _untyped.ErrorDomains.XPATH)
"""Whose messages are the stylesheet's; those of others may name files."""

_FAILED = "runtime error"
"""How a message begins that is no stylesheet's own, but of one that fails."""

_ACCESS = _untyped.XSLTAccessControl.DENY_ALL
"""Neither read nor write, no files and no network."""

_untyped.XSLT.set_global_max_depth(_DEEPEST)

Parameters = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Stylesheet:
    """
    A stylesheet that can be used.

    :ivar path: of its file.
    :ivar content: as the file was when it was read.
    :ivar included: the content of all that it includes or imports, by its address.
    :ivar declared: the names of its `xsl:param`s, and of those of what it includes.
    :ivar parameters: what its `xsl:param`s are given, as texts.
    """

    path: str
    content: bytes = field(repr=False)
    parameters: Parameters = field(default_factory=dict)
    included: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    declared: tuple[str, ...] = ()


def read_stylesheet(key: str, path: str, parameters: Parameters | None = None) -> Stylesheet:
    """
    :param key: of the table, for what is wrong.
    :raise ConfigError: there is no such file, or it is no stylesheet, or what it includes is not.
    """
    try:
        content = Path(path).read_bytes()
    except OSError as problem:
        raise _unusable(key, f"{path} cannot be read: {problem.strerror}") from None
    sheet = Stylesheet(path, content, dict(parameters or {}))
    included: dict[str, bytes] = {}
    try:
        # Nothing that it leaves behind may stay in the thread that asks.
        with ThreadPoolExecutor(1) as thread:
            declared = thread.submit(_compile_and_forget, sheet, _OnDisk(included)).result()
    except (etree.LxmlError, OSError, ValueError) as problem:
        raise _unusable(key, f"{path} is no stylesheet: {_said(problem)}") from None
    return replace(sheet, included=included, declared=declared)


class _OnDisk(etree.Resolver):
    """
    Finds what a stylesheet includes, and keeps it.

    :param kept: is filled.
    """

    def __init__(self, kept: dict[str, bytes]) -> None:
        self.kept = kept

    def resolve(self, system_url: str, public_id: str, context: Any = None) -> Any:
        """:raise OSError: there is no such file."""
        if system_url not in self.kept:
            self.kept[system_url] = _content_at(system_url)
        return self.resolve_string(self.kept[system_url], context, base_url=system_url)


class _InMemory(etree.Resolver):
    """Finds what was kept, and nothing else."""

    def __init__(self, kept: Mapping[str, bytes]) -> None:
        self._kept = kept

    def resolve(self, system_url: str, public_id: str, context: Any = None) -> Any:
        """:raise OSError: it was not there when the stylesheet was read."""
        content = self._kept.get(system_url)
        if content is None:
            raise FileNotFoundError(ENOENT, "was not included at first", system_url)
        return self.resolve_string(content, context, base_url=system_url)


def _content_at(url: str) -> bytes:
    """
    The file of an address, which is a path or begins with `file:`.

    :raise OSError: there is none.
    """
    scheme, colon, rest = url.partition(":")
    if colon and scheme.lower() == "file":
        return Path(unquote(rest.removeprefix("//").removeprefix("localhost"))).read_bytes()
    try:
        return Path(url).read_bytes()
    except FileNotFoundError:
        # A name with spaces may be written as an address and be called so here.
        return Path(unquote(url)).read_bytes()


def _compile_and_forget(sheet: Stylesheet, others: _OnDisk) -> tuple[str, ...]:
    _compiled(sheet, others)
    found: dict[str, None] = {}
    for content in (sheet.content, *others.kept.values()):
        root = etree.fromstring(content, etree.XMLParser(no_network=True))
        found |= dict.fromkeys(each.get("name", "") for each in root.iterfind(_PARAMETER))
    return tuple(found)


def _unusable(key: str, text: str) -> ConfigError:
    return ConfigError([ConfigProblem("", key, one_line(text))])


def _compiled(sheet: Stylesheet, others: etree.Resolver) -> etree.XSLT:
    # Its own entities and document type do no harm: who can write the stylesheet can write all.
    parser = etree.XMLParser(no_network=True)
    parser.resolvers.add(others)
    tree = etree.fromstring(sheet.content, parser, base_url=sheet.path)
    return etree.XSLT(tree, access_control=_ACCESS)


def _said(problem: BaseException) -> str:
    return str(problem) or type(problem).__name__


def _words(path: str, problem: BaseException, log: Any = ()) -> str:
    """
    Why a document is refused, for its source.

    :param path: of the stylesheet.
    :param log: what was said while it ran, its own messages among it.
    """
    messages = [entry.message for entry in log if entry.domain in _SAYS]
    if messages and not any(each.startswith(_FAILED) for each in messages):
        return "; ".join(messages[:3])
    # The text of an OSError names a file; what else is said may name one beside the stylesheet.
    of_system = (isinstance(problem, OSError) and problem.strerror) or ""
    said = "; ".join(messages[:3]) or of_system or _said(problem)
    directory = f"{Path(path).parent}/"
    return f"{Path(path).name}: {said if directory == '//' else said.replace(directory, '')}"


class Transformation:
    """
    One stylesheet at work. `apply` may be called in any thread but the reactor's.

    :param limits: of what comes in.
    """

    def __init__(self, sheet: Stylesheet, limits: XmlLimits = LIMITS) -> None:
        self._sheet = sheet
        self._limits = limits
        self._lock = Lock()
        self._thread: ThreadPoolExecutor | None = None
        self._used = 0
        self._own = local()
        self.threads = 0
        """How many threads it has begun."""

    def apply(self, content: bytes) -> bytes:
        """
        What becomes of a document; b"" where the stylesheet makes nothing of it.

        :raise DocumentRefused: it cannot be read, the stylesheet fails on it or
            refuses it, whatever the reason, or the result is too large.
        """
        text = checked_text(content, self._limits)
        done = self._submit(text, len(content))
        try:
            return done.result()
        except DocumentRefused:
            raise
        except Exception as problem:
            raise DocumentRefused(_words(self._sheet.path, problem)) from problem

    def close(self) -> None:
        """Let go of the thread; the next `apply` would begin another."""
        with self._lock:
            thread, self._thread = self._thread, None
        if thread is not None:
            thread.shutdown(wait=False)

    def _submit(self, text: str, size: int) -> Future[bytes]:
        # One step: a thread that another caller ended in between would take nothing more.
        with self._lock:
            if self._thread is not None and self._used >= RENEWED_AFTER:
                self._thread.shutdown(wait=False)
                self._thread = None
            if self._thread is None:
                self._thread = ThreadPoolExecutor(1, "transformation")
                self._used = 0
                self.threads += 1
            self._used += size
            return self._thread.submit(self._apply, text)

    def _apply(self, text: str) -> bytes:
        sheet: Any = getattr(self._own, "sheet", None)
        if sheet is None:
            sheet = self._own.sheet = _compiled(self._sheet, _InMemory(self._sheet.included))
        parser = etree.XMLParser(
            resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False
        )
        try:
            tree = etree.fromstring(text.encode(), parser)
        except etree.XMLSyntaxError as problem:
            raise DocumentRefused(
                f"it is not well-formed: {problem.msg}", problem.lineno or 0
            ) from None
        try:
            given = {
                name: etree.XSLT.strparam(value) for name, value in self._sheet.parameters.items()
            }
            result = bytes(sheet(tree, **given))
        except etree.XSLTError as problem:
            said = _words(self._sheet.path, problem, sheet.error_log)
            raise DocumentRefused(said) from None
        most = MOST_OUTPUT * self._limits.size
        if len(result) > most:
            raise DocumentRefused(
                f"{Path(self._sheet.path).name}: the result has {len(result)} bytes, "
                f"{most} are allowed",
                code=Code.TOO_LARGE,
            )
        return result
