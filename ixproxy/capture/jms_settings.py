"""What a table with `use = "jms"` says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from os.path import isabs
from typing import Any

from twisted.internet.endpoints import clientFromString
from twisted.internet.interfaces import IReactorPluggableNameResolver
from zope.interface import implementer

from ixproxy.addresses import connect_address
from ixproxy.capture.asking import Keys
from ixproxy.capture.xml_forms import XmlForms, read_forms

STOMP, AMQP = "stomp", "amqp"
BINARY, TEXT = "binary", "text"

MESSAGE_SIZE = 16 * 1024 * 1024
"""Bytes of a body, where `max-document-size` is not larger."""


@dataclass(frozen=True, slots=True)
class JmsSettings:
    """
    Times in seconds, sizes in bytes.

    :ivar addresses: endpoint strings of the broker, tried in turn.
    :ivar password_file: read at each connection; "": there is no password.
    :ivar processed_queue: and `error_queue` and `notification_queue`: "": none is kept.
    :ivar text: what is sent is text, not bytes.
    :ivar use_correlation_id: of a request in its reply, not its message id.
    :ivar prefetch: messages that the broker gives before the first is settled.
    :ivar max_deliveries: of a message that is never taken; 0: any number.
    :ivar max_message_size: of a body; a larger one is left with the broker.
    :ivar queue_type: of RabbitMQ's queues.
    :ivar forms: how documents are read and written.
    """

    protocol: str
    addresses: tuple[str, ...]
    inbound_queue: str
    processed_queue: str = ""
    error_queue: str = ""
    notification_queue: str = ""
    user: str = ""
    password_file: str = ""
    virtual_host: str = "/"
    reconnect_timeout: float = 10.0
    heart_beat: float = 10.0
    text: bool = False
    use_correlation_id: bool = False
    use_reply_to: bool = False
    prefetch: int = 100
    max_deliveries: int = 20
    max_message_size: int = MESSAGE_SIZE
    queue_type: str = "classic"
    forms: XmlForms = field(default_factory=XmlForms)


def read_settings(given: Mapping[str, object]) -> JmsSettings:
    """
    :param given: the keys of the table.
    :raise ixproxy.errors.ConfigError: with everything that is wrong.
    """
    keys = Keys(given)
    protocol = keys.choice("protocol", STOMP, (STOMP, AMQP))
    inbound = keys.needed_text("inbound-queue-name", "the name of the queue that is read")
    user = keys.text("user")
    password_file = keys.text("password-file")
    if password_file and not isabs(password_file):
        keys.refuse("password-file", f"expected the absolute path of a file, not {password_file!r}")
    if password_file and not user:
        keys.refuse("password-file", "expected a user whose password it is")
    forms = read_forms(keys)
    settings = JmsSettings(
        protocol=protocol,
        addresses=_addresses(keys),
        inbound_queue=inbound,
        processed_queue=_other(keys, "processed-queue-name", inbound),
        error_queue=_other(keys, "error-queue-name", inbound),
        notification_queue=_other(keys, "notification-queue-name", inbound),
        user=user,
        password_file=password_file,
        virtual_host=keys.text("virtual-host", "/"),
        reconnect_timeout=keys.seconds("reconnect-timeout", 10.0, 3, 30),
        heart_beat=keys.seconds("heart-beat", 10.0, 0, 300),
        text=keys.choice("outbound-message-type", BINARY, (BINARY, TEXT)) == TEXT,
        use_correlation_id=keys.yes("use-correlation-id-in-reply"),
        use_reply_to=keys.yes("use-reply-to"),
        prefetch=keys.whole("prefetch", 100, 1, 10_000),
        max_deliveries=keys.whole("max-deliveries", 20, 0, 10_000),
        max_message_size=_message_size(keys, forms.limits.size, "max-document-size" in given),
        queue_type=keys.choice("rabbitmq-queue-type", "classic", ("classic", "quorum")),
        forms=forms,
    )
    keys.finish()
    return settings


def _addresses(keys: Keys) -> tuple[str, ...]:
    value = keys.required("address", 'an address such as "tcp:broker.example:61613"')
    given = [value] if isinstance(value, str) else value
    if value is None:
        return ()
    if not isinstance(given, list) or not given:
        keys.refuse("address", f"expected an address, or a list of them, not {value!r}")
        return ()
    for each in given:
        if not isinstance(each, str):
            keys.refuse("address", f"expected an address, not {each!r}")
        elif problem := _wrong_with(each):
            keys.refuse("address", problem)
    return tuple(map(str, given))


def _wrong_with(address: str) -> str:
    """Why nothing can be connected to by an endpoint string; empty: something can."""
    kind, colon, _ = address.partition(":")
    if not colon or kind not in ("tcp", "tls", "unix"):
        return (
            'expected an address that begins with "tcp:" or "tls:", such as '
            f'"tcp:broker.example:61613", not {address!r}'
        )
    try:
        # Twisted finds out about a port that cannot be one when it connects.
        connect_address(address, tls=True)
    except ValueError as problem:
        return f"{address!r}: {problem}"
    try:
        clientFromString(_NoReactor(), address)
    except TypeError:
        # What Twisted's constructors raise for missing arguments names these in Python's words.
        return (
            f"{address!r} is no endpoint: expected a host and a port, such as "
            '"tcp:broker.example:61613"'
        )
    except Exception as problem:
        return f"{address!r} is no endpoint: {problem or type(problem).__name__}"
    return ""


@implementer(IReactorPluggableNameResolver)
class _NoReactor:
    """In place of one while an endpoint string is only understood."""

    nameResolver: Any = None

    def installNameResolver(self, resolver: Any) -> Any:
        """Never called."""
        raise NotImplementedError


def _message_size(keys: Keys, document: int, said: bool) -> int:
    """
    The greatest body: a document that may be read must be let in.

    :param document: bytes that a document may have; `said`: by the table.
    """
    size = keys.whole("max-message-size", max(MESSAGE_SIZE, document), 1024, 1 << 30)
    if said and document > size:
        keys.refuse(
            "max-document-size",
            f"expected at most max-message-size, {size}, not {document}: "
            "a larger message is left with the broker",
        )
    return size


def _other(keys: Keys, key: str, inbound: str) -> str:
    """The name of a queue to send to, which must not be the one that is read."""
    name = keys.text(key)
    if name and name == inbound:
        keys.refuse(key, f"expected another queue than inbound-queue-name, {inbound!r}")
    return name
