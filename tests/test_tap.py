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
from ixproxy.errors import ConfigError
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


def test_a_name_that_is_no_proxy_is_a_usage_error_that_says_so(file: Path) -> None:
    options: Any = tap.Options()  # type: ignore[no-untyped-call]
    options.parseOptions(["--config", str(file), "--application", "ixn1"])
    with pytest.raises(usage.UsageError, match="expected a proxy"):
        tap.makeService(options)


def test_a_file_that_is_not_there_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nothing\.toml"):
        tap.build(Reactor(), tmp_path / "nothing.toml", "proxy1")


def test_a_changed_file_is_applied_live_and_a_bad_one_changes_nothing(file: Path) -> None:
    server = tap.build(Reactor(), file, "proxy1")
    reloading = tap.Reloading(server, file, "proxy1", "tcp:7001:interface=127.0.0.1")
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


@pytest_twisted.ensureDeferred
async def test_a_proxy_starts_follows_its_file_and_stops(tmp_path: Path, real_reactor: Any) -> None:
    async with RealCluster(real_reactor, tmp_path, ONE_PROXY) as cluster:
        process = cluster.servers.processes["proxy1"]
        process.signal(signal.SIGTERM)
        assert await process.when_ended() == "stopped"
