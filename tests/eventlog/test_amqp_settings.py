"""What a log at a broker is told, and what it says of what it cannot be."""

from __future__ import annotations

import pytest

from ixproxy.errors import ConfigError
from ixproxy.eventlog.amqp_settings import QUEUE, read_settings
from ixproxy.eventlog.custom_fields import CustomField

ADDRESS = "amqp://broker.example"


def wrong(**settings: object) -> list[str]:
    named = {name.replace("_", "-"): value for name, value in settings.items()}
    with pytest.raises(ConfigError) as error:
        read_settings({"address": ADDRESS, **named})
    return [f"{problem.key}: {problem.text}" for problem in error.value.problems]


def test_an_address_is_enough() -> None:
    settings = read_settings({"address": ADDRESS})
    assert settings.address.host == "broker.example"
    assert (settings.queue, settings.user_data) == (QUEUE, True)
    assert settings.custom_fields == ()
    assert settings.custom_events == {}


def test_all_that_there_is_is_read() -> None:
    settings = read_settings(
        {
            "address": ADDRESS,
            "delivery-queue-name": "ixn.log:1",
            "log-userdata": False,
            "custom-fields": {"segment": "Segment", "size": {"key": "Size", "type": "integer"}},
            "custom-events": {"1001": "agent", 7: "custom"},
            "schema-name": "",
            "delete-on-logout": "never",
        }
    )
    assert (settings.queue, settings.user_data) == ("ixn.log:1", False)
    assert settings.custom_fields == (
        CustomField("segment", "Segment"),
        CustomField("size", "Size", "integer"),
    )
    assert settings.custom_events == {1001: "agent", 7: "custom"}


def test_all_that_is_wrong_is_said_at_once() -> None:
    problems = wrong(
        delivery_queue_name="a/b",
        log_userdata="no",
        custom_fields={"Segment": "Segment"},
        custom_events={"x": "agent", "5": "esp"},
        schema_name="log",
        delete_on_logout="at-first-logout",
        batch=5,
    )
    starts = [problem.partition(": ")[0] for problem in problems]
    assert starts == [
        "delivery-queue-name", "log-userdata", "Segment", "x", "5", "schema-name",
        "delete-on-logout", "batch",
    ]  # fmt: skip


def test_what_is_wrong_in_a_table_is_said_with_that_table() -> None:
    with pytest.raises(ConfigError) as error:
        read_settings(
            {"address": ADDRESS, "custom-fields": {"A": "a"}, "custom-events": {"5": "esp"}}
        )
    assert [(problem.table, problem.key) for problem in error.value.problems] == [
        ("custom-fields", "A"),
        ("custom-events", "5"),
    ]


def test_the_address_must_be_one_and_is_not_quoted() -> None:
    with pytest.raises(ConfigError, match=r"address: missing; expected an address"):
        read_settings({})
    for address in (7, "amqp://:geheim@"):
        (problem,) = wrong(address=address)
        assert problem.startswith("address: expected")
        assert "geheim" not in problem


@pytest.mark.parametrize("key", ["custom-fields", "custom-events"])
def test_what_should_be_a_table_is_one(key: str) -> None:
    (problem,) = wrong(**{key: 7})
    assert problem.startswith(f"{key}: expected a table")


def test_texts_are_texts() -> None:
    assert wrong(delivery_queue_name=7) == ["delivery-queue-name: expected a text, not 7"]
