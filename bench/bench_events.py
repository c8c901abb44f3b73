"""
Proxy CPU per event that is delivered to reporting clients, against a bare C
send loop, on one core, in one run; and what clients that stall cost in memory.
"""

from __future__ import annotations

import json
import resource
import socket
import subprocess
import tempfile
from pathlib import Path
from typing import NamedTuple

from bench.event_node import PATIENCE, EventNode, event_frame, reporters
from bench.measuring import (
    OTHER_CORE,
    PROXY_CORE,
    Stage,
    build,
    cpu_seconds,
    free_port,
    median,
    python,
    resident,
    wait_for,
)
from ixproxy.wire.frames import FrameReader

CLIENTS = 1_000
ROUNDS = 5
TEXT = 340
"""Makes a frame of 500 bytes."""
LIMITS = {1: 1.5, 16: 2.0}
"""Events in flight to the ratio that must be kept."""
STALLED = 20
STREAM = 20_000_000
"""Bytes of the stream that they do not read."""
OUTPUT_LIMIT = 1 << 20
MARGIN = 5.0
"""MiB that the proxy may grow on top of the limits of who stalls."""

TWISTD = "from twisted.scripts.twistd import run; run()"

DEPLOYMENT = """
[tenants.Environment]
id = 1
[tenants.Environment.media-types]
email = {{}}
[tenants.Environment.queues.Inbound]
[applications.ixn1]
type = "Interaction Server"
dbid = 101
tenants = ["Environment"]
listen = "tcp:{node}"
endpoint = "tcp:127.0.0.1:{node}"
store = "sqlite:ixn1.db"
[applications.ixn1.options.settings]
keep-alive-interval = 0
[applications.nodes]
type = "Application Cluster"
connections = ["ixn1"]
[applications.nodes.options.cluster-settings]
cluster-type = "Interaction Server"
[applications.proxy1]
type = "Interaction Server"
role = "proxy"
tenants = ["Environment"]
listen = "tcp:{proxy}:interface=127.0.0.1"
endpoint = "tcp:127.0.0.1:{proxy}"
connections = ["nodes"]
[applications.proxy1.options.settings]
keep-alive-interval = 0
max-client-output = {output}
"""


class Measured(NamedTuple):
    """
    A process that sends what it hears to many.

    :ivar numbered: its events have numbers.
    """

    pid: int
    publisher: socket.socket
    subscribers: list[socket.socket]
    numbered: bool


def proxy(stage: Stage, name: str, clients: int) -> Measured:
    """A proxy process, a node that is about to write, and clients that have streams."""
    node_port, proxy_port = free_port(), free_port()
    node = EventNode(node_port)
    directory = stage.directory / name
    directory.mkdir()
    text = DEPLOYMENT.format(node=node_port, proxy=proxy_port, output=OUTPUT_LIMIT)
    (directory / "cluster.toml").write_text(text)
    process = stage.start(
        PROXY_CORE, python(), "-c", TWISTD, "-n", "--pidfile=", "ixproxy",
        "--config", f"{name}/cluster.toml", "--application", "proxy1", log=f"{name}.log",
    )  # fmt: skip
    wait_for(proxy_port, process)
    subscribers = reporters(proxy_port, clients)
    return Measured(process.pid, node.release(), subscribers, numbered=True)


def bare(stage: Stage) -> Measured:
    """The floor, with as many who are sent to."""
    subscriber_port, publisher_port = free_port(), free_port()
    process = stage.start(
        PROXY_CORE, str(build(stage.directory, "fan_out")), str(subscriber_port),
        str(publisher_port), log="fan_out.log",
    )  # fmt: skip
    wait_for(publisher_port, process)
    publisher = socket.create_connection(("127.0.0.1", publisher_port))
    publisher.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    address = "127.0.0.1", subscriber_port
    subscribers = [socket.create_connection(address) for _ in range(CLIENTS)]
    return Measured(process.pid, publisher, subscribers, numbered=False)


class Run(NamedTuple):
    """What one run was: CPU microseconds for each delivered event, and events a second."""

    cpu_us: float
    rate: float
    next: int


def measure(stage: Stage, measured: Measured, window: int, first: int) -> Run:
    """One run of the load over the sockets of what is measured."""
    raw, number_at = event_frame(TEXT)
    (stage.directory / "event.frame").write_bytes(raw)
    descriptors = [each.fileno() for each in (measured.publisher, *measured.subscribers)]
    command = [
        "taskset", "-c", OTHER_CORE, str(stage.directory / "event_load"), "500", "1000",
        str(window), "event.frame", str(number_at if measured.numbered else 0), str(first),
        *map(str, descriptors),
    ]  # fmt: skip
    with subprocess.Popen(
        command, cwd=stage.directory, stdout=subprocess.PIPE, text=True, pass_fds=descriptors
    ) as load:
        assert load.stdout is not None
        load.stdout.readline()
        before = cpu_seconds(measured.pid)
        line = load.stdout.readline()
        spent = cpu_seconds(measured.pid) - before
    if not line:
        raise SystemExit("the load of events failed")
    result = json.loads(line)
    delivered = result["delivered"]
    return Run(spent / delivered * 1e6, delivered / result["seconds"], result["next"])


def fan_out(stage: Stage) -> bool:
    """Print what an event costs; whether the limits are kept."""
    build(stage.directory, "event_load")
    both = {"C send loop": bare(stage), "ixproxy": proxy(stage, "proxy1", CLIENTS)}
    print(f"\nCPU per event delivered to {CLIENTS} reporting clients, 500 B")
    print("in flight  what         us/event  ratio  events/s")
    kept, first = True, dict.fromkeys(both, 1)
    for window, limit in LIMITS.items():
        runs: dict[str, list[Run]] = {name: [] for name in both}
        for _ in range(ROUNDS):
            for name, measured in both.items():
                run = measure(stage, measured, window, first[name])
                first[name] = run.next
                runs[name].append(run)
        floor = median([run.cpu_us for run in runs["C send loop"]])
        for name, found in runs.items():
            cpu = median([run.cpu_us for run in found])
            rate = median([run.rate for run in found])
            print(f"{window:9}  {name:11}  {cpu:8.2f}  {cpu / floor:5.2f}  {rate:8.0f}")
        ratio = median([run.cpu_us for run in runs["ixproxy"]]) / floor
        print(f"           limit {limit}: {'kept' if ratio <= limit else 'MISSED'}")
        kept = ratio <= limit and kept
    for measured in both.values():
        for each in (measured.publisher, *measured.subscribers):
            each.close()
    return kept


def stall(stage: Stage) -> bool:
    """Print what clients cost that do not read their stream; whether that keeps the limit."""
    measured = proxy(stage, "proxy2", STALLED + 1)
    reader = measured.subscribers[0]
    raw, number_at = event_frame(840)
    frames = FrameReader()
    before = most = resident(measured.pid)
    events, heard = STREAM // len(raw), 0
    for number in range(1, events + 1):
        numbered = number.to_bytes(4, "big")
        measured.publisher.sendall(raw[:number_at] + numbered + raw[number_at + 4 :])
        if not number % 100 or number == events:
            while heard < number:
                received = reader.recv(1 << 18)
                if not received:
                    raise SystemExit("the client that reads was closed")
                heard += len(frames.feed(received))
            most = max(most, resident(measured.pid))
    closed = sum(_is_closed(each) for each in measured.subscribers[1:])
    allowed = STALLED * OUTPUT_LIMIT / (1 << 20) + MARGIN
    grown, kept = most - before, most - before <= allowed and closed == STALLED
    print(f"\nproxy memory, {STALLED} reporting clients that read nothing of {STREAM:,} bytes")
    print(f"MiB grown  {grown:.1f}, limit {allowed:.0f} {'kept' if kept else 'MISSED'}")
    print(f"closed     {closed} of {STALLED}; one that reads got {heard} of {events} events")
    return kept


def _is_closed(client: socket.socket) -> bool:
    """Whether a client that had read nothing finds the end of its connection."""
    client.settimeout(PATIENCE)
    try:
        while client.recv(1 << 20):
            pass
    except TimeoutError:
        return False
    except ConnectionError:
        pass
    return True


def main() -> bool:
    """Print the tables; whether the limits are kept."""
    wanted = 3 * CLIENTS
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, hard), hard))
    with tempfile.TemporaryDirectory() as place:
        stage = Stage(Path(place))
        try:
            kept = fan_out(stage)
            kept = stall(stage) and kept
        finally:
            stage.end()
    return kept


if __name__ == "__main__":
    raise SystemExit(0 if main() else 1)
