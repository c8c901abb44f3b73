"""What the Kafka client itself is told is held against what it knows, before anything runs."""

from __future__ import annotations

from pathlib import Path

import pytest
from confluent_kafka import KafkaException, Producer
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
)

from ixproxy.capture.kafka import KafkaPoint, make
from ixproxy.capture.kafka_settings import KEY_PASSWORD, read_settings
from ixproxy.errors import ConfigError
from ixproxy.testing.certificates import Authority


@pytest.mark.parametrize("key", ["consumer-options", "producer-options"])
@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"no.such.option": "1"}, "no.such.option"),
        ({"socket.timeout.ms": "soon"}, "socket.timeout"),
    ],
)
def test_an_option_that_the_client_does_not_know_is_a_mistake_of_the_table(
    key: str, options: dict[str, object], words: str
) -> None:
    given = {"kafka-server": "b:1", "consumer-group": "g", "inbound-topics": ["in"], key: options}
    with pytest.raises(ConfigError, match=words) as refused:
        make(given)
    assert [problem.key for problem in refused.value.problems] == [key]


@pytest.mark.parametrize("option", ["ssl.key.location", "ssl.key.pem"])
def test_an_encrypted_key_is_read_with_the_password_that_is_in_the_file(
    tmp_path: Path, option: str
) -> None:
    key, password = tmp_path / "client.key", tmp_path / "password"
    issued = Authority("root").issue("client")
    encryption = BestAvailableEncryption(b"of the key")
    key.write_bytes(issued.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption))
    password.write_text("of the key\n")
    password.chmod(0o600)
    given = {
        "kafka-server": "b:1", "consumer-group": "g", "inbound-topics": ["in"],
        "key-password-file": str(password), "client-options": {
            "security.protocol": "SSL",
            "ssl.certificate.location": issued.write(tmp_path, "plain").certificate,
            option: key.read_text() if option.endswith("pem") else str(key),
        },
    }  # fmt: skip
    assert isinstance(make(given), KafkaPoint)
    settings = read_settings(given)
    Producer({**settings.producer, **settings.found_secrets()})
    with pytest.raises(KafkaException, match=option):
        Producer({**settings.producer, KEY_PASSWORD: "x"})
