"""The settings of a web service capture point, read from its table in the deployment file."""

from __future__ import annotations

import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, unquote, urlsplit

from ixproxy.addresses import listen_address
from ixproxy.strategies.settings import Settings, unknown_setting
from ixproxy.values import TlsFiles

ENDPOINT = (
    "<Protocol>://<ServerName>:<ServerPort>/Genesys/Interaction/<CapturePointName>"
    "/WebServiceCapturePoint"
)
"""The field's default of `soap-endpoint`."""

_PLACEHOLDER = re.compile(r"<(\w+)>")
_PLACEHOLDERS = frozenset({"Protocol", "ServerName", "ServerPort", "CapturePointName"})
_LISTEN = re.compile(r"(?:tcp6?|unix|systemd):.+")


@dataclass(frozen=True, slots=True)
class TaskQueues:
    """
    Where tasks are moved to by verbs of iWD: the first of the queues that mean so.
    """

    completed: str = "iWD_Completed"
    cancelled: str = "iWD_Canceled"
    restarted: str = "iWD_New"


@dataclass(frozen=True, slots=True)
class WebSettings:
    """
    What one table says.

    :ivar listen: a Twisted endpoint string without TLS.
    :ivar tls: files; None: plain HTTP.
    :ivar protocol: what `<Protocol>` is: "http" or "https".
    :ivar json: whether there is a JSON face.
    :ivar users_file: lines of `name:password`; "": nobody is asked.
    :ivar max_body: bytes of one request's body.
    :ivar max_connections: at a time.
    :ivar request_timeout: seconds in which a request must have come, all of it.
    :ivar idle_timeout: seconds that a connection may do nothing.
    :ivar busy_timeout: seconds that a request waits for room before it is told so.
    """

    listen: str
    tls: TlsFiles | None = None
    protocol: str = "http"
    soap_endpoint: str = ENDPOINT
    soap_hostname: str = ""
    iwd: bool = False
    queues: TaskQueues = TaskQueues()
    json: bool = True
    users_file: str = ""
    max_body: int = 1 << 20
    max_connections: int = 500
    request_timeout: float = 30.0
    idle_timeout: float = 60.0
    busy_timeout: float = 5.0

    def address(self, name: str, port: int) -> str:
        """The URL of the SOAP service of the capture point `name` that listens on `port`."""
        values = {
            "Protocol": self.protocol,
            "ServerName": self.soap_hostname or socket.gethostname(),
            "ServerPort": str(port),
            "CapturePointName": quote(name, safe=""),
        }
        return _PLACEHOLDER.sub(lambda found: values[found[1]], self.soap_endpoint)


def path_of(address: str) -> tuple[str, ...]:
    """The segments of a URL's path, unquoted."""
    return tuple(unquote(each) for each in urlsplit(address).path.split("/")[1:])


def read_settings(given: Mapping[str, object]) -> WebSettings:
    """
    Read a table.

    :raise ConfigError: everything that is wrong with it.
    """
    return _Reading(given).read()


class _Reading(Settings):
    """The table, asked key by key."""

    def read(self) -> WebSettings:
        listen = self._text("listen")
        if not _LISTEN.fullmatch(listen):
            self.refuse("listen", f'expected an address such as "tcp:8080", not {listen!r}')
        else:
            try:
                listen_address(listen)
            except ValueError as problem:
                self.refuse("listen", f"{listen!r}: {problem}")
        tls = self._tls()
        made = WebSettings(
            listen=listen,
            tls=tls,
            protocol=self.choice("protocol", "https" if tls else "http", ("http", "https")),
            soap_endpoint=self._endpoint(),
            soap_hostname=self._text("soap-hostname"),
            iwd=self._flag("iwd-compatibility-mode", False),
            queues=self._queues(),
            json=self._flag("json", True),
            users_file=self._text("users-file"),
            max_body=self.whole("max-document-size", 1 << 20, 1 << 10, 1 << 28),
            max_connections=self.whole("max-connections", 500, 1, 100_000),
            request_timeout=self.seconds("request-timeout", 30, 1, 3600),
            idle_timeout=self.seconds("idle-timeout", 60, 1, 3600),
            busy_timeout=self.seconds("busy-timeout", 5, 0, 300),
        )
        self.finish()
        return made

    def _tls(self) -> TlsFiles | None:
        certificate, key = self._text("certificate"), self._text("private-key")
        trust = self._text("trust")
        if bool(certificate) != bool(key):
            missing = "private-key" if certificate else "certificate"
            self.refuse(missing, "expected both certificate and private-key, or none")
        if trust and not certificate:
            self.refuse("trust", "expected a certificate: without TLS nobody shows one")
        if not certificate:
            return None
        return TlsFiles(certificate, key, trust, bool(trust))

    def _endpoint(self) -> str:
        text = self._text("soap-endpoint", ENDPOINT)
        for name in _PLACEHOLDER.findall(text):
            if name not in _PLACEHOLDERS:
                known = ", ".join(f"<{each}>" for each in sorted(_PLACEHOLDERS))
                self.refuse("soap-endpoint", f"expected of placeholders {known}, not <{name}>")
                return ENDPOINT
        tried = _PLACEHOLDER.sub(lambda found: "1" if found[1] == "ServerPort" else "http", text)
        try:
            parts = urlsplit(tried)
            usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
        except ValueError:
            usable = False
        if not usable:
            self.refuse("soap-endpoint", f"expected a URL such as {ENDPOINT!r}, not {text!r}")
            return ENDPOINT
        if parts.query or parts.fragment or path_of(tried) in ((), ("",)):
            self.refuse("soap-endpoint", f"expected a URL with a path and no query, not {text!r}")
        return text

    def _queues(self) -> TaskQueues:
        table = self._ask("inbound-transformer-parameters", {})
        if not isinstance(table, Mapping):
            self.refuse("inbound-transformer-parameters", f"expected a table, not {table!r}")
            return TaskQueues()
        default = TaskQueues()
        known = {
            "CompleteQueues": default.completed,
            "CancelQueues": default.cancelled,
            "RestartQueues": default.restarted,
        }
        for key in table:
            if key not in known:
                text = unknown_setting(key, tuple(known))
                self.refuse(f"inbound-transformer-parameters.{key}", text)
        found = [self._first_queue(table, key, value) for key, value in known.items()]
        return TaskQueues(*found)

    def _first_queue(self, table: Mapping[str, object], key: str, default: str) -> str:
        value = table.get(key, default)
        first = value.split(",")[0].strip() if isinstance(value, str) else ""
        if not first:
            text = f"expected names of queues with commas between, not {value!r}"
            self.refuse(f"inbound-transformer-parameters.{key}", text)
        return first

    def _text(self, key: str, default: str = "") -> str:
        value = self._ask(key, default)
        if isinstance(value, str) and value.isprintable():
            return value
        self.refuse(key, f"expected a text, not {value!r}")
        return default

    def _flag(self, key: str, default: bool) -> bool:
        value = self._ask(key, default)
        if isinstance(value, bool):
            return value
        self.refuse(key, f"expected true or false, not {value!r}")
        return default
