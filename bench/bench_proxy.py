"""Proxy CPU per request-reply against HAProxy, plain and over TLS, on one core, in one run."""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from bench.measuring import (
    OTHER_CORE,
    PROXY_CORE,
    Stage,
    build,
    cpu_seconds,
    free_port,
    median,
    python,
    wait_for,
)
from ixproxy.messages import (
    EventAck,
    RequestChangeProperties,
    RequestRegisterClient,
    ServerFacts,
)
from ixproxy.testing.certificates import Authority
from ixproxy.wire.codec import encode
from ixproxy.wire.prefix import read_frame

NODES = 3
CONNECTIONS = 50
IDS = 3_000
ROUNDS = 5
LIMITS = {"": {1: 2.5, 16: 10.0}, " tls": {1: 2.5, 16: 10.0}}
"""Plain and over TLS: depth to the ratio that must be reached now."""

TWISTD = "from twisted.scripts.twistd import run; run()"

HAPROXY = """
global
  nbthread 1
  maxconn 4000
defaults
  mode tcp
  timeout connect 5s
  timeout client 600s
  timeout server 600s
listen splice
  bind 127.0.0.1:{port}
  balance roundrobin
{servers}
listen secured
  bind 127.0.0.1:{tls_port} ssl crt proxy1.both
  balance roundrobin
{servers}
"""

DEPLOYMENT = """
[tenants.Environment]
id = 1
[tenants.Environment.media-types]
email = {{}}
[tenants.Environment.queues.Inbound]
{nodes}
[applications.nodes]
type = "Application Cluster"
connections = [{names}]
[applications.nodes.options.cluster-settings]
cluster-type = "Interaction Server"
[applications.proxy1]
type = "Interaction Server"
role = "proxy"
tenants = ["Environment"]
listen = "tcp:{port}:interface=127.0.0.1"
endpoint = "tcp:127.0.0.1:{port}"
connections = ["nodes"]
[applications.proxy2]
type = "Interaction Server"
role = "proxy"
tenants = ["Environment"]
listen = "tcp:{tls_port}:interface=127.0.0.1"
endpoint = "tcp:127.0.0.1:{tls_port}"
connections = ["nodes"]
[applications.proxy2.tls]
certificate = "proxy1.pem"
private-key = "proxy1.key"
"""

NODE = """
[applications.ixn{number}]
type = "Interaction Server"
dbid = {dbid}
tenants = ["Environment"]
listen = "tcp:{port}"
endpoint = "tcp:127.0.0.1:{port}"
store = "sqlite:ixn{number}.db"
"""


def frames(directory: Path) -> None:
    """The two frames that the load generator sends."""
    registration = RequestRegisterClient(client_name="bench", client_type="MediaServer")
    (directory / "register.frame").write_bytes(encode(registration, reference=1))
    request = RequestChangeProperties(
        tenant_id=1,
        interaction_id="bench-0000000000",
        changed_properties={
            "Customer": {"FirstName": "Mary", "LastName": "Shelley", "Account": "A-0071"},
            "Subject": "Where is my parcel?",
            "Attempts": 3,
            "Text": "x" * 310,
        },
    )
    (directory / "request.frame").write_bytes(encode(request, reference=2))


def server_body(number: int) -> str:
    """What a node says of itself, as hex for the echo node."""
    facts = ServerFacts(name=f"ixn{number}", role="node", dbid=100 + number, epoch=1, tenants=[1])
    return read_frame(encode(EventAck(server=facts))).body.hex()


def prepare(stage: Stage) -> dict[str, tuple[int, int]]:
    """Start everything; name to (pid, port) of what is measured."""
    directory = stage.directory
    node = build(directory, "echo_node")
    build(directory, "load_generator", "ssl", "crypto")
    frames(directory)
    shown = Authority("bench").issue("proxy1", ("127.0.0.1",)).write(directory, "proxy1")
    both = Path(shown.certificate).read_text() + Path(shown.private_key).read_text()
    (directory / "proxy1.both").write_text(both)
    ports = [free_port() for _ in range(NODES)]
    for number, port in enumerate(ports):
        process = stage.start(
            OTHER_CORE, str(node), str(port), str(number), str(NODES), server_body(number + 1),
            log=f"node{number}.log",
        )  # fmt: skip
        wait_for(port, process)
    haproxy_port, haproxy_tls_port = free_port(), free_port()
    proxy_port, proxy_tls_port = free_port(), free_port()
    servers = "\n".join(f"  server s{p} 127.0.0.1:{p}" for p in ports)
    configuration = HAPROXY.format(port=haproxy_port, tls_port=haproxy_tls_port, servers=servers)
    (directory / "haproxy.cfg").write_text(configuration)
    haproxy = stage.start(PROXY_CORE, "haproxy", "-f", "haproxy.cfg", log="haproxy.log")
    nodes = "".join(
        NODE.format(number=n + 1, dbid=101 + n, port=port) for n, port in enumerate(ports)
    )
    names = ", ".join(f'"ixn{n + 1}"' for n in range(NODES))
    text = DEPLOYMENT.format(nodes=nodes, names=names, port=proxy_port, tls_port=proxy_tls_port)
    (directory / "cluster.toml").write_text(text)
    proxy, secured = (
        stage.start(
            PROXY_CORE, python(), "-c", TWISTD, "-n", "--pidfile=", "ixproxy",
            "--config", "cluster.toml", "--application", name, log=f"{name}.log",
        )
        for name in ("proxy1", "proxy2")
    )  # fmt: skip
    wait_for(haproxy_port, haproxy)
    wait_for(proxy_port, proxy)
    wait_for(proxy_tls_port, secured)
    return {
        "haproxy": (haproxy.pid, haproxy_port),
        "ixproxy": (proxy.pid, proxy_port),
        "haproxy tls": (haproxy.pid, haproxy_tls_port),
        "ixproxy tls": (secured.pid, proxy_tls_port),
    }


def measure(stage: Stage, pid: int, port: int, depth: int, *tls: str) -> dict[str, Any]:
    """One run: CPU microseconds of the measured process per request-reply."""
    command = [
        "taskset", "-c", OTHER_CORE, str(stage.directory / "load_generator"), str(port),
        str(CONNECTIONS), str(depth), "700", "1000", "register.frame", "request.frame", str(IDS),
        *tls,
    ]  # fmt: skip
    with subprocess.Popen(command, cwd=stage.directory, stdout=subprocess.PIPE, text=True) as load:
        assert load.stdout is not None
        load.stdout.readline()
        before = cpu_seconds(pid)
        line = load.stdout.readline()
        spent = cpu_seconds(pid) - before
    if not line:
        raise SystemExit(f"the load generator failed on port {port}")
    result: dict[str, Any] = json.loads(line)
    if result["bad"]:
        raise SystemExit(f"{result['bad']} answers had a wrong reference")
    result["cpu_us"] = spent / result["answered"] * 1e6
    result["busy"] = spent / result["seconds"]
    return result


def compare(
    stage: Stage, measured: dict[str, tuple[int, int]], way: str, depth: int, limit: float
) -> bool:
    """Print two rows, of HAProxy and of ours; whether the ratio keeps its limit."""
    names = [f"haproxy{way}", f"ixproxy{way}"]
    runs: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
    for _ in range(ROUNDS):
        for name in names:
            runs[name].append(measure(stage, *measured[name], depth, *way.split()))
    floor, ours = (median([run["cpu_us"] for run in runs[name]]) for name in names)
    for name, results in runs.items():
        cpu = median([run["cpu_us"] for run in results])
        rate = median([run["answered"] / run["seconds"] for run in results])
        busy = median([run["busy"] for run in results])
        p50 = median([run["p50_us"] for run in results])
        p99 = median([run["p99_us"] for run in results])
        print(
            f"{depth:5}  {name:11}  {cpu:7.2f}  {cpu / floor:5.2f}  {rate:7.0f}"
            f"   {busy:4.2f}  {p50:6.0f}  {p99:6.0f}"
        )
    kept = ours / floor <= limit
    print(f"       limit {limit}: {'kept' if kept else 'MISSED'}")
    return kept


def main() -> bool:
    """Print the table; whether the limits are kept."""
    kept = True
    with tempfile.TemporaryDirectory() as place:
        stage = Stage(Path(place))
        try:
            measured = prepare(stage)
            print(f"\nproxy CPU per request-reply, {CONNECTIONS} connections, 3 nodes")
            print("depth  what         us/pair  ratio  pairs/s   busy  p50 us  p99 us")
            for way, limits in LIMITS.items():
                for depth, limit in limits.items():
                    kept = compare(stage, measured, way, depth, limit) and kept
        finally:
            stage.end()
    return kept


if __name__ == "__main__":
    raise SystemExit(0 if main() else 1)
