"""Addresses of brokers: what they say, and what is wrong with those that are none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ixproxy.eventlog.amqp_address import BrokerAddress, read_address


def test_the_least_is_a_host() -> None:
    assert read_address("amqp://broker.example") == BrokerAddress(False, "broker.example", 5672)
    assert read_address("amqps://broker.example").port == 5671


def test_an_address_says_where_a_broker_is_and_as_whom_it_is_spoken_to() -> None:
    found = read_address(
        "amqps://ix%40proxy:p%2F%40s@[::1]:5673/contact%2Fcentre"
        "?trust=/etc/ca.pem&certificate=/etc/c.pem&private-key=/etc/k%20.pem&heart-beat=0"
    )
    assert (found.host, found.port, found.secure) == ("::1", 5673, True)
    assert (found.user, found.password) == ("ix@proxy", "p/@s")
    assert found.virtual_host == "contact/centre"
    assert (found.trust, found.certificate) == ("/etc/ca.pem", "/etc/c.pem")
    assert (found.private_key, found.heart_beat) == ("/etc/k .pem", 0)


def test_a_password_may_be_in_a_file() -> None:
    found = read_address("amqp://ixproxy@broker.example/?password-file=/etc/ixproxy/broker")
    assert (found.password_file, found.virtual_host) == ("/etc/ixproxy/broker", "")


def test_what_is_shown_has_neither_user_nor_password() -> None:
    found = read_address("amqp://ixproxy:geheim@[::1]/calls")
    assert found.shown == "amqp://[::1]:5672/calls"
    assert "geheim" not in repr(found)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "expected an address such as"),
        ("http://broker.example", "expected an address such as"),
        ("amqp:broker.example", "expected an address such as"),
        ("amqp://", "expected a host"),
        ("amqp://ab@/host", "expected a host"),
        ("amqp://us:pa:ss@ho st", "without spaces"),
        ("amqp://host\x07", "cannot be printed"),
        ("amqp://host#queue", "without spaces, #"),
        ("amqp://host:0", "a port from 1 to 65535, not 0"),
        ("amqp://host:65536", "a port from 1 to 65535"),
        ("amqp://host:port", "expected a host"),
        ("amqp://host/a/b", "expected one virtual host"),
        ("amqp://:geheim@host", "expected a user whose password"),
        ("amqp://host?password-file=/etc/p", "expected a user whose password"),
        ("amqp://u:geheim@host?password-file=/etc/p", "a password or a password-file, not both"),
        ("amqp://u@host?password-file=p", "password-file the absolute path"),
        ("amqp://host?trust=/etc/ca.pem", "expected amqps:// where there is trust"),
        ("amqps://host?certificate=/etc/c.pem", "certificate and private-key, or neither"),
        ("amqp://host?heart-beat=301", "heart-beat 0 to 300"),
        ("amqp://host?heart-beat=-1", "heart-beat 0 to 300"),
        ("amqp://host?heart-beat=1&heart-beat=1", "given twice"),
        ("amqp://host?vhost=x", "only password-file, trust"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_secret_quoted(text: str, expected: str) -> None:
    with pytest.raises(ValueError, match=expected) as wrong:
        read_address(text)
    assert "geheim" not in str(wrong.value)


@given(st.text(max_size=40))
def test_no_text_is_more_than_wrong(text: str) -> None:
    for address in (text, f"amqp://{text}", f"amqps://host?{text}"):
        try:
            found = read_address(address)
        except ValueError:
            continue
        assert 0 < found.port < 65536
        assert found.host
