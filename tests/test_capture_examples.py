"""The programs and deployments of examples/capture: work that comes to several nodes at once."""

from __future__ import annotations

import re
import runpy
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread

from ixproxy.client import connect
from ixproxy.messages import RequestGetInteractionProperties
from ixproxy.testing.kafka_broker import KafkaBroker, unusable
from ixproxy.testing.processes import RealCluster
from ixproxy.testing.rabbitmq import PASSWORD, RabbitmqBroker

HERE = Path(__file__).parent.parent / "examples" / "capture"
NODES = ("ixn1", "ixn2", "ixn3")
FILES = "/var/tmp/ixproxy-claims"
SECONDS = 120
LOOKS = 2400
"""So often, a twentieth of a second each, something is looked for that is to happen."""
MOST_ROUNDS = 20
TOPICS = {"claims-in": 6, "claims-processed": 1, "claims-errors": 1, "claims-told": 1}
"""And how many partitions each has."""
PATHS = ("inbound", "processed", "error", "notification")
QUICK = 'consumer-options = { "session.timeout.ms" = 1500, "heartbeat.interval.ms" = 300 }'
"""This broker lets who joins again wait for so long, less a second."""


def run(program: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", str(HERE / program), *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


async def lines_of(program: str, *arguments: object) -> list[str]:
    """What a program says that ends well, but for what it waits for."""
    done = await deferToThread(run, program, *arguments)
    others = [each for each in done.stderr.splitlines() if not each.startswith("waiting for ")]
    assert (done.returncode, others) == (0, []), done.stdout + done.stderr
    return done.stdout.splitlines()


def parallel(tmp_path: Path) -> str:
    """The deployment, with directories of the test's own."""
    return (HERE / "parallel.toml").read_text().replace(FILES, str(tmp_path / "claims"))


def port_of(cluster: RealCluster, node: str) -> str:
    """Where a node's web service listens."""
    text = cluster.file.read_text().partition(f"[[applications.{node}.capture]]")[2]
    found = re.search(r'use = "webservice"\nqueue = "Claims"\nlisten = "tcp:([0-9]+)', text)
    assert found
    return found[1]


async def shown(cluster: RealCluster, reactor: Any, identifiers: Sequence[str]) -> Counter[str]:
    """Who submitted what, as the proxy shows it, which sees all nodes."""
    client = await connect(
        reactor, cluster.endpoint("proxy1"), name="mail", client_type="MediaServer"
    )
    found: Counter[str] = Counter()
    for identifier in identifiers:
        asked = RequestGetInteractionProperties(tenant_id=1, interaction_id=identifier)
        found[(await client.request(asked)).interaction["SubmittedBy"]] += 1
    await client.close()
    return found


async def until(reactor: Any, happened: Callable[[], bool]) -> None:
    for _ in range(LOOKS):
        if happened():
            return
        await deferLater(reactor, 0.05)
    raise AssertionError("it did not happen")


@pytest.mark.processes
@pytest_twisted.ensureDeferred
async def test_nodes_take_work_in_parallel_and_a_capture_point_sees_its_own_node(
    tmp_path: Path, real_reactor: Any
) -> None:
    text = parallel(tmp_path)
    (tmp_path / "first.toml").write_text(text)
    assert await lines_of("put_files.py", tmp_path / "first.toml", "--count", 0) == []
    async with RealCluster(real_reactor, tmp_path / "cluster", text) as cluster:
        # Different directories: all nodes take files, each those of its own.
        put = await lines_of("put_files.py", cluster.file, "--count", 6)
        assert Counter(line.split()[2] for line in put) == {f"{node}:": 2 for node in NODES}
        assert {line.split()[3] for line in put} == {"submitted"}
        by_file = [line.split()[-1] for line in put]
        assert await shown(cluster, real_reactor, by_file) == {"claims": 6}

        # Balanced web services: each node takes its share; the others do not know of it.
        called = await lines_of("call_nodes.py", cluster.file, "--count", 3, "--others")
        assert Counter(line.split(": ")[1] for line in called) == {
            "it is in Claims": 3,
            "404, code 43": 6,
        }
        by_call = sorted({line.split()[0] for line in called})
        assert await shown(cluster, real_reactor, by_call) == {"claims-web": 3}

        # The limit: another node's capture point refuses what exists all the same.
        where = next(line for line in put if " ixn1: " in line).split()[-1]
        for node, place in (("ixn2", "error"), ("ixn1", "processed")):
            inbound = tmp_path / "claims" / node / "inbound"
            for verb in ("getinfo", "update"):
                inside = "<properties><Priority>7</Priority></properties>" * (verb == "update")
                hidden = inbound / ".new"
                hidden.write_text(
                    f'<interaction operation="{verb}" InteractionId="{where}">{inside}'
                    "</interaction>"
                )
                hidden.rename(inbound / f"{verb}.xml")
                went = inbound.parent / place / f"{verb}.xml"
                if place == "error":
                    reason = went.with_name(f"{verb}.xml.reason.txt")
                    await until(real_reactor, reason.exists)
                    assert "43" in reason.read_text()
                await until(real_reactor, went.exists)
        assert await shown(cluster, real_reactor, [where]) == {"claims": 1}

        # One node is gone: its share goes to the next.
        await cluster.kill("ixn1")
        called = await lines_of("call_nodes.py", cluster.file, "--count", 3)
        gone = f"http://127.0.0.1:{port_of(cluster, 'ixn1')}"
        assert called[0] == f"{gone} is not there"
        took = [line.split()[2] for line in called if line.endswith("it is in Claims")]
        two, three = (f"http://127.0.0.1:{port_of(cluster, node)}:" for node in NODES[1:])
        assert Counter(took) == {two: 2, three: 1}


@pytest.mark.processes
@pytest_twisted.ensureDeferred
async def test_nodes_share_the_queues_of_a_broker(
    tmp_path: Path, real_reactor: Any, rabbitmq_broker: RabbitmqBroker
) -> None:
    password = tmp_path / "password"
    password.write_text(f"{PASSWORD}\n")
    text = (HERE / "queues.toml").read_text()
    text = text.replace(f"{FILES}/password", str(password))
    # In single quotes a port stays as it is.
    text = text.replace('"tcp:127.0.0.1:61613"', f"'tcp:127.0.0.1:{rabbitmq_broker.stomp_port}'")
    async with RealCluster(real_reactor, tmp_path / "cluster", text) as cluster:
        address = f"127.0.0.1:{rabbitmq_broker.stomp_port}"
        by_queue: list[str] = []
        nodes: set[str] = set()
        # A node that is not connected yet has no share of the first ones.
        for _ in range(MOST_ROUNDS):
            *sent, shares = await lines_of("send_messages.py", address, "--count", 30)
            by_queue += [line.split()[-1] for line in sent]
            nodes |= set(shares.removeprefix("by dbid: ").split()[::2])
            if nodes >= {"101", "102", "103"}:
                break
        assert nodes == {"101", "102", "103"}, "each node had some"
        assert await shown(cluster, real_reactor, by_queue) == {"claims": len(set(by_queue))}
        assert len(by_queue) == len(set(by_queue))


@pytest.mark.processes
@pytest_twisted.ensureDeferred
async def test_nodes_share_the_partitions_of_a_topic(tmp_path: Path, real_reactor: Any) -> None:
    if reason := unusable():
        pytest.skip(reason)
    with KafkaBroker() as broker:
        for topic, partitions in TOPICS.items():
            broker.make_topic(topic, partitions)
        text = (HERE / "topics.toml").read_text()
        # In single quotes a port stays as it is.
        text = text.replace('"127.0.0.1:9092"', f"'{broker.address}'\n{QUICK}")
        async with RealCluster(real_reactor, tmp_path / "cluster", text) as cluster:
            by_record: list[str] = []
            nodes: set[str] = set()
            # A node that has not joined yet has no partition.
            for _ in range(MOST_ROUNDS):
                *sent, shares = await lines_of("send_records.py", broker.address, "--count", 30)
                by_record += [line.split()[-1] for line in sent]
                nodes |= set(shares.removeprefix("by dbid: ").split()[::2])
                if nodes >= {"101", "102", "103"}:
                    break
            assert nodes == {"101", "102", "103"}, "each node had some"
            assert len(by_record) == len(set(by_record))
            assert await shown(cluster, real_reactor, by_record) == {"claims": len(by_record)}


def test_who_waits_for_a_node_that_does_not_run_says_for_which_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    example = runpy.run_path(str(HERE / "put_files.py"))
    places = [
        example["Directories"](
            node, {f"{name}-path": str(tmp_path / node / name) for name in PATHS}
        )
        for node in NODES
    ]
    seconds = [0.0]

    def later(more: float) -> None:
        """The first node works, the second has taken its file, the third is down."""
        seconds[0] += more
        for node, name in (("ixn1", "a"), ("ixn2", "b")):
            (tmp_path / node / "inbound" / f"{name}.xml").unlink(missing_ok=True)
        reply = '<interaction operation="submitted" InteractionId="7" ExternalId="a"/>'
        (tmp_path / "ixn1" / "notification" / "1.xml").write_text(reply)

    clock = SimpleNamespace(monotonic=lambda: seconds[0], sleep=later)
    monkeypatch.setitem(example["run"].__globals__, "time", clock)
    with pytest.raises(SystemExit) as ended:
        example["run"](places, ["a", "b", "c"], 10.0)
    whom = "ixn2 (1 not answered), ixn3 (1 not answered, 1 of them not taken: does ixn3 run?)"
    assert capsys.readouterr() == ("a at ixn1: submitted 7\n", f"waiting for {whom}\n")
    assert str(ended.value) == f"2 were not answered within 10 s, by {whom}: b, c"


@pytest.mark.parametrize(
    ("program", "arguments", "said"),
    [
        ("put_files.py", ["nowhere.toml"], "put_files.py: nowhere.toml"),
        ("put_files.py", [HERE / "queues.toml"], "has no file capture points"),
        ("call_nodes.py", ["nowhere.toml"], "call_nodes.py: nowhere.toml"),
        ("call_nodes.py", [HERE / "queues.toml"], "has no web services"),
        ("send_messages.py", ["127.0.0.1:1"], "127.0.0.1:1: [Errno 111] Connection refused"),
        ("send_messages.py", ["nonsense"], "send_messages.py: nonsense: "),
        ("send_records.py", ["127.0.0.1:1", "--seconds", "1"], "send_records.py: 127.0.0.1:1: "),
    ],
)
def test_what_a_program_cannot_use_is_said_in_a_line(
    program: str, arguments: list[object], said: str
) -> None:
    done = run(program, *arguments)
    assert done.returncode == 1
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
