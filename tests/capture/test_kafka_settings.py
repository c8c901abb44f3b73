"""The table of a Kafka capture point: what it may say, and what is said of mistakes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ixproxy.capture.kafka_settings import read_settings
from ixproxy.errors import ConfigError

GIVEN: dict[str, object] = {
    "kafka-server": "b1:9092,b2:9092",
    "consumer-group": "InteractionServer",
    "inbound-topics": ["claims"],
}


def problems(**changed: object) -> dict[str, str]:
    """What is wrong, by key; keys are written with _ for -."""
    given = GIVEN | {key.replace("_", "-"): value for key, value in changed.items()}
    with pytest.raises(ConfigError) as refused:
        read_settings({key: value for key, value in given.items() if value is not None})
    return {problem.key: problem.text for problem in refused.value.problems}


def test_what_is_not_said_has_a_default() -> None:
    settings = read_settings(GIVEN)
    assert settings.consumer["bootstrap.servers"] == "b1:9092,b2:9092"
    assert settings.consumer["group.id"] == "InteractionServer"
    assert settings.consumer["auto.offset.reset"] == "earliest"
    assert settings.consumer["max.poll.interval.ms"] == 600_000
    assert settings.consumer["enable.auto.commit"] is False
    assert settings.producer["acks"] == "all"
    assert (settings.at_once, settings.partition_window) == (20, 1)


def test_a_parameter_of_iwd_that_is_misspelt_is_a_mistake() -> None:
    wrong = problems(
        iwd_compatibility_mode=True, inbound_transformer_parameters={"CompletQueues": "Done"}
    )
    assert set(wrong) == {"inbound-transformer-parameters.CompletQueues"}


def test_options_are_passed_on_each_to_its_client() -> None:
    settings = read_settings(
        {
            **GIVEN,
            "client-options": {"security.protocol": "SSL", "client.id": "mine"},
            "consumer-options": {"fetch.min.bytes": 10, "max.poll.records": 7},
            "producer-options": {"linger.ms": 0},
        }
    )
    assert settings.consumer["security.protocol"] == settings.producer["security.protocol"] == "SSL"
    assert settings.consumer["client.id"] == "mine"
    assert settings.consumer["fetch.min.bytes"] == 10
    assert "fetch.min.bytes" not in settings.producer
    assert "max.poll.records" not in settings.consumer
    assert settings.at_once == 7
    assert settings.producer["linger.ms"] == 0
    none = read_settings({**GIVEN, "consumer-options": {"auto.offset.reset": "none"}})
    assert none.consumer["auto.offset.reset"] == "error"


def test_the_form_of_documents_is_a_setting() -> None:
    settings = read_settings({**GIVEN, "max-document-size": 5000})
    assert settings.forms.limits.size == 5000


@pytest.mark.parametrize(
    ("changed", "key", "words"),
    [
        ({"kafka_server": None}, "kafka-server", "missing; expected brokers"),
        ({"kafka_server": "b1:9092, [::1]:274881"}, "kafka-server", "'[::1]:274881': expected as"),
        ({"kafka_server": "SSL://b1:0,b2"}, "kafka-server", "a number from 1 to 65535"),
        ({"consumer_group": ""}, "consumer-group", "missing; expected the name"),
        ({"inbound_topics": None}, "inbound-topics", "at least one topic"),
        ({"inbound_topics": []}, "inbound-topics", "at least one topic"),
        ({"inbound_topics": "claims"}, "inbound-topics", "list of texts"),
        ({"inbound_topics": ["a b"]}, "inbound-topics", "'a b' is no name of a topic"),
        ({"inbound_topics": ["^a.*"]}, "inbound-topics", "is no name of a topic"),
        ({"error_topic": "no/topic"}, "error-topic", "is no name of a topic"),
        ({"error_topic": "claims"}, "error-topic", "would come in again"),
        ({"notification_topic": "claims"}, "notification-topic", "would come in again"),
        ({"consumer_options": {"group.id": "x"}}, "consumer-options", "setting consumer-group"),
        ({"client_options": {"bootstrap.servers": "x"}}, "client-options", "kafka-server"),
        ({"consumer_options": {"enable.auto.commit": True}}, "consumer-options", "may not be set"),
        ({"producer_options": {"acks": []}}, "producer-options", "acks: expected a text"),
        ({"producer_options": 5}, "producer-options", "expected a table"),
        ({"consumer_options": {"max.poll.records": "x"}}, "consumer-options", "1 to 10000"),
        ({"consumer_options": {"auto.offset.reset": "now"}}, "consumer-options", "earliest"),
        ({"partition_window": 0}, "partition-window", "whole number"),
        ({"reconnect_timeout": 0}, "reconnect-timeout", "seconds"),
        ({"password_file": "a", "password_variable": "b"}, "password-variable", "not both"),
        ({"topic": "x"}, "topic", "unknown setting"),
        ({"max_document_size": 0}, "max-document-size", "whole number"),
    ],
)
def test_a_mistake_is_named_with_its_place(changed: dict[str, Any], key: str, words: str) -> None:
    found = problems(**changed)
    assert list(found) == [key]
    assert words in found[key]


def test_secrets_are_read_when_they_are_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "password"
    settings = read_settings(
        {**GIVEN, "password-file": str(file), "key-password-variable": "CAPTURE_KEY"}
    )
    with pytest.raises(ValueError, match="cannot be read"):
        settings.found_secrets()
    file.write_text("one\n")
    with pytest.raises(ValueError, match="no variable CAPTURE_KEY"):
        settings.found_secrets()
    monkeypatch.setenv("CAPTURE_KEY", "two")
    assert settings.found_secrets() == {"sasl.password": "one", "ssl.key.password": "two"}
    file.write_text("three\n")
    assert settings.found_secrets()["sasl.password"] == "three"
    assert "three" not in repr(settings)
