"""What the plug-in `postgresql` names: it can be read where psycopg is not installed."""

from __future__ import annotations

from collections.abc import Mapping

from ixproxy.errors import ConfigError
from ixproxy.interfaces import IStore


def make(settings: Mapping[str, object]) -> IStore:
    """
    See `ixproxy.storage.postgresql.make`.

    :raise ConfigError: that, or there is no psycopg.
    """
    try:
        from ixproxy.storage import postgresql
    except ImportError as problem:
        text = f"a store on PostgreSQL needs psycopg: pip install 'ixproxy[postgresql]' ({problem})"
        raise ConfigError(text) from problem
    return postgresql.make(settings)
