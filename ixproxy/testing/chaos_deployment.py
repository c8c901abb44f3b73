"""The deployment file of a chaos run: three nodes, alone or as pairs, and two proxies."""

from __future__ import annotations

from collections.abc import Callable, Mapping

NODES = ("ixn1", "ixn2", "ixn3")
PROXIES = ("proxy1", "proxy2")
BACKUP = "-b"
"""What the name of a backup adds to that of its primary."""

DBIDS = {101 + number: name for number, name in enumerate(NODES)}
TENANT = 1
MEDIA = "email"

INBOX, WORK, PROBES = "In", "Work", "Probes"
RESTORE_SECONDS = 8
"""How long a lost client session keeps what it holds."""

DELIVERING_SECONDS = 4

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
listen = "tcp:{port}:interface={address}"
endpoint = "tcp:{address}:{port}"
store = "{store}"
{backup}
[applications.{name}.options.settings]
agent-session-restore-timeout = {restore}
delivering-timeout = {delivering}
delayed-logout-timeout = 5
pull-hold-timeout = 1
keep-alive-interval = 2
keep-alive-timeout = 3
{limit}
"""

_BACKUP = """
[applications.{name}]
type = "Interaction Server"
listen = "tcp:{port}:interface={address}"
endpoint = "tcp:{address}:{port}"
"""

_PROXY = """
[applications.{name}]
type = "Interaction Server"
role = "proxy"
tenants = ["Environment"]
listen = "tcp:{port}:interface={address}"
endpoint = "tcp:{address}:{port}"
connections = [{nodes}]
[applications.{name}.options.settings]
node-loss-grace = {grace}
pull-hold-timeout = 1
keep-alive-interval = 2
keep-alive-timeout = 3
"""


def servers(pairs: bool) -> tuple[str, ...]:
    """Every process of a node: the primaries, and their backups."""
    return NODES + (tuple(name + BACKUP for name in NODES) if pairs else ())


def node_of(server: str) -> str:
    """The node that a primary or a backup is of."""
    return server.removesuffix(BACKUP)


def deployment(
    stores: Mapping[str, str], address: Callable[[str], str], lease_limit: int | None
) -> str:
    """
    The file.

    :param stores: the address of each node's database.
    :param address: of the host of each process, by the name of the process.
    :param lease_limit: seconds; None: nodes stand alone.
    """
    parts = [_TENANT]
    for number, (dbid, name) in enumerate(DBIDS.items(), 1):
        backup = name + BACKUP
        parts.append(
            _NODE.format(
                name=name,
                dbid=dbid,
                port=7100 + number,
                address=address(name),
                store=stores[name],
                backup="" if lease_limit is None else f'backup = "{backup}"',
                limit="" if lease_limit is None else f"lease-limit = {lease_limit}",
                restore=RESTORE_SECONDS,
                delivering=DELIVERING_SECONDS,
            )
        )
        if lease_limit is not None:
            parts.append(_BACKUP.format(name=backup, port=7200 + number, address=address(backup)))
    nodes = ", ".join(f'"{name}"' for name in NODES)
    for number, name in enumerate(PROXIES, 1):
        parts.append(
            _PROXY.format(
                name=name,
                port=7000 + number,
                address=address(name),
                nodes=nodes,
                grace=RESTORE_SECONDS - 2,
            )
        )
    return "".join(parts)
