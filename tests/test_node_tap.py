"""`twistd ixnode`: what the file makes of a node, live changes, and one killed in real life."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock, deferLater
from twisted.logger import LogEvent, capturedLogs, formatEvent
from twisted.python import usage

from ixproxy import node_tap
from ixproxy.client import connect
from ixproxy.errors import ConfigError, RequestRefused, StorageError
from ixproxy.messages import RequestFindInteractions, RequestSubmit
from ixproxy.net.dialling import Dialling
from ixproxy.net.door import OPEN
from ixproxy.net.node_limits import NodeLimits
from ixproxy.net.surroundings import Surroundings
from ixproxy.node.leading import State
from ixproxy.storage.sqlite import SqliteStore
from ixproxy.storage.sqlite_lease import SqliteLease
from ixproxy.testing.processes import RealCluster

ONE_NODE = """\
[tenants.Environment]
id = 1
[tenants.Environment.media-types]
email = {}
[tenants.Environment.custom-properties]
product = { type = "string" }
[tenants.Environment.queues.Inbound.views.All]

[applications.ixn1]
type = "Interaction Server"
dbid = 101
tenants = ["Environment"]
listen = "tcp:7101:interface=127.0.0.1"
endpoint = "tcp:127.0.0.1:7101"
backup = "ixn1-b"
store = "sqlite:ixn1.db"
[applications.ixn1.options.settings]
allow-multiple-agent-connections = false
max-frame = 2097152
max-pending-per-client = 77
pull-hold-timeout = 3

[applications.ixn1-b]
listen = "tcp:7111:interface=127.0.0.1"
endpoint = "tcp:127.0.0.1:7111"
"""
SUBMIT = RequestSubmit(tenant_id=1, media_type="email", queue="Inbound", user_data={"product": "x"})


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "cluster.toml"
    path.write_text(ONE_NODE)
    return path


ALONE = ONE_NODE.partition("[applications.ixn1-b]")[0].replace('backup = "ixn1-b"\n', "")
"""The same without a backup."""


class Reactor:
    """As much of one as building a node asks for."""

    def __init__(self) -> None:
        self.when_running: list[Callable[..., object]] = []

    def callWhenRunning(self, function: Callable[..., object], *args: object) -> None:
        self.when_running.append(function)

    def __getattr__(self, name: str) -> Any:
        return lambda *args, **kw: None


def test_the_file_says_what_a_node_is_made_of(file: Path) -> None:
    parts = node_tap.read(file, "ixn1")
    assert parts.application.dbid == 101
    assert parts.limits == NodeLimits(max_frame=2097152, max_pending_per_client=77)
    assert parts.plan.settings.pull_hold_timeout == 3
    assert parts.model.tenants[1].views.keys() == {"Inbound/All"}
    assert parts.store["custom_columns"] == {"c_product": "string"}
    server, store, lease = terms(file, "ixn1").next()
    assert (server.state.name, server.state.dbid) == ("ixn1", 101)
    assert server.state.limits == parts.limits
    assert isinstance(store, SqliteStore)
    assert isinstance(lease, SqliteLease)
    assert lease.path == file.with_name("ixn1.db.lease")


def terms(file: Path, name: str) -> node_tap.Terms:
    reactor: Any = Reactor()
    parts = node_tap.read(file, name)
    return node_tap.Terms(reactor, parts, Dialling(reactor), Surroundings(Clock(), lambda: 0.0))


def test_a_backup_is_the_same_node_at_another_address(file: Path) -> None:
    first, second = terms(file, "ixn1"), terms(file, "ixn1-b")
    assert second.parts.model.tenants == first.parts.model.tenants
    assert second.parts.limits == first.parts.limits
    assert second.parts.plan == first.parts.plan
    assert second.parts.store == first.parts.store
    assert second.parts.application.listen == "tcp:7111:interface=127.0.0.1"
    server = second.next().server
    assert (server.state.name, server.state.dbid) == ("ixn1-b", 101)


def test_each_term_is_made_anew(file: Path) -> None:
    made = terms(file, "ixn1")
    one, other = made.next(), made.next()
    assert not {id(each) for each in one} & {id(each) for each in other}
    assert one.server.surroundings is other.server.surroundings


def test_the_limit_of_a_lease_is_of_the_file_for_both(file: Path) -> None:
    file.write_text(ONE_NODE.replace("= 77", "= 77\nlease-limit = 4"))
    assert node_tap.build(Reactor(), file, "ixn1").limit == 4
    assert node_tap.build(Reactor(), file, "ixn1-b").limit == 4


def test_an_application_that_cannot_be_started_is_named(file: Path) -> None:
    with pytest.raises(usage.UsageError, match=r"(?s)ixn7.*expected a node"):
        node_tap.makeService({"config": str(file), "application": "ixn7"})  # type: ignore[arg-type]


def test_a_store_of_an_unknown_kind_is_a_configuration_error(file: Path) -> None:
    file.write_text(ONE_NODE.replace("sqlite:ixn1.db", "papyrus:ixn1"))
    with pytest.raises(ConfigError, match="papyrus"):
        node_tap.build(Reactor(), file, "ixn1")


class Server:
    """A node that is told of changes, and the member whose server it is."""

    def __init__(self, answer: Deferred[None] | None = None) -> None:
        self.changes: list[tuple[Any, ...]] = []
        self.answer = answer
        self.surroundings = Surroundings(Clock(), lambda: 0.0)
        self.member = SimpleNamespace(
            server=SimpleNamespace(
                state=SimpleNamespace(door=OPEN), configuration_changed=self._changed
            ),
            state=State.PRIMARY,
            limit=10.0,
            configuration_changed=lambda: self.changes.append(()),
        )

    def _changed(self, *changed: Any) -> Deferred[None]:
        self.changes.append(changed)
        return self.answer or succeed(None)

    def reloading(self, file: Path) -> node_tap.Reloading:
        self.terms = terms(file, "ixn1")
        member: Any = self.member
        reactor: Any = Reactor()
        return node_tap.Reloading(member, self.terms, self.surroundings, file, Dialling(reactor))


def reload(
    file: Path, new: str, answer: Deferred[None] | None = None, state: State = State.PRIMARY
) -> tuple[Server, str]:
    """Change the file under a running node; what it was told, and what the log says."""
    server = Server(answer)
    server.member.state = state
    reloading = server.reloading(file)
    file.write_text(new)
    with capturedLogs() as events:
        applied = reloading.reload()
    assert applied == bool(server.changes)
    return server, "\n".join(map(_text, events))


def _text(event: LogEvent) -> str:
    return formatEvent(event)


def test_a_changed_file_is_applied(file: Path) -> None:
    new = ONE_NODE.replace("= 77", "= 78").replace("views.All]", "views.New]")
    server, said = reload(file, new)
    ((model, settings, limits, silence, servers, capture, logs),) = server.changes
    assert (servers, capture, logs) == ((), (), ())
    assert model.tenants[1].views.keys() == {"Inbound/New"}
    assert settings.pull_hold_timeout == 3
    assert limits.max_pending_per_client == 78
    assert silence == (15.0, 45.0)
    assert "was applied: " in said
    assert (
        "view of Environment: Inbound/All removed; view of Environment: Inbound/New added" in said
    )
    assert "max-pending-per-client 77 -> 78" in said
    assert server.surroundings.configuration.problem == ""
    assert server.terms.parts.limits.max_pending_per_client == 78


def test_external_servers_come_and_go_with_the_file(file: Path) -> None:
    server = '[applications.esp]\ntype = "Third Party Server"\nendpoint = "tcp:127.0.0.1:7301"\n'
    new = ONE_NODE.replace("backup =", 'connections = ["esp"]\nbackup =', 1) + server
    told, said = reload(file, new)
    assert [each.name for each in told.changes[0][4]] == ["esp"]
    assert "external server esp added" in said


@pytest.mark.parametrize("state", [State.WAITING, State.LEAVING, State.RETURNING])
def test_who_does_not_serve_begins_the_next_time_with_the_new_file(
    file: Path, state: State
) -> None:
    server, said = reload(file, ONE_NODE.replace("= 77", "= 78\nlease-limit = 5"), state=state)
    assert server.changes == [()]
    assert "max-pending-per-client 77 -> 78" in said
    assert server.terms.parts.limits.max_pending_per_client == 78
    assert server.member.limit == 5


def test_a_file_that_says_the_same_is_applied_and_the_log_says_so(file: Path) -> None:
    _, said = reload(file, "# nothing new\n" + ONE_NODE)
    assert "was applied: nothing in it that concerns this process has changed" in said


def test_all_that_needs_a_restart_is_named_at_once(file: Path) -> None:
    new = ONE_NODE.replace("dbid = 101", "dbid = 102").replace("tcp:7101:i", "tcp:7102:i")
    new = new.replace("= 77", "= 77\nnumber-of-database-connections = 3")
    new = new.replace("ixn1.db", "ixn9.db").replace('type = "string"', 'type = "number"')
    server, said = reload(file, new)
    assert server.changes == []
    for key in ("dbid", "listen", "store", "number-of-database-connections", "custom-properties"):
        assert f"{key}: " in said, key


def test_two_changes_in_a_row_are_applied_in_order(file: Path) -> None:
    server = Server()
    reloading = server.reloading(file)
    first, second = Deferred[None](), Deferred[None]()
    with capturedLogs() as events:
        for answer, count in ((first, "78"), (second, "79")):
            server.answer = answer
            file.write_text(ONE_NODE.replace("= 77", f"= {count}"))
            assert reloading.reload()
        first.callback(None)
        second.callback(None)
    said = [_text(event) for event in events]
    assert "max-pending-per-client 77 -> 78" in said[0]
    assert "max-pending-per-client 78 -> 79" in said[1]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("id = 1\n", 'id = "one"\n', "tenants.Environment"),
        ("= 77", "= 0", "max-pending-per-client"),
        ("dbid = 101", "dbid = 102", "dbid: a change from 101 to 102 needs a restart"),
        ("ixn1.db", "ixn2.db", "store: a change"),
        ("tcp:7101:interface", "tcp:7102:interface", "listen: a change"),
        ("ixn1", "ixn9", "expected a node"),
        ('type = "string"', 'type = "number"', "custom properties have changed"),
    ],
)
def test_a_file_that_cannot_be_applied_changes_nothing_and_says_why(
    file: Path, old: str, new: str, said: str
) -> None:
    server, heard = reload(file, ONE_NODE.replace(old, new))
    assert server.changes == []
    assert "was not applied" in heard
    assert said in heard
    assert server.surroundings.configuration.problem


def test_a_store_that_cannot_follow_is_told(file: Path) -> None:
    answer: Deferred[None] = Deferred()
    answer.errback(StorageError("no index"))
    server, heard = reload(file, ONE_NODE.replace("= 77", "= 78"), answer)
    assert "was not applied: no index" in heard
    assert server.surroundings.configuration.problem == "the store could not follow"
    assert server.terms.parts.limits.max_pending_per_client == 77


def test_a_term_that_ends_before_it_has_followed_leaves_the_new_file_to_the_next(
    file: Path,
) -> None:
    answer: Deferred[None] = Deferred()
    server, _ = reload(file, ONE_NODE.replace("= 77", "= 78"), answer)
    server.member.server = None
    with capturedLogs() as events:
        answer.errback(StorageError("no index"))
    assert "was applied" in _text(events[0])
    assert server.terms.parts.limits.max_pending_per_client == 78


class Submitter:
    """A client that always has some submits without an answer."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.acknowledged: list[str] = []
        self.going = True

    async def lane(self) -> None:
        """Submit one after another, until the node is gone."""
        while self.going:
            try:
                ack = await self._client.request(SUBMIT)
            except RequestRefused:
                return
            self.acknowledged.append(ack.interaction_id)


async def _until(reactor: Any, true: Callable[[], bool]) -> None:
    while not true():
        await deferLater(reactor, 0.02)


@pytest.mark.processes
@pytest_twisted.ensureDeferred
async def test_what_a_killed_node_acknowledged_is_there_after_its_restart(
    tmp_path: Path, real_reactor: Any
) -> None:
    text = ALONE + "max-interactions-per-find = 99999\n"
    async with RealCluster(real_reactor, tmp_path, text) as cluster:
        endpoint = cluster.endpoint("ixn1")
        client = await connect(real_reactor, endpoint, name="mail", client_type="MediaServer")
        submitter = Submitter(client)
        lanes = [Deferred.fromCoroutine(submitter.lane()) for _ in range(30)]
        await _until(real_reactor, lambda: len(submitter.acknowledged) > 500)
        await cluster.kill("ixn1")
        submitter.going = False
        acknowledged = set(submitter.acknowledged)
        assert len(acknowledged) == len(submitter.acknowledged)
        await client.close()
        for lane in lanes:
            await lane
        await cluster.restart("ixn1")
        client = await connect(real_reactor, endpoint, name="mail", client_type="MediaServer")
        assert client.server.epoch == 2
        found = await client.request(
            RequestFindInteractions(tenant_id=1, number_of_interactions=99999)
        )
        assert acknowledged <= found.interactions.keys()
        assert len(found.interactions) <= len(acknowledged) + 30
        assert all(each["UserData"] == {"product": "x"} for each in found.interactions.values())
        await client.close()


@pytest.mark.processes
@pytest_twisted.ensureDeferred
async def test_a_hangup_has_the_file_read_again(tmp_path: Path, real_reactor: Any) -> None:
    async with RealCluster(real_reactor, tmp_path, ALONE) as cluster:
        process = cluster.servers.processes["ixn1"]
        good = cluster.file.read_text()

        def heard(words: str) -> bool:
            return words in cluster.log("ixn1").read_text()

        cluster.file.write_text(good.replace("id = 1\n", "id = -1\n"))
        os.kill(process.pid, signal.SIGHUP)
        await _until(real_reactor, lambda: heard("was not applied"))
        assert heard("tenants.Environment")
        cluster.file.write_text(good.replace("views.All]", "views.New]"))
        os.kill(process.pid, signal.SIGHUP)
        await _until(real_reactor, lambda: heard("was applied"))
        assert process.running


@pytest.mark.processes
@pytest_twisted.ensureDeferred
async def test_a_node_that_is_told_to_stop_twice_stops_once(
    tmp_path: Path, real_reactor: Any
) -> None:
    async with RealCluster(real_reactor, tmp_path, ALONE) as cluster:
        process = cluster.servers.processes["ixn1"]
        os.kill(process.pid, signal.SIGTERM)
        os.kill(process.pid, signal.SIGTERM)
        assert await process.when_ended() == "stopped"
        said = cluster.log("ixn1").read_text()
        assert "Traceback" not in said
        assert said.count("Received SIGTERM") == 1


@pytest.mark.processes
@pytest_twisted.ensureDeferred
async def test_a_node_that_cannot_open_its_store_ends_and_says_why(
    tmp_path: Path, real_reactor: Any
) -> None:
    cluster = RealCluster(real_reactor, tmp_path, ALONE)
    cluster.store("ixn1").write_text("no database, but a text " * 100)
    cluster.begin("ixn1")
    process = cluster.servers.processes["ixn1"]
    outcome = await process.when_ended()
    assert "exit code 1" in outcome
    assert "the file is no SQLite database" in cluster.log("ixn1").read_text()
