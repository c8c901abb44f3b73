"""What a table with `use = "kafka"` says."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass

from ixproxy.brokers.secret_file import read_secret
from ixproxy.capture.asking import Keys
from ixproxy.capture.xml_forms import XmlForms, read_forms

Options = dict[str, str | int | float | bool]
"""Of librdkafka, by its names."""

_OURS = {
    "bootstrap.servers": "kafka-server",
    "metadata.broker.list": "kafka-server",
    "group.id": "consumer-group",
    "enable.auto.commit": "",
    "enable.auto.offset.store": "",
    "auto.commit.interval.ms": "",
    "enable.partition.eof": "",
    "log_level": "",
}
"""Options that may not be passed, and the setting that stands for them, if any does."""

_POLLED = "max.poll.records"
"""Of the Java client: records that are taken at once. librdkafka does not know it; we do it."""

_CONSUMER: Options = {
    "auto.offset.reset": "earliest",
    "max.poll.interval.ms": 600_000,
    "queued.max.messages.kbytes": 16_384,
    "fetch.error.backoff.ms": 250,
}
_PRODUCER: Options = {
    "acks": "all",
    "enable.idempotence": True,
    "linger.ms": 5,
    "message.timeout.ms": 30_000,
    "message.max.bytes": 10_000_000,
}
_BOTH: Options = {
    "client.id": "ixproxy",
    "reconnect.backoff.max.ms": 10_000,
    "topic.metadata.refresh.interval.ms": 30_000,
    "log_level": 0,
}
_RESET = {"earliest", "latest", "none", "smallest", "beginning", "largest", "end", "error"}

_TOPIC = re.compile(r"[A-Za-z0-9._-]{1,249}")
_PORT = re.compile(r":([0-9]+)\s*\Z")
KEY_PASSWORD = "ssl.key.password"
_SECRETS = {
    "password": "sasl.password",
    "key-password": KEY_PASSWORD,
}


@dataclass(frozen=True, slots=True)
class KafkaSettings:
    """
    Times in seconds.

    :ivar inbound_topics: records of these are documents.
    :ivar processed_topic: and `error_topic`, `notification_topic`: "": there is none.
    :ivar consumer: and `producer`: all options of librdkafka but secrets.
    :ivar secrets: by option: where it is, `file` or `variable`, and its path or name.
    :ivar forms: how documents are read and written.
    :ivar at_once: records that are taken from the client at once.
    :ivar partition_window: documents of one partition that the node has at once; with
        more than one, their order is kept only as long as the node takes each.
    :ivar partition_buffer: records of one partition that wait here.
    :ivar reconnect_timeout: the longest pause before something is tried again.
    """

    server: str
    group: str
    inbound_topics: tuple[str, ...]
    processed_topic: str
    error_topic: str
    notification_topic: str
    consumer: Mapping[str, str | int | float | bool]
    producer: Mapping[str, str | int | float | bool]
    secrets: Mapping[str, tuple[str, str]]
    forms: XmlForms
    at_once: int = 20
    partition_window: int = 1
    partition_buffer: int = 100
    reconnect_timeout: float = 10.0

    def found_secrets(self) -> Options:
        """
        Passwords, as they are now.

        :raise ValueError: one cannot be had; says why.
        """
        found: Options = {}
        for option, (where, name) in self.secrets.items():
            if where == "file":
                found[option] = read_secret(name)
            elif secret := os.environ.get(name):
                found[option] = secret
            else:
                raise ValueError(f"the environment has no variable {name}")
        return found


def read_settings(given: Mapping[str, object]) -> KafkaSettings:
    """
    :param given: the keys of the table.
    :raise ixproxy.errors.ConfigError: with everything that is wrong.
    """
    keys = Keys(given)
    server = keys.needed_text("kafka-server", 'brokers such as "broker1:9092,broker2:9092"')
    _check_ports(keys, server)
    group = keys.needed_text("consumer-group", "the name of a consumer group")
    inbound = keys.texts("inbound-topics")
    if not inbound and not isinstance(given.get("inbound-topics"), str):
        keys.refuse("inbound-topics", "expected a list of at least one topic")
    outbound = {
        key: keys.text(key) for key in ("processed-topic", "error-topic", "notification-topic")
    }
    _check_topics(keys, inbound, outbound)
    both = _options(keys, "client-options")
    consumer = _options(keys, "consumer-options")
    producer = _options(keys, "producer-options")
    at_once = _at_once(keys, consumer.pop(_POLLED, 20))
    _check_reset(keys, consumer)
    secrets = _secrets(keys)
    window = keys.whole("partition-window", 1, 1, 1000)
    settings = KafkaSettings(
        server=server,
        group=group,
        inbound_topics=inbound,
        processed_topic=outbound["processed-topic"],
        error_topic=outbound["error-topic"],
        notification_topic=outbound["notification-topic"],
        consumer=_BOTH
        | _CONSUMER
        | both
        | consumer
        | {
            "bootstrap.servers": server,
            "group.id": group,
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
        },
        producer=_BOTH | _PRODUCER | both | producer | {"bootstrap.servers": server},
        secrets=secrets,
        forms=read_forms(keys),
        at_once=at_once,
        partition_window=window,
        partition_buffer=keys.whole("partition-buffer", 100, 1, 10_000),
        reconnect_timeout=keys.seconds("reconnect-timeout", 10.0, 0.1, 3_600),
    )
    keys.finish()
    return settings


def _check_ports(keys: Keys, server: str) -> None:
    """What else the client makes of the text it says itself, when it connects."""
    for broker in server.split(","):
        port = _PORT.search(broker)
        if port and not (len(port[1]) < 6 and 0 < int(port[1]) < 65536):
            text = f"{broker.strip()!r}: expected as the port a number from 1 to 65535"
            keys.refuse("kafka-server", text)


def _check_topics(keys: Keys, inbound: tuple[str, ...], outbound: Mapping[str, str]) -> None:
    for topic in inbound:
        if not _TOPIC.fullmatch(topic) or topic in (".", ".."):
            keys.refuse("inbound-topics", f"{topic!r} is no name of a topic")
    for key, topic in outbound.items():
        if topic and (not _TOPIC.fullmatch(topic) or topic in (".", "..")):
            keys.refuse(key, f"{topic!r} is no name of a topic")
        elif topic in inbound:
            keys.refuse(key, f"{topic} is read, too: what goes there would come in again")


def _options(keys: Keys, key: str) -> Options:
    found: Options = {}
    for name, value in keys.table(key, '{ "security.protocol" = "SSL" }').items():
        if name in _OURS:
            instead = f"; there is the setting {_OURS[name]}" if _OURS[name] else ""
            keys.refuse(key, f"{name} may not be set here{instead}")
        elif not isinstance(value, str | int | float | bool):
            keys.refuse(key, f"{name}: expected a text, a number, true or false")
        else:
            found[name] = value
    return found


def _at_once(keys: Keys, value: object) -> int:
    try:
        found = int(str(value))
    except ValueError:
        found = 0
    if not 1 <= found <= 10_000:
        keys.refuse("consumer-options", f"{_POLLED}: expected 1 to 10000")
        return 20
    return found


def _check_reset(keys: Keys, consumer: Options) -> None:
    reset = consumer.get("auto.offset.reset", "earliest")
    if reset not in _RESET:
        text = "auto.offset.reset: expected earliest, latest or none"
        keys.refuse("consumer-options", text)
    if reset == "none":
        consumer["auto.offset.reset"] = "error"


def _secrets(keys: Keys) -> dict[str, tuple[str, str]]:
    found: dict[str, tuple[str, str]] = {}
    for word, option in _SECRETS.items():
        file, variable = keys.text(f"{word}-file"), keys.text(f"{word}-variable")
        if file and variable:
            keys.refuse(f"{word}-variable", f"expected this or {word}-file, not both")
        if file or variable:
            found[option] = ("file", file) if file else ("variable", variable)
    return found
