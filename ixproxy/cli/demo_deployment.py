"""
The demo's deployment file: three nodes, two proxies, and what the input needs.

Nodes have capture points for the ways by which interactions come in.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from random import Random

import tomlkit

from ixproxy.cli.demo_ways import Way
from ixproxy.cli.outcomes import UsageError
from ixproxy.config import check
from ixproxy.errors import ConfigError
from ixproxy.testing.ports import free_ports

NODES = ("ixn1", "ixn2", "ixn3")
PROXIES = ("proxy1", "proxy2")
RESPONDER = "responder"
"""The external server, where there is one."""
TENANT = "Environment"
TENANT_ID = 1
VIEW = "All"
WORKBIN = "Drafts"
DELIVERING_SECONDS = 1
"""Some invitations are let pass, and nobody likes to wait for that."""
FILE_NAME = "cluster.toml"
FOLDERS = ("inbound", "processed", "error", "notification")
"""The directories of a file capture point."""
FILES_POINT, WEB_POINT = "files", "calls"
"""What the capture points of each node are called."""


@dataclass(frozen=True, slots=True)
class Plan:
    """
    The cluster that is to run.

    :ivar escalations: the queue that agents hand difficult ones to.
    :ivar ports: application to its port on the loopback interface.
    :ivar responder: the program of an external server, which all nodes connect to; None: none.
    :ivar ways: by which interactions come in.
    """

    directory: Path
    media_types: tuple[str, ...]
    queues: tuple[str, ...]
    escalations: str
    ports: dict[str, int]
    responder: Path | None = None
    ways: tuple[Way, ...] = (Way.SERVERS,)

    @property
    def file(self) -> Path:
        """The deployment file."""
        return self.directory / FILE_NAME

    @property
    def views(self) -> tuple[str, ...]:
        """What agents pull from."""
        return tuple(f"{queue}/{VIEW}" for queue in self.queues)

    @property
    def escalations_view(self) -> str:
        """What the routing clients pull from."""
        return f"{self.escalations}/{VIEW}"

    def endpoint(self, application: str) -> str:
        """Where a process listens."""
        return f"tcp:127.0.0.1:{self.ports[application]}"

    def store(self, node: str) -> Path:
        """A node's database."""
        return self.directory / f"{node}.db"

    def log(self, application: str) -> Path:
        """A process's log."""
        return self.directory / f"{application}.log"

    def files(self, node: str) -> Path:
        """Where the directories of a node's file capture point are."""
        return self.directory / "files" / node

    def folders(self, node: str) -> dict[str, Path]:
        """Those directories, by what they are for."""
        return {name: self.files(node) / name for name in FOLDERS}

    def web_port(self, node: str) -> int:
        """Where a node's web service listens."""
        return self.ports[_web(node)]


def _web(node: str) -> str:
    return f"{node} web service"


def plan(
    directory: Path,
    media_types: Iterable[str],
    queues: Iterable[str],
    random: Random,
    *,
    responder: Path | None = None,
    ways: tuple[Way, ...] = (Way.SERVERS,),
) -> Plan:
    """Names and ports for a cluster in `directory`."""
    listed = tuple(sorted(queues))
    escalations = "Escalations"
    while escalations in listed:
        escalations += "*"
    names = (*NODES, *PROXIES, RESPONDER, *map(_web, NODES))
    ports = free_ports(len(names), random)
    return Plan(
        directory,
        tuple(sorted(media_types)),
        listed,
        escalations,
        dict(zip(names, ports, strict=True)),
        responder,
        ways,
    )


def deployment_text(plan: Plan) -> str:
    """The deployment file."""
    view = {"order": "placed_in_queue_at"}
    queues = (*plan.queues, plan.escalations)
    tenant = {
        "id": TENANT_ID,
        "media-types": {name: {} for name in plan.media_types},
        "queues": {name: {"views": {VIEW: view}} for name in queues},
        "workbins": {WORKBIN: {"owner": "agent"}},
    }
    nodes: dict[str, dict[str, object]] = {
        name: {
            "type": "Interaction Server",
            "dbid": dbid,
            "tenants": [TENANT],
            "listen": f"tcp:{plan.ports[name]}:interface=127.0.0.1",
            "endpoint": plan.endpoint(name),
            "store": f"sqlite:{name}.db",
            "options": {
                "settings": {
                    "allow-multiple-agent-connections": False,
                    "delivering-timeout": DELIVERING_SECONDS,
                }
            },
        }
        for dbid, name in enumerate(NODES, 101)
    }
    for name, node in nodes.items():
        if points := _capture_points(plan, name):
            node["capture"] = points
    proxies = {
        name: {
            "type": "Interaction Server",
            "role": "proxy",
            "tenants": [TENANT],
            "listen": f"tcp:{plan.ports[name]}:interface=127.0.0.1",
            "endpoint": plan.endpoint(name),
            "connections": ["nodes"],
            "options": {"settings": {"pull-hold-timeout": 1}},
            "routing": {"use": "round-robin"},
            "pull": {"use": "hold-override"},
            "merge": {"use": "union"},
        }
        for name in PROXIES
    }
    clusters = {
        "nodes": _cluster("Interaction Server", NODES),
        "clients": _cluster("Interaction Server Proxy", PROXIES),
    }
    applications = {**nodes, **proxies, **clusters}
    if plan.responder:
        for node in nodes.values():
            node["connections"] = [RESPONDER]
        applications[RESPONDER] = {
            "type": "Third Party Server",
            "tenants": [TENANT],
            "endpoint": plan.endpoint(RESPONDER),
            "connections": ["clients"],
        }
    return tomlkit.dumps({"tenants": {TENANT: tenant}, "applications": applications})


def _capture_points(plan: Plan, node: str) -> list[dict[str, object]]:
    points: list[dict[str, object]] = []
    defaults = {"default-values": {"MediaType": plan.media_types[0]}}
    if Way.FILES in plan.ways:
        paths = {f"{name}-path": str(path) for name, path in plan.folders(node).items()}
        told = {"notifications": ["stopped"], "scan-interval": 0.5}
        points.append({"name": FILES_POINT, "use": "file", **paths, **told, **defaults})
    if Way.CALLS in plan.ways:
        listen = f"tcp:{plan.web_port(node)}:interface=127.0.0.1"
        there = {"listen": listen, "soap-hostname": "127.0.0.1"}
        points.append({"name": WEB_POINT, "use": "webservice", **there, **defaults})
    return points


def _cluster(kind: str, members: Iterable[str]) -> dict[str, object]:
    return {
        "type": "Application Cluster",
        "connections": list(members),
        "options": {"cluster-settings": {"cluster-type": kind}},
    }


def write(plan: Plan) -> None:
    """
    Write the deployment file, and check it as every process will.

    :raise ConfigError: it has mistakes.
    :raise UsageError: it cannot be written, or the directory has a cluster in it.
    """
    text = deployment_text(plan)
    report = check(text, plan.directory)
    if report.errors:
        raise ConfigError(report.errors)
    try:
        plan.directory.mkdir(parents=True, exist_ok=True)
        there = sorted(path.name for node in NODES for path in [plan.store(node)] if path.exists())
        if there:
            raise UsageError(
                f"{plan.directory} has databases of an earlier run in it ({', '.join(there)}): "
                "the demo needs empty ones"
            )
        if Way.FILES in plan.ways:
            for path in [each for node in NODES for each in plan.folders(node).values()]:
                path.mkdir(parents=True, exist_ok=True)
                if any(path.iterdir()):
                    raise UsageError(f"{path} has files in it: the demo needs it empty")
        plan.file.write_text(text, "utf-8")
    except OSError as problem:
        raise UsageError(f"{plan.directory}: {problem.strerror}") from problem
