"""What the plug-in `postgresql` of event logs names: it can be read where psycopg is not there."""

from __future__ import annotations

from collections.abc import Mapping

from ixproxy.errors import ConfigError
from ixproxy.interfaces_eventlog import IEventLog


def make(settings: Mapping[str, object]) -> IEventLog:
    """
    See `ixproxy.eventlog.postgresql_log.make`.

    :raise ConfigError: that, or there is no psycopg.
    """
    try:
        from ixproxy.eventlog import postgresql_log
    except ImportError as problem:
        text = f"a log on PostgreSQL needs psycopg: pip install 'ixproxy[postgresql]' ({problem})"
        raise ConfigError(text) from problem
    return postgresql_log.make(settings)
