"""The deployment file of an event-log chaos run: pairs with two logs each, and a proxy."""

from __future__ import annotations

from collections.abc import Mapping

from ixproxy.testing.chaos_deployment import INBOX, MEDIA, PROBES, TENANT, WORK

NODES: Mapping[str, int] = {"ixn1": 101, "ixn2": 102}
"""With their dbids."""

BACKUP = "-b"
PROXY = "proxy1"

WITNESS, SHAKEN = "witness", "shaken"
"""The names of both logs of a node: one that nothing happens to, and the other."""

LEAST_BOUND = 10_000
"""The smallest `max-queue-size` that the configuration takes."""

_TENANT = f"""\
[tenants.Environment]
id = {TENANT}
[tenants.Environment.media-types]
{MEDIA} = {{}}
[tenants.Environment.queues.{INBOX}.views.All]
[tenants.Environment.queues.{WORK}.views.All]
[tenants.Environment.queues.{PROBES}.views.All]
"""

_NODE = """
[applications.{name}]
type = "Interaction Server"
dbid = {dbid}
tenants = ["Environment"]
listen = "tcp:{port}:interface=127.0.0.1"
endpoint = "tcp:127.0.0.1:{port}"
backup = "{name}{suffix}"
store = "{store}"
[applications.{name}.options.settings]
agent-session-restore-timeout = 8
delivering-timeout = 4
delayed-logout-timeout = 5
pull-hold-timeout = 1
keep-alive-interval = 2
keep-alive-timeout = 3
lease-limit = {lease_limit}

[[applications.{name}.event-logs]]
name = "{witness}"
address = "{witness_address}"

[[applications.{name}.event-logs]]
name = "{shaken}"
address = "{address}"
batch-size = 200
max-queue-size = {bound}
mandatory-logging = {mandatory}

[applications.{name}{suffix}]
type = "Interaction Server"
listen = "tcp:{backup_port}:interface=127.0.0.1"
endpoint = "tcp:127.0.0.1:{backup_port}"
"""

_PROXY = """
[applications.{name}]
type = "Interaction Server"
role = "proxy"
tenants = ["Environment"]
listen = "tcp:7001:interface=127.0.0.1"
endpoint = "tcp:127.0.0.1:7001"
connections = [{nodes}]
[applications.{name}.options.settings]
node-loss-grace = 6
pull-hold-timeout = 1
keep-alive-interval = 2
keep-alive-timeout = 3
"""


def deployment(
    stores: Mapping[str, str],
    witnesses: Mapping[str, str],
    address: str,
    *,
    bound: int = LEAST_BOUND,
    mandatory: bool = False,
    lease_limit: int = 3,
    proxy: bool = True,
) -> str:
    """
    The file.

    :param stores: the address of each node's database; only these nodes are there.
    :param witnesses: the address of each node's log that nothing happens to.
    :param address: of the log that all nodes share.
    :param bound: its `max-queue-size`.
    :param mandatory: its `mandatory-logging`.
    """
    parts = [_TENANT]
    for number, name in enumerate(stores, 1):
        parts.append(
            _NODE.format(
                name=name,
                dbid=NODES[name],
                port=7100 + number,
                backup_port=7200 + number,
                suffix=BACKUP,
                store=stores[name],
                lease_limit=lease_limit,
                witness=WITNESS,
                witness_address=witnesses[name],
                shaken=SHAKEN,
                address=address,
                bound=bound,
                mandatory=str(mandatory).lower(),
            )
        )
    if proxy:
        nodes = ", ".join(f'"{name}"' for name in stores)
        parts.append(_PROXY.format(name=PROXY, nodes=nodes))
    return "".join(parts)
