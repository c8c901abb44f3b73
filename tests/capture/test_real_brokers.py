"""The brokers that tests start: once in a run, when the first test asks for one."""

from __future__ import annotations

import pytest

from ixproxy.testing.activemq import ActivemqBroker, class_path
from ixproxy.testing.brokers import listens
from ixproxy.testing.rabbitmq import RabbitmqBroker

pytestmark = pytest.mark.processes


def test_rabbitmq_speaks_stomp_and_amqp_on_ports_of_its_own(
    rabbitmq_broker: RabbitmqBroker,
) -> None:
    assert listens(rabbitmq_broker.stomp_port)
    assert listens(rabbitmq_broker.amqp_port)
    assert len(rabbitmq_broker.groups()) == 2
    assert "/" in rabbitmq_broker.control("list_vhosts")


def test_activemq_speaks_stomp_and_openwire_on_ports_of_its_own(
    activemq_broker: ActivemqBroker,
) -> None:
    assert listens(activemq_broker.stomp_port)
    assert listens(activemq_broker.openwire_port)
    assert activemq_broker.openwire_address == f"tcp://127.0.0.1:{activemq_broker.openwire_port}"
    assert "activemq-client" in class_path()
