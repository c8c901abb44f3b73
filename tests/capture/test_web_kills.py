"""Callers with receipts call again through restarts of a node: nothing is lost or doubled."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

import msgspec
import pytest
from twisted.internet.defer import Deferred, succeed
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IListeningPort, IStreamServerEndpoint
from zope.interface import implementer

from ixproxy.capture.web_service import WebService
from ixproxy.capture.web_settings import WebSettings
from ixproxy.net.capture_plans import CaptureLimits, CapturePlan
from ixproxy.node.intake_settings import CaptureRules
from ixproxy.testing.cluster import Cluster
from tests.capture.web_stage import SOAP_PATH, Answered, Caller, envelope
from tests.testing.captured import stored

PATIENCE = 3.0
"""Seconds that a caller waits for an answer."""

CALLERS = 30


@implementer(IListeningPort)
class _Port:
    """A port of the host; it is free again when its server ends or is killed."""

    def __init__(self, host: Host) -> None:
        self._host = host

    def startListening(self) -> None:
        """It does."""

    def stopListening(self) -> Deferred[None]:
        self._host.factory = None
        return succeed(None)

    def getHost(self) -> Any:
        return self._host


@implementer(IStreamServerEndpoint)
class Host:
    """One port in memory, and who listens on it."""

    port = 8080

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self.factory: Any = None

    def listen(self, protocolFactory: Any) -> Deferred[Any]:
        if self.factory is not None:
            raise CannotListenError("", self.port, OSError(98, "Address already in use"))
        self.factory = protocolFactory
        return succeed(_Port(self))

    def later(self, seconds: float) -> None:
        """Time passes in the cluster alone."""


class Program:
    """Calls with one document after the other, each until it is answered."""

    def __init__(self, host: Host, random: Random, names: list[str], soap: bool) -> None:
        self._host, self._random, self._names, self._soap = host, random, names, soap
        self._caller: Caller | None = None
        self._until = 0.0
        self.told: dict[str, str] = {}
        self.retries = 0

    @property
    def done(self) -> bool:
        """Whether all is answered."""
        return not self._names

    def step(self, now: float) -> None:
        """Read what came, give up what takes too long, and call."""
        caller = self._caller
        if caller is not None:
            for answer in caller.answers():
                self._answered(answer)
            if self._caller is not None and (caller.is_closed() or now >= self._until):
                self.hang_up()
        elif self._names and now >= self._until and self._host.factory is not None:
            self._call(now)

    def hang_up(self) -> None:
        """The connection is lost; a caller calls again a little later."""
        if self._caller is not None:
            self._caller.lose()
            self._caller = None
            self.retries += 1

    def _call(self, now: float) -> None:
        made = Caller(self._host)
        if made.lost:
            return
        name = self._names[0]
        self._caller, self._until = made, now + PATIENCE
        if self._soap:
            inner = (
                f"<ixn:Submit><ixn:ExternalId>{name}</ixn:ExternalId>"
                "<ixn:MediaType>email</ixn:MediaType><ixn:Queue>In</ixn:Queue></ixn:Submit>"
            )
            kind = {"Content-Type": "text/xml", "Idempotency-Key": f'"{name}"'}
            made.ask("POST", SOAP_PATH, envelope(inner), kind)
        else:
            document = {
                "externalId": name,
                "properties": {"MediaType": "email", "Queue": "In"},
            }
            made.ask("POST", "/interactions", msgspec.json.encode(document),
                     {"Idempotency-Key": name})  # fmt: skip
        if self._random.random() < 0.1:
            # Some callers do not even wait.
            self.hang_up()

    def _answered(self, answer: Answered) -> None:
        assert self._caller is not None
        self._caller.lose()
        self._caller = None
        self._until = 0.0
        if answer.status in (200, 201):
            self.told[self._names.pop(0)] = self._id(answer)
        else:
            assert answer.status == 503, answer.body
            assert int(answer.headers["retry-after"]) > 0
            self.retries += 1

    def _id(self, answer: Answered) -> str:
        if not self._soap:
            return str(msgspec.json.decode(answer.body)["interactionId"])
        found = answer.body.partition(b"InteractionId</ixn:key><ixn:value><ixn:ValueString>")[2]
        return found.partition(b"<")[0].decode()


@pytest.fixture(params=[False, True], ids=["lone", "pair"])
def cluster(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    made = Cluster(seed=5, nodes=1, proxies=1, pairs=request.param, start=False)
    yield made
    made.close()


@pytest.mark.parametrize("seed", range(3))
def test_callers_that_call_again_have_everything_done_once(cluster: Cluster, seed: int) -> None:
    host, random = Host(cluster), Random(seed)
    settings = WebSettings(listen="memory", soap_hostname="ixn1")
    cluster.nodes[0].capture(
        CapturePlan(
            "web-in",
            "webservice",
            lambda: WebService(settings, lambda reactor, text: host),
            {},
            CaptureRules(),
            CaptureLimits(),
        )
    )
    cluster.start_node(0)
    names = [f"d{number:04}" for number in range(1000)]
    programs = [
        Program(host, random, names[place::CALLERS], soap=place % 2 == 0)
        for place in range(CALLERS)
    ]
    kills = 0
    while not all(program.done for program in programs):
        for program in programs:
            program.step(cluster.clock.seconds())
        cluster.run(random.choice((0.001, 0.004, 0.03)))
        node = cluster.nodes[0]
        if node.listening and random.random() < 0.1:
            kills += 1
            node.kill()
            host.factory = None
            for program in programs:
                program.hang_up()
            cluster.run(random.random())
        node.start()
        if not node.listening:
            cluster.run(random.choice((0.1, 3.0)))
    assert kills >= 3
    assert sum(program.retries for program in programs) > 50
    assert stored(cluster) == names
    told = {name: id for program in programs for name, id in program.told.items()}
    rows = {row["external_id"]: row["id"] for row in cluster.rows("interactions")}
    assert told == rows
