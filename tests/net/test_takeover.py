"""What goes on where it was, once the other server of a pair has taken over its database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ixproxy.errors import LeaseLost, StorageError
from ixproxy.messages import (
    EventAck,
    EventInvite,
    EventRevoked,
    RequestAccept,
    RequestAgentLogin,
    RequestDeliver,
    RequestFindInteractions,
    RequestPull,
    RequestSubmit,
)
from ixproxy.node.leading import State
from ixproxy.storage import sqlite_places
from ixproxy.storage.sqlite import SqliteStore
from ixproxy.storage.sqlite_places import SqliteFile
from ixproxy.testing.store_samples import CUSTOM, NOW, SAMPLES
from tests.net.node_rig import RawPeer
from tests.net.pair_rig import PairRig

NAMED: dict[str, Any] = {"tenant_id": 1}
SUBMIT = RequestSubmit(**NAMED, media_type="email", queue="In")
PULL = RequestPull(**NAMED, view_id="In/All")
LOGIN = RequestAgentLogin(**NAMED, agent_id="Ann", place_id="P")


def killed(pair: PairRig) -> None:
    pair.first.kill()


def stopped(pair: PairRig) -> None:
    pair.first.member.stopService()


def deposed(pair: PairRig) -> None:
    pair.leases.owner = None


@pytest.fixture(params=[killed, stopped, deposed])
def how(request: pytest.FixtureRequest) -> Callable[[PairRig], None]:
    """What becomes of the first server."""
    ending: Callable[[PairRig], None] = request.param
    return ending


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[PairRig]:
    """Two servers with a store each, on one file."""
    pair = PairRig(SqliteFile(tmp_path / "node.db"))
    pair.first.start()
    pair.second.start()
    yield pair
    for member in (pair.first, pair.second):
        member.member.stopService()
    pair.run(1)
    for member in (pair.first, pair.second):
        for term in member.terms:
            term.store.close()


def take_over(pair: PairRig, how: Callable[[PairRig], None]) -> None:
    how(pair)
    pair.clock.run_until(lambda: pair.second.state is State.PRIMARY, 10)
    assert pair.second.state is State.PRIMARY


def router(pair: PairRig, name: str, **more: Any) -> RawPeer:
    return pair.client(name, "RoutingEngine", session=b"r" * 16, **more)


def desktop(pair: PairRig, name: str, **more: Any) -> RawPeer:
    return pair.client(name, "AgentApplication", session=b"d" * 16, **more)


def test_what_was_submitted_is_there_and_ids_and_events_go_on(
    pair: PairRig, how: Callable[[PairRig], None]
) -> None:
    mail = pair.client("node1")
    ids = [mail.ask(SUBMIT).interaction_id for _ in range(5)]
    number = pair.first.server.writer.last_event_number
    take_over(pair, how)
    assert pair.second.server.state.epoch == 2
    assert pair.second.server.writer.last_event_number >= number
    new = pair.client("node1-b").ask(SUBMIT).interaction_id
    assert new not in ids
    find = RequestFindInteractions(**NAMED)
    assert pair.client("node1-b").ask(find).interactions.keys() == {*ids, new}


def test_a_receipt_keeps_a_retry_after_a_takeover_from_being_a_second_submit(
    pair: PairRig, how: Callable[[PairRig], None]
) -> None:
    with_receipt = RequestSubmit(**NAMED, media_type="email", queue="In", submit_receipt="r1")
    id = pair.client("node1").ask(with_receipt).interaction_id
    take_over(pair, how)
    assert pair.client("node1-b").ask(with_receipt).interaction_id == id
    assert list(router(pair, "node1-b").ask(PULL).take_numbers) == [id]


def test_a_session_that_comes_back_has_what_it_had(
    pair: PairRig, how: Callable[[PairRig], None]
) -> None:
    id = pair.client("node1").ask(SUBMIT).interaction_id
    taken = router(pair, "node1").ask(PULL).take_numbers
    take_over(pair, how)
    back = router(pair, "node1-b", incarnation=2, holding=taken)
    pair.run(120)
    assert back.open
    assert pair.client("node1-b", "RoutingEngine", client_name="other").ask(PULL).take_numbers == {}
    assert id in taken


def test_what_a_session_had_that_does_not_come_back_is_given_to_others(
    pair: PairRig, how: Callable[[PairRig], None]
) -> None:
    id = pair.client("node1").ask(SUBMIT).interaction_id
    router(pair, "node1").ask(PULL)
    take_over(pair, how)
    other = pair.client("node1-b", "RoutingEngine", client_name="other")
    pair.run(50)
    assert other.ask(PULL).take_numbers == {}
    pair.run(15)
    assert list(other.ask(PULL).take_numbers) == [id]


def test_an_agent_is_still_logged_in_and_accepts_an_invitation_from_before(
    pair: PairRig, how: Callable[[PairRig], None]
) -> None:
    invite, id = invited(pair)
    take_over(pair, how)
    desk = desktop(pair, "node1-b", incarnation=2)
    again = [event for event in desk.events() if isinstance(event, EventInvite)]
    assert [each.ticket_id for each in again] == [invite.ticket_id]
    assert isinstance(
        desk.ask(RequestAccept(**NAMED, interaction_id=id, ticket_id=invite.ticket_id)), EventAck
    )


def test_an_invitation_from_before_runs_out_in_its_own_time(
    pair: PairRig, how: Callable[[PairRig], None]
) -> None:
    _, id = invited(pair)
    pair.run(20)
    take_over(pair, how)
    desk = desktop(pair, "node1-b", incarnation=2)
    back = router(pair, "node1-b", incarnation=2, holding={id: 0})
    pair.run(5)
    assert not any(isinstance(event, EventRevoked) for event in desk.events())
    pair.run(10)
    assert any(isinstance(event, EventRevoked) for event in desk.events())
    assert back.open


def invited(pair: PairRig) -> tuple[EventInvite, str]:
    """An agent that was invited, and has 30 seconds to accept."""
    desk = desktop(pair, "node1")
    assert isinstance(desk.ask(LOGIN), EventAck)
    id = pair.client("node1").ask(SUBMIT).interaction_id
    asker = router(pair, "node1")
    assert id in asker.ask(PULL).take_numbers
    asker.send(RequestDeliver(**NAMED, interaction_id=id, agent_id="Ann"))
    pair.settle()
    (invite,) = desk.events()
    assert isinstance(invite, EventInvite)
    return invite, id


def test_rows_of_every_kind_are_there_for_the_next_store(tmp_path: Path) -> None:
    first, second = (SqliteStore(SqliteFile(tmp_path / "node.db"), CUSTOM) for _ in range(2))
    first.open(NOW)
    first.begin()
    first.write(SAMPLES, [])
    first.commit(7)
    first.abandon()
    second.open(NOW)
    assert second.last_event_number() == 7
    assert [row.consumer for row in second.outbox("log", 10)] == ["log"]
    assert second.next_due() == NOW
    for row in SAMPLES:
        assert row in second.fetch_by(row.table, *key_of(row)), row.table
    first.close()
    second.close()


def key_of(row: Any) -> tuple[str, list[Any]]:
    column = next(
        name for name in ("id", "interaction_id", "agent_id", "session", "consumer", "point")
        if hasattr(row, name)
    )  # fmt: skip
    return column, [getattr(row, column)]


@pytest.mark.parametrize("inside", [False, True])
def test_a_store_that_was_abandoned_writes_nothing_any_more(tmp_path: Path, inside: bool) -> None:
    store = SqliteStore(SqliteFile(tmp_path / "node.db"), CUSTOM)
    store.open(NOW)
    if inside:
        store.begin()
        store.write(SAMPLES[:1], [])
    store.abandon()
    with pytest.raises(LeaseLost, match="was given up"):
        store.commit(1) if inside else store.begin()
    other = SqliteStore(SqliteFile(tmp_path / "node.db"), CUSTOM)
    assert other.open(NOW) == 2
    assert other.fetch_by("interactions", "id", ["full"]) == []
    other.close()
    store.close()


def test_an_old_primary_that_goes_on_after_the_epoch_went_up_writes_nothing(
    tmp_path: Path,
) -> None:
    old, new = (SqliteStore(SqliteFile(tmp_path / "node.db"), CUSTOM) for _ in range(2))
    old.open(NOW)
    assert new.open(NOW) == 2
    old.begin()
    old.write(SAMPLES[:1], [])
    with pytest.raises(LeaseLost):
        old.commit(1)
    assert new.fetch_by("interactions", "id", ["full"]) == []
    new.begin()
    new.write(SAMPLES[:1], [])
    new.commit(1)
    new.close()
    old.close()


def test_one_that_is_inside_a_transaction_and_alive_keeps_the_epoch_from_going_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So it has to be ended first; what it commits before that is before the takeover."""
    monkeypatch.setattr(sqlite_places, "BUSY_SECONDS", 0.01)
    old, new = (SqliteStore(SqliteFile(tmp_path / "node.db"), CUSTOM) for _ in range(2))
    old.open(NOW)
    old.begin()
    old.write(SAMPLES[:1], [])
    with pytest.raises(StorageError, match="another program keeps the database locked"):
        new.open(NOW)
    old.commit(1)
    assert new.open(NOW) == 2
    assert new.last_event_number() == 1
    new.close()
    old.close()
