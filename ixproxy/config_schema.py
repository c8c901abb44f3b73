"""
The whole schema of the deployment file, as data.

A table that is known but does nothing yet is marked here, with one word
(`served=False`), and `config_check` says so in a warning.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from ixproxy.config_capture_keys import (
    AT_LEAST_ONCE,
    AT_MOST_ONCE,
    CHECKS,
    notification_name,
    point_name,
)
from ixproxy.config_eventlog_keys import DELETIONS, event_name, log_text, schema_name
from ixproxy.config_keys import (
    Check,
    Key,
    Kind,
    endpoint_text,
    filled,
    listen_text,
    plain_name,
    store_text,
    subject_text,
)
from ixproxy.config_options import (
    NODE_SECTIONS,
    PROXY_SECTIONS,
    MediaTypeSettings,
    RouterLimits,
    WarmStandbyOptions,
)
from ixproxy.config_sections import option_keys
from ixproxy.config_tables import NODES, PROXIES
from ixproxy.node.intake_work import DOCUMENT_SIZE
from ixproxy.values import MAX_DBID, ClientType


@dataclass(frozen=True, slots=True)
class Table:
    """
    What may stand in one table.

    :ivar keys: its keys that hold plain values.
    :ivar tables: its tables with fixed names.
    :ivar arrays: its arrays of tables.
    :ivar named: what stands in a table of any other name that names a thing.
    :ivar free: other keys and tables pass untouched, to a plug-in or a program
        that is not ours.
    :ivar until_served: what holds in its place while it is not served.
    """

    keys: Mapping[str, Key] = field(default_factory=dict)
    tables: Mapping[str, Table] = field(default_factory=dict)
    arrays: Mapping[str, Table] = field(default_factory=dict)
    named: Table | None = None
    free: bool = False
    served: bool = True
    until_served: str = "it has no effect"


def _text(words: str, check: Check = filled, *, required: bool = False) -> Key:
    return Key(Kind.TEXT, "", words=words, required=required, check=check)


_NAMES = Key(Kind.NAMES, (), check=plain_name)
_SOME = Key(Kind.NAMES, (), required=True, low=1, check=plain_name)
_LISTED = Key(Kind.NAMES, None, check=plain_name)
_MEMBERS = Key(Kind.MEMBERS, None, check=plain_name)
_FREE = Table(free=True)

OWNERS = ("agent", "agent-group", "place", "place-group")
PROPERTY_TYPES = ("string", "number", "timestamp")
MAX_TENANT_ID = 2**32 - 1

VIEW = Table(
    keys={
        "condition": Key(Kind.TEXT, ""),
        "order": Key(Kind.TEXT, ""),
        "segmentation": Key(Kind.TEXT, ""),
        "segment-limit": Key(Kind.WHOLE, 0, low=0, high=1_000_000, unit="interactions"),
        "freeze-interval": Key(Kind.WHOLE, None, low=1, high=86_400, unit="seconds"),
        "strategy": _text("the name of a strategy", plain_name),
    }
)

TENANT = Table(
    keys={
        "id": Key(Kind.WHOLE, 0, required=True, low=1, high=MAX_TENANT_ID),
        "agents": _LISTED,
        "places": _LISTED,
        "agent-groups": _MEMBERS,
        "place-groups": _MEMBERS,
        "routers": _LISTED,
        "strategies": _LISTED,
    },
    tables={
        "media-types": Table(
            named=Table(
                keys={"enabled": Key(Kind.FLAG, True)},
                tables={
                    "options": Table(tables={"settings": Table(option_keys(MediaTypeSettings))})
                },
            ),
        ),
        "queues": Table(named=Table(tables={"views": Table(named=VIEW)})),
        "workbins": Table(
            named=Table(keys={"owner": Key(Kind.CHOICE, "agent", required=True, choices=OWNERS)})
        ),
        "custom-properties": Table(
            named=Table(
                keys={"type": Key(Kind.CHOICE, "string", required=True, choices=PROPERTY_TYPES)}
            )
        ),
    },
)

LICENCES = Table(
    keys={"agent-seats": Key(Kind.WHOLE, None, low=0, high=10_000_000, unit="seats")},
)

TLS = Table(
    keys={
        "certificate": _text("the path of a PEM file", required=True),
        "private-key": _text("the path of a PEM file", required=True),
        "trust": _text("the path of a PEM file"),
        "require-client-certificate": Key(Kind.FLAG, False),
    }
)

ALLOW = Table(
    keys={
        "subject": _text('a subject such as "CN=proxy1"', subject_text),
        "user": _text('the name of a user, or "*"'),
        "client-types": Key(Kind.NAMES, ()),
        "tenants": _NAMES,
    }
)

CHOSEN = Table(keys={"use": _text("the name of a plug-in", plain_name, required=True)}, free=True)

CAPTURE = Table(
    keys={
        "name": _text("a name", point_name, required=True),
        "use": _text("the name of a plug-in", plain_name, required=True),
        "tenant": _text("the name of a tenant", plain_name),
        "queue": _text("the name of a queue", plain_name),
        "duplicate-check": Key(Kind.CHOICE, "receipt", choices=CHECKS),
        "notify": Key(Kind.CHOICE, AT_MOST_ONCE, choices=(AT_MOST_ONCE, AT_LEAST_ONCE)),
        "notifications": Key(Kind.NAMES, None, check=notification_name),
        "receipt-retention": Key(Kind.WHOLE, 24, low=1, high=8760, unit="hours"),
        "max-document-size": Key(
            Kind.WHOLE, DOCUMENT_SIZE, low=1 << 10, high=1 << 28, unit="bytes"
        ),
        "max-operations": Key(Kind.WHOLE, 1000, low=1, high=100_000, unit="operations"),
        "max-rate": Key(Kind.WHOLE, None, low=1, high=1_000_000, unit="documents a second"),
        "max-in-flight": Key(Kind.WHOLE, 100, low=1, high=10_000, unit="documents"),
        "max-outbox": Key(Kind.WHOLE, 100_000, low=100, high=100_000_000, unit="notifications"),
        "inbound-transformation": _text("the path of a file"),
        "outbound-transformation": _text("the path of a file"),
    },
    tables={"default-values": _FREE},
    free=True,
)
"""A capture point; what else stands there goes to its maker."""

_LOGGED = Key(Kind.FLAG, True)
EVENT_LOG = Table(
    keys={
        "name": _text("a name", point_name),
        "address": _text('an address such as "sqlite:log.db"', log_text, required=True),
        "batch-size": Key(Kind.WHOLE, 500, low=1, high=5000, unit="events"),
        "storing-timeout": Key(Kind.WHOLE, 1000, low=500, high=60_000, unit="milliseconds"),
        "max-queue-size": Key(Kind.WHOLE, 1_000_000, low=10_000, high=1_000_000_000, unit="events"),
        "max-queue-bytes": Key(Kind.WHOLE, 1 << 30, low=16 << 20, high=1 << 40, unit="bytes"),
        "mandatory-logging": Key(Kind.FLAG, False),
        "schema-name": _text("the name of a schema", schema_name),
        "log-agent-state": _LOGGED,
        "log-agent-activity": _LOGGED,
        "log-queue": _LOGGED,
        "log-strategy": _LOGGED,
        "log-esp-service": _LOGGED,
        "log-userdata": _LOGGED,
        "event-filter-by-id": Key(Kind.NAMES, (), check=event_name),
        "delivery-queue-name": _text("the name of a queue", plain_name),
        "delete-on-logout": Key(Kind.CHOICE, DELETIONS[0], choices=DELETIONS),
    },
    tables={"custom-fields": _FREE, "custom-events": _FREE},
)
"""An event log; what stands in its two tables is looked at by `config_eventlog_rules`."""

CLIENT_TYPES = tuple(each.value for each in ClientType)

_TYPE = Key(Kind.TEXT, "", required=True)
_LISTEN = _text('an address such as "tcp:7001"', listen_text, required=True)
_ENDPOINT = _text('an address such as "tcp:node-a.example:7101"', endpoint_text)
_DBID = Key(Kind.WHOLE, 0, low=1, high=MAX_DBID)
_BACKUP = _text("the name of an application", plain_name)


def _options(sections: Mapping[str, type]) -> Table:
    return Table(tables={name: Table(option_keys(kind)) for name, kind in sections.items()})


NODE = Table(
    keys={
        "type": _TYPE,
        "role": Key(Kind.CHOICE, "node", choices=("node", "proxy")),
        "dbid": replace(_DBID, required=True),
        "tenants": _SOME,
        "listen": _LISTEN,
        "endpoint": _ENDPOINT,
        "backup": _BACKUP,
        "store": _text(
            'an address such as "sqlite:/var/lib/ixproxy/ixn1.db"', store_text, required=True
        ),
        "event-log": _text('an address such as "sqlite:log.db"', log_text),
        "connections": _NAMES,
    },
    tables={"tls": TLS, "options": _options(NODE_SECTIONS)},
    arrays={"allow": ALLOW, "capture": CAPTURE, "event-logs": EVENT_LOG},
)

PROXY = Table(
    keys={
        "type": _TYPE,
        "role": Key(Kind.CHOICE, "node", choices=("node", "proxy")),
        "dbid": _DBID,
        "tenants": _NAMES,
        "listen": _LISTEN,
        "endpoint": _ENDPOINT,
        "backup": _BACKUP,
        "connections": _SOME,
    },
    tables={
        "tls": TLS,
        "options": _options(PROXY_SECTIONS),
        "routing": CHOSEN,
        "pull": CHOSEN,
        "merge": CHOSEN,
    },
    arrays={"allow": ALLOW},
)

WARM_STANDBY = "warm-standby"
_STANDBY = Table(option_keys(WarmStandbyOptions))
_SETTINGS = Table(
    # A dot in a bare TOML key makes a table; the field's own spelling must be quoted.
    keys={f"{WARM_STANDBY}.{name}": key for name, key in _STANDBY.keys.items()},
    tables={WARM_STANDBY: _STANDBY},
)

CLUSTER = Table(
    keys={"type": _TYPE, "connections": _SOME},
    tables={
        "options": Table(
            tables={
                "cluster-settings": Table(
                    keys={
                        "cluster-type": Key(
                            Kind.CHOICE, "", required=True, choices=(NODES, PROXIES)
                        )
                    }
                ),
                "settings": _SETTINGS,
            }
        )
    },
)

SERVER = Table(
    keys={
        "type": _TYPE,
        "dbid": _DBID,
        "tenants": _NAMES,
        "endpoint": _ENDPOINT,
        "backup": _BACKUP,
        "connections": _NAMES,
        "app-type": _text("a type that ESP requests call it by", plain_name),
    },
    tables={
        "tls": TLS,
        "options": replace(_FREE, tables={"settings": replace(_SETTINGS, free=True)}),
    },
)

ROUTER = replace(
    SERVER, tables={"tls": TLS, "options": Table(named=Table(option_keys(RouterLimits)))}
)
"""A router's sections are named after the nodes that push to it."""

_SAME = {"type": replace(_TYPE, required=False), "role": Key(Kind.TEXT, "")}
BACKUP = Table(keys={**_SAME, "listen": _LISTEN, "endpoint": _ENDPOINT}, tables={"tls": TLS})
"""A backup's own keys: it inherits all others. Type and role may be said again."""

SERVER_BACKUP = Table(keys={**_SAME, "endpoint": _ENDPOINT}, tables={"tls": TLS})

INTERACTION_SERVER = "Interaction Server"
APPLICATION_CLUSTER = "Application Cluster"
ROUTER_TYPE = "Universal Routing Server"
ESP_TYPE = "Third Party Server"
MEDIA_TYPES = ("Chat Server", "E-mail Server", "Media Server", "SMS Server")
REPORTING_TYPES = ("Stat Server", "Interaction Concentrator")
ORCHESTRATION_TYPE = "Orchestration Server"
DESKTOP_TYPE = "Agent Desktop"
CALLED_TYPES = (
    ESP_TYPE,
    *MEDIA_TYPES,
    "Classification Server",
    "Contact Server",
    "Generic Server",
)
"""Applications that a node connects to, and calls."""
PAIRED_CLIENTS = (*MEDIA_TYPES, *REPORTING_TYPES, ORCHESTRATION_TYPE)
"""Clients that the guide connects to a pair of proxies."""

APPLICATION_TYPES: Mapping[str, Table] = {
    INTERACTION_SERVER: NODE,
    APPLICATION_CLUSTER: CLUSTER,
    ROUTER_TYPE: ROUTER,
    **dict.fromkeys(
        (
            ESP_TYPE,
            *PAIRED_CLIENTS,
            "T-Server",
            "Classification Server",
            "Contact Server",
            DESKTOP_TYPE,
            "Generic Server",
            "Generic Client",
        ),
        SERVER,
    ),
}

ROOT = Table(
    tables={"tenants": Table(named=TENANT), "licences": LICENCES, "applications": Table(free=True)}
)
"""What stands in an application's table depends on its type: see `config_check`."""
