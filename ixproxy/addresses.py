"""
Addresses of the deployment file: Twisted endpoint strings, mostly addresses only.

Twisted's own readers want a reactor, open certificates and build endpoints;
here a string is only understood, so that a file can be checked anywhere and
two servers with one address are found.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Address(NamedTuple):
    """
    An address that was understood.

    `host` is the interface of a listener ("" for all) or the host to connect
    to; `port` is 0 where there is none; `path` names a UNIX socket, or the
    socket that systemd hands over.
    """

    kind: str
    host: str = ""
    port: int = 0
    path: str = ""


class _Form(NamedTuple):
    """One kind of endpoint string; further arguments than the first few are named."""

    arguments: tuple[str, ...]
    unnamed: int
    required: tuple[str, ...]


_LISTEN: Mapping[str, _Form] = {
    "tcp": _Form(("port", "interface", "backlog"), 3, ("port",)),
    "tcp6": _Form(("port", "backlog", "interface"), 3, ("port",)),
    "unix": _Form(("address", "mode", "backlog", "lockfile"), 4, ("address",)),
    "systemd": _Form(("domain", "index", "name"), 2, ("domain",)),
}
_CONNECT: Mapping[str, _Form] = {
    "tcp": _Form(("host", "port", "timeout", "bindAddress"), 2, ("host", "port")),
    "unix": _Form(("path", "lockfile", "timeout"), 1, ("path",)),
}
_TLS = {
    "tls": _Form(
        ("host", "port", "timeout", "bindAddress", "certificate", "privateKey", "trustRoots",
         "endpoint"), 8, ("host", "port"),
    )
}  # fmt: skip
_DOMAINS = ("INET", "INET6", "UNIX")
_EVERYWHERE = ("", "0.0.0.0", "::")


def listen_address(text: str) -> Address:
    """
    Understand a `listen` string.

    :raise ValueError: it is none; the text says what was expected.
    """
    kind, given = _understood(text, _LISTEN, "tcp:7001")
    _whole(given, "backlog", 1, 65535)
    match kind:
        case "unix":
            _mode(given.get("mode", "666"))
            _whole(given, "lockfile", 0, 1)
            return Address(kind, path=given["address"])
        case "systemd":
            if ("index" in given) == ("name" in given):
                raise ValueError("expected either the index or the name of systemd's socket")
            _whole(given, "index", 0, 65535)
            if given["domain"] not in _DOMAINS:
                raise ValueError(f"expected as domain one of {', '.join(_DOMAINS)}")
            return Address(kind, path=given.get("name") or given["index"])
        case _:
            return Address(kind, given.get("interface", ""), _whole(given, "port", 0, 65535))


def connect_address(text: str, *, tls: bool = False) -> Address:
    """
    Understand an `endpoint` string.

    :param tls: it may begin with `tls:` and say where certificates are, as Twisted has it.
    :raise ValueError: it is none; the text says what was expected.
    """
    forms = {**_CONNECT, **_TLS} if tls else _CONNECT
    kind, given = _understood(text, forms, "tcp:node-a.example:7101")
    _whole(given, "timeout", 1, 3600)
    if kind == "unix":
        _whole(given, "lockfile", 0, 1)
        return Address(kind, path=given["path"])
    if given["host"] in _EVERYWHERE:
        raise ValueError(
            f"expected a host to connect to: {given['host']} means every address of a listener"
        )
    return Address(kind, given["host"], _whole(given, "port", 1, 65535))


def endpoint_of(listen: Address) -> str:
    """
    The endpoint string by which this host reaches a listener of its own.

    :return: "" where none is known: any free port, or systemd's socket.
    """
    if listen.kind == "unix":
        return f"unix:{_first('path', listen.path)}"
    if not listen.port:
        return ""
    host = listen.host
    if host in _EVERYWHERE:
        host = "127.0.0.1" if listen.kind == "tcp" else "::1"
    return f"tcp:{_first('host', host)}:{listen.port}"


def everywhere(listen: Address) -> bool:
    """Whether a listener takes its port on all addresses of its host."""
    return listen.kind in ("tcp", "tcp6") and listen.host in _EVERYWHERE


def loopback(address: Address) -> bool:
    """Whether an address is one of its own host only."""
    host = address.host
    return address.kind == "unix" or host in ("localhost", "::1") or host.startswith("127.")


def _first(name: str, value: str) -> str:
    """The first argument, which needs its name only where what stands before a = would be one."""
    return f"{name}={quoted(value)}" if "=" in value else quoted(value)


def quoted(text: str) -> str:
    """`text` as one argument of an endpoint string."""
    return text.replace("\\", "\\\\").replace(":", "\\:")


def _understood(text: str, forms: Mapping[str, _Form], example: str) -> tuple[str, dict[str, str]]:
    (name, kind), *arguments = _arguments(text)
    if kind in ("ssl", "tls") and kind not in forms:
        raise ValueError(
            f'expected the address only, such as "{example}"; certificates stand in the tls table'
        )
    form = forms.get(kind)
    if form is None or name:
        kinds = " or ".join(f'"{each}:"' for each in forms)
        raise ValueError(f'expected an address that begins with {kinds}, such as "{example}"')
    given: dict[str, str] = {}
    for place, (name, value) in enumerate(arguments):
        if not name:
            if place >= form.unnamed or len(given) != place:
                raise ValueError(f"did not expect the argument {value!r} where it stands")
            name = form.arguments[place]
        if name not in form.arguments:
            expected = ", ".join(form.arguments)
            raise ValueError(f"{kind}: takes {expected}; {name!r} is not one of them")
        if name in given:
            raise ValueError(f"{name} is given twice")
        given[name] = value
    for name in form.required:
        if not given.get(name):
            raise ValueError(f'{name} is missing: expected an address such as "{example}"')
    return kind, given


def _arguments(text: str) -> list[tuple[str, str]]:
    """The arguments of an endpoint string as (name or "", value), unquoted."""
    parts: list[tuple[str, str]] = []
    name, current, escaped = "", "", False
    for letter in text:
        if escaped:
            current, escaped = current + letter, False
        elif letter == "\\":
            escaped = True
        elif letter == ":":
            parts.append((name, current))
            name, current = "", ""
        elif letter == "=" and not name:
            name, current = current, ""
        else:
            current += letter
    if escaped:
        raise ValueError("expected something after the backslash")
    if not text.isprintable():
        raise ValueError("expected printable characters only")
    return [*parts, (name, current)]


def _whole(given: Mapping[str, str], name: str, low: int, high: int) -> int:
    text = given.get(name, str(low))
    # isdecimal takes the digits of every script; int() would take them too.
    if not (text.isascii() and text.isdecimal()) or not low <= int(text[:9]) <= high:
        raise ValueError(f"expected for {name} a number from {low} to {high}, not {text!r}")
    return int(text[:9])


def _mode(text: str) -> None:
    if not text or len(text) > 4 or set(text) - set("01234567"):
        raise ValueError(f"expected for mode octal digits such as 660, not {text!r}")
