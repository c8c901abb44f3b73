"""What a table with `use = "jms"` may say, and what is said of the others."""

from __future__ import annotations

from pathlib import Path

import pytest

from ixproxy.capture.jms_settings import MESSAGE_SIZE, JmsSettings, read_settings
from ixproxy.errors import ConfigError

LEAST: dict[str, object] = {"address": "tcp:broker.example:61613", "inbound-queue-name": "in"}


def test_an_address_and_a_queue_are_enough() -> None:
    settings = read_settings(LEAST)
    assert settings == JmsSettings(
        "stomp", ("tcp:broker.example:61613",), "in", forms=settings.forms
    )
    assert settings.reconnect_timeout == 10
    assert not settings.text
    assert not settings.use_correlation_id


def test_a_parameter_of_iwd_that_is_misspelt_is_a_mistake() -> None:
    parameters = {"CompletQueues": "Done"}
    with pytest.raises(ConfigError) as wrong:
        read_settings(
            {
                **LEAST,
                "iwd-compatibility-mode": True,
                "inbound-transformer-parameters": parameters,
            }
        )
    (problem,) = wrong.value.problems
    assert problem.key == "inbound-transformer-parameters.CompletQueues"


def test_all_can_be_said() -> None:
    settings = read_settings(
        {
            "protocol": "amqp",
            "address": ["tls:a.example:5671", "tcp:b.example:5672:timeout=5", "unix:/run/broker"],
            "user": "alice",
            "password-file": "/etc/ixproxy/broker",
            "virtual-host": "work",
            "inbound-queue-name": "in",
            "processed-queue-name": "done",
            "error-queue-name": "bad",
            "notification-queue-name": "told",
            "reconnect-timeout": 3,
            "heart-beat": 0,
            "outbound-message-type": "text",
            "use-correlation-id-in-reply": True,
            "use-reply-to": True,
            "prefetch": 1,
            "max-deliveries": 0,
            "max-message-size": 1024,
            "rabbitmq-queue-type": "quorum",
            "max-document-size": 1000,
        }
    )
    assert settings.addresses[2] == "unix:/run/broker"
    assert settings.forms.limits.size == 1000
    assert settings.text
    assert settings.use_correlation_id
    assert settings.use_reply_to
    assert (settings.prefetch, settings.max_deliveries, settings.heart_beat) == (1, 0, 0)
    assert (settings.user, settings.virtual_host, settings.queue_type) == (
        "alice",
        "work",
        "quorum",
    )


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("protocol", "openwire", "expected 'stomp' or 'amqp', not 'openwire'"),
        ("address", [], "expected an address, or a list of them"),
        ("address", 61613, "expected an address, or a list of them"),
        ("address", [1], "expected an address, not 1"),
        ("address", "broker:61613", 'begins with "tcp:" or "tls:"'),
        ("address", "tcp", 'begins with "tcp:" or "tls:"'),
        ("address", "tcp:broker", "port is missing"),
        ("address", "tcp:broker:stomp", "expected for port a number from 1 to 65535"),
        ("address", "tcp:broker:274881", "expected for port a number from 1 to 65535"),
        ("address", "tls:broker:0", "expected for port a number from 1 to 65535"),
        ("address", "tcp::61613", "host is missing"),
        ("address", "tls:broker:1:trustRoots=/nowhere", "is no endpoint"),
        ("inbound-queue-name", "", "the name of the queue that is read"),
        ("error-queue-name", "in", "expected another queue than inbound-queue-name"),
        ("processed-queue-name", "in", "expected another queue than inbound-queue-name"),
        ("notification-queue-name", "in", "expected another queue than inbound-queue-name"),
        ("reconnect-timeout", 2, "expected 3 to 30 seconds, not 2"),
        ("reconnect-timeout", 31, "expected 3 to 30 seconds, not 31"),
        ("outbound-message-type", "bytes", "expected 'binary' or 'text'"),
        ("use-correlation-id-in-reply", "yes", "expected true or false, not 'yes'"),
        ("use-reply-to", 1, "expected true or false, not 1"),
        ("prefetch", 0, "expected a whole number from 1"),
        ("rabbitmq-queue-type", 1, "expected 'classic' or 'quorum'"),
        ("password-file", "/etc/broker", "expected a user whose password it is"),
        ("rabbitmq-queue-type", "stream", "expected 'classic' or 'quorum'"),
        ("password", "secret", "unknown setting"),
    ],
)
def test_what_is_wrong_is_named_with_its_key(key: str, value: object, said: str) -> None:
    with pytest.raises(ConfigError) as wrong:
        read_settings({**LEAST, key: value})
    assert [problem.key for problem in wrong.value.problems] == [key]
    assert said in wrong.value.problems[0].text
    assert "secret" not in str(wrong.value)


def test_a_document_that_may_be_read_is_let_in() -> None:
    large = 20 * 1024 * 1024
    assert read_settings({**LEAST, "max-document-size": large}).max_message_size == large
    assert read_settings({**LEAST, "max-document-size": 1000}).max_message_size == MESSAGE_SIZE
    assert read_settings({**LEAST, "max-message-size": 1024}).max_message_size == 1024
    same = read_settings({**LEAST, "max-message-size": 2000, "max-document-size": 2000})
    assert same.max_message_size == same.forms.limits.size == 2000
    with pytest.raises(ConfigError) as wrong:
        read_settings({**LEAST, "max-message-size": 2000, "max-document-size": 2001})
    (problem,) = wrong.value.problems
    assert problem.key == "max-document-size"
    assert "expected at most max-message-size, 2000, not 2001" in problem.text


def test_a_password_file_has_an_absolute_path() -> None:
    with pytest.raises(ConfigError, match="expected the absolute path of a file, not 'broker'"):
        read_settings({**LEAST, "user": "alice", "password-file": "broker"})


def test_everything_that_is_wrong_is_in_one_error() -> None:
    with pytest.raises(ConfigError) as wrong:
        read_settings({"prefetch": -1})
    keys = {problem.key for problem in wrong.value.problems}
    assert keys == {"address", "inbound-queue-name", "prefetch"}


def test_a_stylesheet_is_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="inbound-transformation"):
        read_settings({**LEAST, "inbound-transformation": str(tmp_path / "missing.xsl")})
