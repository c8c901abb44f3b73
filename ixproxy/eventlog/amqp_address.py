"""
Addresses of message brokers: where one is, and as whom it is spoken to.

    amqps://ixproxy@broker.example:5671/contact-centre?password-file=/etc/ixproxy/broker

What stands behind the host is RabbitMQ's virtual host. A password does not belong there,
but may be; it is never shown.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from os.path import isabs
from urllib.parse import unquote

PLAIN, SECURE = "amqp", "amqps"

PORTS = {PLAIN: 5672, SECURE: 5671}

FILES = ("password-file", "trust", "certificate", "private-key")
"""What may stand behind the question mark: absolute paths of files."""

HEART_BEAT = "heart-beat"
LONGEST_HEART_BEAT = 300

_EXAMPLE = '"amqp://ixproxy@broker.example"'
_AUTHORITY = re.compile(
    r"(?:(?P<user>[^:@]*)(?::(?P<password>[^@]*))?@)?"
    r"(?:\[(?P<six>[0-9A-Fa-f:.]+)\]|(?P<host>[\w.-]+))(?::(?P<port>\d{1,5}))?",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class BrokerAddress:
    """
    Where a broker is.

    :ivar secure: it is spoken to over TLS.
    :ivar virtual_host: "": the one that the broker has by itself.
    :ivar password_file: read at each connection, as are the other files; "": there is none.
    :ivar trust: certificates of authorities in PEM form; "": those of the system.
    :ivar certificate: what is shown to the broker, with its `private_key`; "": nothing.
    :ivar heart_beat: seconds; a broker that is silent for two of them is lost; 0: it never is.
    """

    secure: bool
    host: str
    port: int
    user: str = ""
    password: str = field(default="", repr=False)
    virtual_host: str = ""
    password_file: str = ""
    trust: str = ""
    certificate: str = ""
    private_key: str = ""
    heart_beat: int = 10

    @property
    def shown(self) -> str:
        """It, as anybody may see it."""
        scheme = SECURE if self.secure else PLAIN
        host = f"[{self.host}]" if ":" in self.host else self.host
        place = f"/{self.virtual_host}" if self.virtual_host else ""
        return f"{scheme}://{host}:{self.port}{place}"


def read_address(text: str) -> BrokerAddress:
    """
    Understand an address.

    :raise ValueError: it is none; the text says what was expected, and quotes nothing secret.
    """
    scheme, separator, rest = text.partition("://")
    if not separator or scheme not in PORTS:
        raise ValueError(f"expected an address such as {_EXAMPLE}")
    if not text.isprintable() or " " in text or "#" in text:
        raise ValueError("expected an address without spaces, #, or what cannot be printed")
    place, _, query = rest.partition("?")
    authority, _, virtual_host = place.partition("/")
    found = _AUTHORITY.fullmatch(authority)
    if found is None:
        raise ValueError(
            f"expected a host, and perhaps a user and a port, as in {_EXAMPLE}; signs such as / "
            "and @ in a password are written as %2F and %40"
        )
    port = int(found["port"] or PORTS[scheme])
    if not 0 < port < 65536:
        raise ValueError(f"expected a port from 1 to 65535, not {port}")
    if "/" in virtual_host:
        raise ValueError("expected one virtual host behind the host; a / in its name is %2F")
    given = _parameters(query)
    user, password = unquote(found["user"] or ""), unquote(found["password"] or "")
    _check_together(scheme, user, password, given)
    return BrokerAddress(
        secure=scheme == SECURE,
        host=found["six"] or found["host"],
        port=port,
        user=user,
        password=password,
        virtual_host=unquote(virtual_host),
        password_file=given.get("password-file", ""),
        trust=given.get("trust", ""),
        certificate=given.get("certificate", ""),
        private_key=given.get("private-key", ""),
        heart_beat=int(given.get(HEART_BEAT, "10")),
    )


def _parameters(query: str) -> dict[str, str]:
    given: dict[str, str] = {}
    for part in query.split("&") if query else ():
        name, _, raw = part.partition("=")
        value = unquote(raw)
        if name in given:
            raise ValueError(f"{name} is given twice")
        if name in FILES:
            if not isabs(value):
                raise ValueError(f"expected as {name} the absolute path of a file, not {value!r}")
        elif name == HEART_BEAT:
            if not re.fullmatch(r"\d{1,3}", value, re.ASCII) or int(value) > LONGEST_HEART_BEAT:
                raise ValueError(f"expected as {name} 0 to {LONGEST_HEART_BEAT}, not {value!r}")
        else:
            known = ", ".join((*FILES, HEART_BEAT))
            raise ValueError(f"expected behind the ? only {known}, not {name!r}")
        given[name] = value
    return given


def _check_together(scheme: str, user: str, password: str, given: dict[str, str]) -> None:
    file = given.get("password-file")
    if (password or file) and not user:
        raise ValueError("expected a user whose password it is")
    if password and file:
        raise ValueError("expected a password or a password-file, not both")
    if scheme == PLAIN and (only := [name for name in FILES[1:] if name in given]):
        raise ValueError(f"expected {SECURE}:// where there is {' and '.join(only)}")
    if ("certificate" in given) != ("private-key" in given):
        raise ValueError("expected certificate and private-key, or neither")
