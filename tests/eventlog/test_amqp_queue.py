"""How brokers are asked for a queue that outlives them."""

from __future__ import annotations

from typing import Any

import pytest
from proton import symbol

from ixproxy.eventlog.amqp_queue import product_of
from ixproxy.eventlog.amqp_settings import QUEUE
from tests.eventlog.amqp_rig import MADE, THERE, Rig, entry

NEWER = f"/queues/{QUEUE}"


@pytest.mark.parametrize(
    ("product", "version", "address"),
    [
        ("RabbitMQ", "3.10.8", MADE),
        ("RabbitMQ", "", MADE),
        ("RabbitMQ", "4.0.1", NEWER),
        ("RabbitMQ", "10.1", NEWER),
        ("ActiveMQ", "5.17.2", QUEUE),
        ("apache-activemq-artemis", "2.30.0", QUEUE),
    ],
)
def test_each_has_its_own_sort_of_address(product: str, version: str, address: str) -> None:
    rig = Rig(product, version)
    rig.begin()
    rig.store([entry(1)])
    assert rig.numbers(address) == [1]
    assert rig.figure("broker") == "/".join(filter(None, (product, version)))


def test_all_are_told_that_it_is_a_queue_and_no_topic() -> None:
    rig = Rig("ActiveMQ", "5.17.2")
    rig.begin()
    rig.store([entry(1)])
    assert rig.broker.kinds == [(QUEUE, "queue"), (QUEUE, "queue")]


@pytest.mark.parametrize(("product", "address"), [("RabbitMQ", NEWER), ("ActiveMQ", QUEUE)])
def test_where_it_is_not_made_it_must_be_there(product: str, address: str) -> None:
    rig = Rig(product, "4.1.0")
    rig.broker.missing.add(address)
    rig.begin()
    assert f"refuses {address!r}: amqp:not-found" in rig.figure("state")
    rig.broker.missing.clear()
    rig.go(1)
    assert rig.figure("state") == "connected"


@pytest.mark.parametrize("argument", ["durable", "auto_delete", "exclusive"])
def test_one_that_does_not_outlive_the_broker_or_its_readers_is_refused(argument: str) -> None:
    rig = Rig()
    rig.broker.spoilt[MADE] = f"PRECONDITION_FAILED - inequivalent arg '{argument}' for queue"
    rig.begin()
    assert f"the queue '{QUEUE}' is there, and loses what is in it" in rig.figure("state")
    assert THERE not in rig.broker.queues


def test_another_trouble_with_the_session_is_said_as_it_is() -> None:
    rig = Rig()
    rig.broker.spoilt[MADE] = "RESOURCE_LOCKED - cannot obtain exclusive access"
    rig.begin()
    assert "cannot obtain exclusive access" in rig.figure("state")


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({}, ("", "")),
        ({symbol("product"): "RabbitMQ", symbol("version"): "4.0"}, ("RabbitMQ", "4.0")),
        ({"product": 7, "version": "x" * 100}, ("7", "x" * 20)),
    ],
)
def test_a_broker_says_what_it_is_in_its_own_way(said: Any, expected: tuple[str, str]) -> None:
    assert product_of(said) == expected
