from __future__ import annotations

import pytest

from ixproxy.errors import Code
from ixproxy.node.work import Goodbye, Registered
from tests.node.snapping import Snapping, locked, members, snapshots
from tests.node.tried import TriedNode


@pytest.fixture
def supervisor(node: TriedNode) -> Snapping:
    return Snapping(node, node.desktop("supervisor"))


def test_a_snapshot_has_what_meets_its_condition_in_its_order(
    node: TriedNode, supervisor: Snapping
) -> None:
    mail = node.media_server()
    ids = [
        node.submit(mail, user_data={"Priority": priority}) for priority in (3, 9, 5, 1, 7)
    ]
    taken = supervisor.take("Priority > 2", order="Priority DESC")
    assert taken.number_of_interactions == 4
    page = supervisor.page(taken.snapshot_id)
    assert list(page.interactions) == [ids[at] for at in (1, 4, 2, 0)]
    assert list(page.sort_keys.values()) == sorted(page.sort_keys.values())
    assert (page.errors, page.have_more) == ({}, False)
    assert page.interactions[ids[1]]["Priority"] == 9


def test_without_an_order_it_is_that_of_arrival_and_there_are_no_keys(
    node: TriedNode, supervisor: Snapping
) -> None:
    mail = node.media_server()
    ids = [node.submit(mail) for _ in range(5)]
    page = supervisor.page(supervisor.take().snapshot_id)
    assert list(page.interactions) == ids
    assert page.sort_keys == {}


def test_pages_cover_exactly_their_positions(node: TriedNode, supervisor: Snapping) -> None:
    mail = node.media_server()
    ids = [node.submit(mail) for _ in range(7)]
    number = supervisor.take().snapshot_id
    pages = [supervisor.page(number, start, 3) for start in (0, 3, 6, 7, 99)]
    assert [list(page.interactions) for page in pages] == [ids[:3], ids[3:6], ids[6:], [], []]
    assert [page.have_more for page in pages] == [True, True, False, False, False]
    assert list(supervisor.page(number, 4).interactions) == ids[4:]


def test_release_unlocks_and_forgets(node: TriedNode, supervisor: Snapping) -> None:
    mail, router = node.media_server(), node.router()
    ids = {node.submit(mail) for _ in range(3)}
    taken = supervisor.take(lock=True)
    assert locked(node) == ids
    assert node.pull(router, number_of_interactions=9) == {}
    supervisor.release(taken.snapshot_id)
    assert (locked(node), snapshots(node), members(node)) == (set(), [], [])
    assert (1, "Inbound") in node.outcome.pullable
    assert node.pull(router, number_of_interactions=9).keys() == ids


def test_a_goodbye_frees(node: TriedNode, supervisor: Snapping) -> None:
    node.submit(node.media_server())
    supervisor.take(lock=True)
    node.run(Goodbye(supervisor.sender.session))
    assert (locked(node), snapshots(node), members(node)) == (set(), [], [])


def test_a_client_that_comes_back_keeps_what_it_names(
    node: TriedNode, supervisor: Snapping
) -> None:
    mail = node.media_server()
    for _ in range(2):
        node.submit(mail)
    kept, lost = (supervisor.take(lock=lock).snapshot_id for lock in (False, True))
    node.run(Registered(supervisor.sender, 2, snapshots=(kept, 12345)))
    assert [row.snapshot_id for row in snapshots(node)] == [kept]
    assert locked(node) == set()
    node.run(Registered(supervisor.sender, 3))
    assert [row.snapshot_id for row in snapshots(node)] == [kept]
    assert lost != kept


def test_nobody_elses_snapshot_is_known(node: TriedNode, supervisor: Snapping) -> None:
    number = supervisor.take().snapshot_id
    other = Snapping(node, node.desktop("other"))
    with pytest.raises(Exception, match=str(Code.UNKNOWN_SNAPSHOT)):
        other.page(number)
