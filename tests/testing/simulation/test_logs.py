"""The event logs of a simulation, and what was committed for them."""

from __future__ import annotations

from ixproxy import messages as m
from ixproxy.testing.simulation.logs import LOGS, SMALL, SPOOL, WHOLE, events_of, gaps_of
from ixproxy.testing.simulation.run import Run
from ixproxy.testing.steps import TENANT
from tests.testing.simulation.small_worlds import answered, one, running


def submit(run: Run, number: int = 1) -> None:
    for _ in range(number):
        run.marks += 1
        data = {"tag": run.marks}
        request = m.RequestSubmit(tenant_id=TENANT, media_type="email", queue="In", user_data=data)
        answered(run, one(run, "mail"), request)


def test_every_node_has_both_logs_and_what_it_commits_is_written_down() -> None:
    with running(logs=True) as run:
        assert run.logs is not None
        assert set(run.logs.shelves) == {(node, log) for node in ("node1", "node2") for log in LOGS}
        submit(run, 3)
        run.cluster.run(1)
        assert run.logs.drained()
        for key, shelf in run.logs.shelves.items():
            assert list(shelf.events.values()) == run.logs.entries(*key)
        assert sum(len(run.logs.entries(node, WHOLE)) for node in ("node1", "node2")) >= 3


def test_a_small_spool_has_gaps_and_a_large_one_has_none() -> None:
    with running(logs=True, nodes=1) as run:
        assert run.logs is not None
        for shelf in run.logs.shelves.values():
            shelf.is_away = True
        submit(run, SPOOL + 5)
        run.cluster.run(1)
        assert not run.logs.drained()
        whole, small = (run.logs.entries("node1", log) for log in (WHOLE, SMALL))
        assert gaps_of(whole) == []
        assert len(gaps_of(small)) == 1
        assert len(events_of(small)) <= SPOOL < len(events_of(whole))


def test_a_world_has_none_unless_somebody_asks() -> None:
    with running() as run:
        assert run.logs is None
        assert run.cluster.nodes[0].settings.logs == {}
