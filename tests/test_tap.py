"""`twistd ixproxy`: what the file makes of a proxy, live changes, and one that really runs."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.logger import capturedLogs, formatEvent
from twisted.python import usage

from ixproxy import tap
from ixproxy.config import load
from ixproxy.errors import ConfigError
from ixproxy.net.dialling import Dialling
from ixproxy.net.proxy_server import ProxyServer
from ixproxy.testing.processes import RealCluster

ONE_PROXY = """\
[tenants.Environment]
id = 1
[tenants.Environment.media-types]
email = {}
[tenants.Environment.queues.Q1.views.All]

[applications.ixn1]
type = "Interaction Server"
dbid = 101
tenants = ["Environment"]
listen = "tcp:7101:interface=127.0.0.1"
endpoint = "tcp:127.0.0.1:7101"
store = "sqlite:ixn1.db"

[applications.proxy1]
type = "Interaction Server"
role = "proxy"
tenants = ["Environment"]
listen = "tcp:7001:interface=127.0.0.1"
endpoint = "tcp:127.0.0.1:7001"
connections = ["ixn1"]
[applications.proxy1.options.settings]
interaction-cache-size = 500
"""


class Reactor:
    """As much of one as building a proxy asks for."""

    def __init__(self) -> None:
        self.when_running: list[Callable[..., object]] = []
        self.now = 5.0

    def callWhenRunning(self, function: Callable[..., object], *args: object) -> None:
        self.when_running.append(function)

    def seconds(self) -> float:
        return self.now

    def __getattr__(self, name: str) -> Any:
        return lambda *args, **kw: None


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "cluster.toml"
    path.write_text(ONE_PROXY)
    return path


def test_the_file_says_what_a_proxy_is_made_of(file: Path) -> None:
    server = tap.build(Reactor(), file, "proxy1")
    state = server.core.state
    assert state.settings.name == "proxy1"
    assert state.owners.size == 500
    assert list(state.links) == ["ixn1"]


def test_ids_of_snapshots_begin_elsewhere_in_each_proxy_that_is_started(file: Path) -> None:
    firsts = [tap.build(Reactor(), file, "proxy1").core.state.snapshots._next_id for _ in range(3)]
    assert len(set(firsts)) == 3
    assert all(0 < first < 1 << 31 for first in firsts)


def test_a_name_that_is_no_proxy_is_a_usage_error_that_says_so(file: Path) -> None:
    options: Any = tap.Options()  # type: ignore[no-untyped-call]
    options.parseOptions(["--config", str(file), "--application", "ixn1"])
    with pytest.raises(usage.UsageError, match="expected a proxy"):
        tap.makeService(options)


def test_a_file_that_is_not_there_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nothing\.toml"):
        tap.build(Reactor(), tmp_path / "nothing.toml", "proxy1")


def reloading_of(server: ProxyServer, file: Path) -> tap.Reloading:
    deployment = load(file)
    view = deployment.view_for("proxy1")
    return tap.Reloading(server, file, deployment.proxy("proxy1"), view, Dialling(Reactor()))


def test_a_changed_file_is_applied_live_and_a_bad_one_changes_nothing(file: Path) -> None:
    server = tap.build(Reactor(), file, "proxy1")
    reloading = reloading_of(server, file)
    file.write_text(ONE_PROXY.replace("= 500", "= 600"))
    assert reloading.reload()
    assert server.core.state.owners.size == 600
    assert server.surroundings.configuration.problem == ""
    for bad, reason in (
        (ONE_PROXY.replace("= 500", "= 5"), "interaction-cache-size"),
        (ONE_PROXY.replace("tcp:7001:interface", "tcp:7002:interface"), "needs a restart"),
        ("[", "line"),
    ):
        file.write_text(bad)
        with capturedLogs() as captured:
            assert not reloading.reload()
        assert any(reason in str(formatEvent(event)) for event in captured)
        assert server.surroundings.configuration.problem
        assert server.core.state.owners.size == 600
    server.core.node_lost(next(iter(server.core.state.links)), 0.0)


def reloaded(server: ProxyServer, file: Path, text: str) -> str:
    """Change the file under a running proxy; what the log says."""
    reloading = reloading_of(server, file)
    file.write_text(text)
    with capturedLogs() as captured:
        reloading.reload()
    return "\n".join(formatEvent(event) for event in captured)


def test_the_log_says_what_has_changed(file: Path) -> None:
    server = tap.build(Reactor(), file, "proxy1")
    said = reloaded(server, file, ONE_PROXY.replace("= 500", "= 600\nmax-clients = 10"))
    assert "was applied: interaction-cache-size 500 -> 600; max-clients 50000 -> 10" in said
    said = reloaded(server, file, ONE_PROXY.replace("= 500", "= 600\nmax-clients = 10"))
    assert "was applied: nothing in it that concerns this process has changed" in said


def test_what_is_no_interaction_server_is_not_connected_and_the_log_says_so(file: Path) -> None:
    """Test idea 10: a T-Server, named directly and by a cluster."""
    switch = '[applications.switch]\ntype = "T-Server"\n'
    text = ONE_PROXY.replace('["ixn1"]', '["ixn1", "switch"]') + switch
    file.write_text(text)
    with capturedLogs() as captured:
        server = tap.build(Reactor(), file, "proxy1")
    words = "switch (T-Server) is not connected: it is no Interaction Server"
    assert [formatEvent(event) for event in captured] == [words]
    assert list(server.core.state.links) == ["ixn1"]
    assert words not in reloaded(server, file, "# the same\n" + text)
    assert words not in reloaded(server, file, ONE_PROXY)


ROUTING = '[applications.proxy1.routing]\nuse = "weighted"\nweights = {{ ixn1 = {} }}\n'


def test_a_strategy_keeps_its_memory_while_its_table_says_the_same(file: Path) -> None:
    file.write_text(ONE_PROXY + ROUTING.format(2))
    server = tap.build(Reactor(), file, "proxy1")
    state = server.core.state
    routing, pull = state.strategies.routing, state.strategies.pull
    reloaded(server, file, ONE_PROXY.replace("= 500", "= 600") + ROUTING.format(2))
    assert state.strategies.routing is routing
    assert state.strategies.pull is pull
    said = reloaded(server, file, ONE_PROXY.replace("= 500", "= 600") + ROUTING.format(3))
    assert "settings of routing weighted changed" in said
    assert state.strategies.routing is not routing
    assert state.strategies.pull is pull


def test_a_strategy_that_cannot_be_made_changes_nothing(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = tap.build(Reactor(), file, "proxy1")
    before = server.core.state.strategies, server.core.state.settings

    def broken(*_: object) -> Any:
        raise ZeroDivisionError("no luck")

    monkeypatch.setattr("ixproxy.proxy_parts.find_maker", broken)
    said = reloaded(server, file, ONE_PROXY.replace("= 500", "= 600") + ROUTING.format(2))
    assert "was not applied" in said
    assert 'plug-in "weighted" failed: ZeroDivisionError: no luck' in said
    assert (server.core.state.strategies, server.core.state.settings) == before


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda text: text.replace("proxy1", "proxy9"), "expected a proxy"),
        (lambda text: text[: text.index("[applications.proxy1]")], "there are: none"),
        (lambda text: text[: len(text) // 2], "was not applied"),
        (lambda text: "", "expected a proxy"),
        (lambda text: text.replace("dbid = 101", "dbid = 101\ndbid = 102"), "not TOML"),
    ],
)
def test_a_file_in_which_the_proxy_is_missing_or_that_is_cut_off_changes_nothing(
    file: Path, change: Callable[[str], str], reason: str
) -> None:
    server = tap.build(Reactor(), file, "proxy1")
    said = reloaded(server, file, change(ONE_PROXY))
    assert "was not applied" in said
    assert reason in said
    assert list(server.core.state.links) == ["ixn1"]


def test_a_file_that_cannot_be_read_changes_nothing(file: Path) -> None:
    server = tap.build(Reactor(), file, "proxy1")
    reloading = reloading_of(server, file)
    for spoil in (file.unlink, file.mkdir):
        spoil()
        with capturedLogs() as captured:
            assert not reloading.reload()
        assert "cannot be read" in formatEvent(captured[0])
    assert list(server.core.state.links) == ["ixn1"]


@pytest_twisted.ensureDeferred
async def test_a_proxy_starts_follows_its_file_and_stops(tmp_path: Path, real_reactor: Any) -> None:
    async with RealCluster(real_reactor, tmp_path, ONE_PROXY) as cluster:
        process = cluster.servers.processes["proxy1"]
        process.signal(signal.SIGTERM)
        assert await process.when_ended() == "stopped"
