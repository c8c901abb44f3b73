"""What the plug-ins `amqp` and `amqps` name: it can be read where Qpid Proton is not installed."""

from __future__ import annotations

from collections.abc import Mapping

from ixproxy.errors import ConfigError
from ixproxy.interfaces_eventlog import IEventLog


def make(settings: Mapping[str, object]) -> IEventLog:
    """
    An event log that is a queue of a message broker.

    :param settings: the keys of its table that concern the log itself.
    :raise ConfigError: one is unknown or unusable, or there is no python-qpid-proton.
    """
    try:
        from ixproxy.eventlog import amqp_log
    except ImportError as problem:
        text = f"it needs python-qpid-proton: pip install 'ixproxy[amqp]' ({problem})"
        raise ConfigError(f"an event log at a message broker: {text}") from problem
    return amqp_log.make(settings)
