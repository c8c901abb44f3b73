"""Clients of peers, and the newest client of each session."""

from __future__ import annotations

from ixproxy.core.clients import Client, Clients
from ixproxy.core.destinations import Outputs
from ixproxy.errors import Code
from ixproxy.messages import RequestRegisterClient
from tests.core.rig import EAST

SESSION = b"s" * 16


def client(clients: Clients, peer: int, number: int = 0, session: bytes = SESSION) -> Client:
    message = RequestRegisterClient(
        client_name="desk", client_type="AgentApplication", session=session, holding={"a": 3}
    )
    found = clients.peers.get(peer) or clients.connect(peer)
    return Client(found, number, message, frozenset())


def test_a_session_belongs_to_its_newest_registration() -> None:
    clients = Clients(Outputs())
    first, second = client(clients, 1), client(clients, 2)
    clients.add(first)
    assert clients.newest(SESSION) is first
    clients.add(second)
    assert clients.newest(SESSION) is second
    clients.remove(first)
    assert clients.newest(SESSION) is second
    assert clients.newest(b"") is None


def test_a_lost_connection_takes_all_its_clients_and_leaves_nothing() -> None:
    clients = Clients(Outputs())
    for number in range(3):
        clients.add(client(clients, 1, number, session=b"%016d" % number))
    clients.add(client(clients, 2))
    assert len(clients) == 4
    gone = clients.disconnect(1)
    assert len(gone) == 3
    for each in gone:
        clients.remove(each)
    assert all(each.gone for each in gone)
    assert len(clients) == 1
    assert list(clients.by_session) == [SESSION]
    assert clients.disconnect(1) == []


def test_holdings_follow_takes_and_returns() -> None:
    clients = Clients(Outputs())
    one = client(clients, 1)
    assert one.holding == {"a": (3, None)}
    one.took("b", 4, EAST)
    one.gave_back("a")
    one.gave_back("never had")
    assert one.holding == {"b": (4, EAST)}


def test_what_may_have_been_given_back_is_so_when_it_is_said_to_be_no_more_its_own() -> None:
    one = client(Clients(Outputs()), 1)
    one.refused("a", Code.UNKNOWN_INTERACTION, doubtful=False)
    assert one.holding, "nothing was ever in doubt"
    one.refused("never had", Code.STORE_UNCERTAIN, doubtful=True)
    assert not one.doubtful
    one.refused("a", Code.STORE_UNCERTAIN, doubtful=True)
    one.refused("a", Code.BUSY, doubtful=False)
    assert one.holding
    one.refused("a", Code.NOT_A_PARTY, doubtful=False)
    assert not one.holding
    assert not one.doubtful
    one.took("a", 4, EAST)
    one.refused("a", Code.STORE_UNCERTAIN, doubtful=True)
    one.took("a", 5, EAST)
    one.refused("a", Code.NOT_A_PARTY, doubtful=False)
    assert one.holding, "it was taken since"


def test_a_proxys_peer_knows_which_of_its_clients_hold_what() -> None:
    """What they list, take and give back; who is not registered there holds nothing there."""
    clients = Clients(Outputs())
    one, two = (client(clients, 1, number, session=b"") for number in (1, 2))
    holders = one.peer.holders
    one.took("early", 1, EAST)
    assert not holders
    for each in (one, two):
        clients.add(each)
    assert holders == {"a": (one, two), "early": (one,)}
    for _ in range(2):
        two.took("b", 4, EAST)
    two.gave_back("a")
    two.gave_back("never had")
    assert holders == {"a": (one,), "early": (one,), "b": (two,)}
    clients.remove(one)
    one.took("late", 5, EAST)
    assert holders == {"b": (two,)}
    two.gave_back("b")
    assert not holders


def test_of_a_client_that_is_its_own_peer_no_more_is_kept_than_what_it_holds() -> None:
    clients = Clients(Outputs())
    one = client(clients, 1)
    clients.add(one)
    one.took("b", 4, EAST)
    assert one.holding
    assert not one.peer.holders


def test_what_was_listed_is_kept_once() -> None:
    one = client(Clients(Outputs()), 1)
    assert one.holding
    assert not one.registration.holding


def test_no_tenants_named_means_all() -> None:
    clients = Clients(Outputs())
    one = client(clients, 1)
    assert one.may_use(7)
    one.tenants = frozenset({1})
    assert one.may_use(1)
    assert not one.may_use(7)
