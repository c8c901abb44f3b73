"""Workers get rid of what they take, whatever becomes of their requests."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
from twisted.internet.defer import Deferred

from ixproxy import messages as m
from ixproxy.node.model import MediaPlan, NodeSettings, TenantPlan, ViewPlan
from ixproxy.testing.chaos_asking import Asking
from ixproxy.testing.chaos_deployment import INBOX, PROBES, WORK
from ixproxy.testing.chaos_history import History
from ixproxy.testing.chaos_workers import AGENTS, Desk, Router, Shift, Worker, hand_in
from ixproxy.testing.cluster import Cluster
from ixproxy.values import ClientType

PLAN = TenantPlan(
    id=1,
    name="Environment",
    media_types={"email": MediaPlan()},
    queues={name: {"All": ViewPlan()} for name in (INBOX, WORK, PROBES)},
)


class Office:
    """A cluster in memory with workers."""

    def __init__(self, folder: Path) -> None:
        settings = NodeSettings(delivering_timeout=1.0, pull_hold_timeout=1.0)
        self.cluster = Cluster(3, tenants=(PLAN,), node_settings=settings)
        self.history = History(folder / "history.jsonl")
        self.seen: list[tuple[str, str]] = []
        self.shift = Shift(Random(3), lambda *seen: self.seen.append(seen))
        self.askers: list[Asking] = []

    def asker(self, name: str, client_type: ClientType) -> Asking:
        client = self.cluster.client(name, client_type)
        self.askers.append(Asking(self.cluster.clock, self.history, name, client))
        return self.askers[-1]

    def everybody(self) -> None:
        """A media server, a router, all agents."""
        media = self.asker("mail-1", ClientType.MEDIA_SERVER)
        self.shift.run(hand_in(media, self.shift, 0.1))
        self.shift.run(Router(self.asker("router-1", ClientType.ROUTING_ENGINE), self.shift).work())
        for agent in AGENTS:
            asker = self.asker(f"desk-{agent}", ClientType.AGENT_APPLICATION)
            self.shift.run(Desk(asker, self.shift, agent).work())

    def close(self) -> None:
        self.shift.over = True
        for asker in self.askers:
            self.cluster.finish(asker.client.close())
        assert [failure.value for failure in self.shift.broken] == []
        self.cluster.close()


@pytest.mark.parametrize("lost", [False, True])
def test_everything_that_is_handed_in_is_worked_off(tmp_path: Path, lost: bool) -> None:
    office = Office(tmp_path)
    office.everybody()
    office.shift.resting = False
    office.cluster.run(5.0)
    if lost:
        office.cluster.kill_node(1)
        office.cluster.run(2.0)
        office.cluster.restart_node(1)
    office.cluster.run(5.0)
    office.shift.resting = True
    office.cluster.run_until(
        lambda: not office.shift.open and not office.cluster.rows("interactions"),
        "something is left",
        seconds=120.0,
    )
    assert office.shift.handed_in > 50
    assert {receipt for receipt, _ in office.seen} == {
        f"R{number + 1}" for number in range(office.shift.handed_in)
    }
    named = {each.request for each in office.history.requests}
    assert {"RequestDeliver", "RequestAccept", "RequestPlaceInQueue"} <= named
    office.close()


def test_an_agent_who_is_logged_out_logs_in_again(tmp_path: Path) -> None:
    office = Office(tmp_path)
    desk = Desk(office.asker("desk", ClientType.AGENT_APPLICATION), office.shift, "anna")
    office.shift.run(desk.work())
    office.cluster.run_until(lambda: desk.logged_in, "anna never logs in")
    desk._told(m.EventForcedAgentStateChange(agent_state_change_operation="Logout"))
    assert not desk.logged_in
    office.cluster.run_until(lambda: desk.logged_in, "anna does not come back")
    office.close()


def test_what_breaks_in_a_worker_is_kept(tmp_path: Path) -> None:
    office = Office(tmp_path)

    async def breaks() -> None:
        raise KeyError("its own fault")

    office.shift.run(breaks())
    (failure,) = office.shift.broken
    assert failure.check(KeyError)
    office.shift.broken.clear()
    office.close()


def test_a_plain_worker_ends_what_it_holds(tmp_path: Path) -> None:
    office = Office(tmp_path)
    media = office.asker("mail-1", ClientType.MEDIA_SERVER)
    submit = m.RequestSubmit(tenant_id=1, media_type="email", queue=INBOX)
    office.cluster.finish(media.client.request(submit))
    worker = Worker(office.asker("router-1", ClientType.ROUTING_ENGINE), office.shift)
    assert office.cluster.finish(Deferred.fromCoroutine(worker.pull(INBOX, 5))) == 1
    worker.treat_all()
    office.cluster.run_until(lambda: not office.cluster.rows("interactions"), "it is there")
    office.close()
