"""What every test gets: a clean reactor, a log without surprises, and skips that count."""

from __future__ import annotations

import gc
import itertools
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from pytest_twisted import blockon
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IListeningPort, IReactorCore, IReactorFDSet, IReactorTime
from twisted.logger import globalLogBeginner, globalLogPublisher

import twisted.plugins
from ixproxy.testing import postgresql
from ixproxy.testing.activemq import ActivemqBroker
from ixproxy.testing.postgresql import PostgresqlServer
from ixproxy.testing.processes import RealCluster
from ixproxy.testing.rabbitmq import RabbitmqBroker
from tests.documents import documented_cluster
from tests.failures import LoggedFailures
from tests.skips import ALLOWED, SkipsCount, read_allowed

ROOT = Path(__file__).parent.parent

# `house` gives the same examples on every run; `wide` (HYPOTHESIS_PROFILE=wide) looks for new
# ones. Neither has a deadline: timing never fails a test.
hypothesis.settings.register_profile("house", deadline=None, derandomize=True, database=None)
hypothesis.settings.register_profile("wide", deadline=None, max_examples=2000)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "house"))

_NUMBERS = itertools.count(1)


def pytest_configure(config: pytest.Config) -> None:
    # Processes that tests start must run this checkout, not an installed copy of it.
    os.environ["PYTHONPATH"] = str(ROOT)
    # Until logging begins Twisted keeps every event, and with it all that its fields refer to.
    globalLogBeginner.beginLoggingTo([], discardBuffer=True, redirectStandardIO=False)
    if os.environ.get("CI"):
        config.pluginmanager.register(SkipsCount(read_allowed(ALLOWED.read_text())))
    for folder in twisted.plugins.__path__:
        installed = Path(folder) / "ixproxy_plugins.py"
        ours = ROOT / "twisted" / "plugins" / "ixproxy_plugins.py"
        # Twisted looks into its own folder first, so an installed drop-in hides ours.
        if installed.exists() and ours.exists() and installed.read_bytes() != ours.read_bytes():
            raise pytest.UsageError(f"{installed} differs from {ours}: run `make install`")


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> object:
    """
    Call an ordinary test as pytest does.

    pytest-twisted would send each through the reactor, one trip for every
    example of a property test; and when one of these fails, all that follow
    in its file fail with it.
    """
    test = getattr(pyfuncitem.obj, "hypothesis", None)
    test = test.inner_test if test else pyfuncitem.obj
    if hasattr(test, "_pytest_twisted_mark"):
        return None
    plain = pyfuncitem.config.pluginmanager.get_plugin("python")
    assert plain is not None
    return plain.pytest_pyfunc_call(pyfuncitem)


@pytest.fixture(scope="session")
def real_reactor() -> Any:
    """The one that pytest-twisted runs."""
    return reactor


@pytest.fixture(scope="session")
def cluster_endpoint(
    tmp_path_factory: pytest.TempPathFactory, twisted_greenlet: Any
) -> Iterator[str]:
    """Where a proxy of the cluster in doc/operations.md listens; the nodes keep what tests do."""
    text = documented_cluster(ROOT)
    cluster = RealCluster(reactor, tmp_path_factory.mktemp("cluster"), text)
    blockon(Deferred.fromCoroutine(cluster.start()))
    yield cluster.endpoint("proxy1")
    blockon(Deferred.fromCoroutine(cluster.stop()))


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[PostgresqlServer]:
    """A PostgreSQL server that all tests share; whoever stops or pauses one starts his own."""
    if reason := postgresql.unusable():
        pytest.skip(reason)
    with PostgresqlServer() as server:
        yield server


@pytest.fixture
def postgresql_database(postgresql_server: PostgresqlServer) -> Iterator[str]:
    """The address of an empty database of the test's own."""
    name = f"test{next(_NUMBERS)}"
    yield postgresql_server.make_database(name)
    postgresql_server.drop_database(name)


@pytest.fixture(scope="session")
def rabbitmq_broker() -> Iterator[RabbitmqBroker]:
    """A RabbitMQ that tests share, each with queues of its own; whoever kills it starts it."""
    if reason := RabbitmqBroker.unusable():
        pytest.skip(reason)
    with RabbitmqBroker() as broker:
        yield broker


@pytest.fixture(scope="session")
def activemq_broker() -> Iterator[ActivemqBroker]:
    """An ActiveMQ that all tests share, as the other broker."""
    if reason := ActivemqBroker.unusable():
        pytest.skip(reason)
    with ActivemqBroker() as broker:
        yield broker


@pytest.fixture(scope="module")
def module_failures() -> Iterator[LoggedFailures]:
    """Failures logged by a module's tests; a Deferred's failure may wait for the collector."""
    seen = LoggedFailures()
    globalLogPublisher.addObserver(seen)
    yield seen
    gc.collect()
    globalLogPublisher.removeObserver(seen)
    if report := seen.report():
        pytest.fail(f"logged after the test that caused it:\n{report}", pytrace=False)


@pytest.fixture(autouse=True)
def logged_failures(module_failures: LoggedFailures) -> Iterator[LoggedFailures]:
    """Fail a test that leaves a failure in the log; `flush` takes out what was expected."""
    yield module_failures
    report = module_failures.report()
    module_failures.flush()
    if report:
        pytest.fail(f"logged, and not expected:\n{report}", pytrace=False)


@pytest.fixture(autouse=True)
def clean_reactor() -> Iterator[None]:
    """Fail a test that leaves a timer or an open port, and clear it away for the next."""
    yield
    timers = [call for call in IReactorTime(reactor).getDelayedCalls() if call.active()]
    readers = IReactorFDSet(reactor).getReaders()
    ports = [reader for reader in readers if IListeningPort.providedBy(reader)]
    for call in timers:
        call.cancel()
    for port in ports:
        port.stopListening()
    if timers or ports:
        IReactorCore(reactor).iterate(0)
        left = "\n".join(map(str, [*timers, *ports]))
        pytest.fail(f"left behind in the reactor:\n{left}", pytrace=False)
