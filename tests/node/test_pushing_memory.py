from __future__ import annotations

from ixproxy.node.journal import Journal
from ixproxy.node.pushing_memory import Router, Routers
from ixproxy.node.pushing_rates import Bucket
from ixproxy.node.rows import PartyRow
from ixproxy.node.work import Sender
from ixproxy.values import ClientType, PartyType

A, B, C = (letter * 16 for letter in (b"a", b"b", b"c"))


def router(session: bytes, *strategies: str, tenants: tuple[int, ...] = (1,)) -> Router:
    sender = Sender(session, "urs", ClientType.ROUTING_ENGINE, frozenset(tenants))
    return Router(sender, strategies or ("Mail",))


def party(id: str, session: bytes, kind: PartyType = PartyType.ROUTER) -> PartyRow:
    return PartyRow(
        interaction_id=id,
        session=session,
        tenant_id=1,
        party_type=kind,
        take_number=1,
        joined_at=0.0,
        strategy_id="Mail",
    )


def tables(routers: Routers) -> list[object]:
    return [
        {key: dict(value) if isinstance(value, dict) else value for key, value in table.items()}
        for table in (
            routers.routers,
            routers.loaded,
            routers.buckets,
            routers.unread,
            routers.have,
            routers.routed,
            routers.lost,
            routers.awake,
            routers.looks,
        )
    ]


def test_a_router_is_found_by_what_it_has_loaded_and_leaves_nothing() -> None:
    routers = Routers(Journal())
    empty = tables(routers)
    routers.enter(A, router(A, "Mail", "Fast"))
    routers.enter(B, router(B))
    assert {name: list(each) for name, each in routers.loaded.items()} == {
        "Mail": [A, B],
        "Fast": [A],
    }
    routers.enter(A, router(A, "Late"))
    assert {name: list(each) for name, each in routers.loaded.items()} == {
        "Mail": [B],
        "Late": [A],
    }
    routers.wake((1, "In/All"))
    routers.look_at((1, "Old/All"), 5.0)
    routers.use_bucket(A, Bucket(1.0, 0.0))
    routers.reads(A, reads=False)
    routers.leave(A)
    assert routers.awake == {(1, "In/All"): None}
    routers.leave(B)
    routers.leave(C)
    assert tables(routers) == empty


def test_who_was_served_last_is_the_last_in_turn() -> None:
    routers = Routers(Journal())
    for session in (A, B, C):
        routers.enter(session, router(session))
    routers.took_turns("Mail", [A, B, A])
    assert list(routers.loaded["Mail"]) == [C, B, A]


def test_only_what_was_pushed_is_counted_and_by_session_and_strategy() -> None:
    routers = Routers(Journal())
    rows = [party("x", A), party("y", A), party("z", B)]
    routers.load([*rows, party("p", A, PartyType.STRATEGY)], {A: 7.0, C: 8.0})
    assert routers.have == {A: 2, B: 1}
    assert routers.routed == {(1, "Mail"): 3}
    assert routers.lost == {A: 7.0}
    for row in rows:
        routers.left(row)
    assert (routers.have, routers.routed, routers.lost) == ({}, {}, {})


def test_a_lost_session_is_remembered_as_long_as_it_has_something() -> None:
    routers = Routers(Journal())
    routers.enter(A, router(A))
    routers.is_lost(A, 3.0)
    assert (routers.lost, routers.routers) == ({}, {})
    routers.enter(A, router(A))
    routers.joined(party("x", A))
    routers.is_lost(A, 4.0)
    assert routers.lost == {A: 4.0}
    routers.returns(A)
    assert routers.lost == {}
    assert routers.have == {A: 1}


def test_what_is_taken_back_did_not_happen() -> None:
    journal = Journal()
    routers = Routers(journal)
    routers.enter(A, router(A))
    routers.joined(party("x", A))
    routers.wake((1, "In/All"))
    journal.forget()
    before = tables(routers)
    routers.left(party("x", A))
    routers.rest((1, "In/All"))
    routers.look_at((1, "In/All"), 1.0)
    routers.use_bucket(A, Bucket(0.0, 0.0))
    routers.enter(B, router(B, "Fast"))
    routers.took_turns("Mail", [A])
    routers.is_lost(A, 1.0)
    journal.undo()
    assert tables(routers) == before


def test_a_router_serves_its_tenants_or_all() -> None:
    some = router(A, tenants=(1, 2))
    assert [some.serves(tenant) for tenant in (1, 2, 3)] == [True, True, False]
    assert some._replace(all_tenants=True).serves(3)


def test_only_a_router_that_is_there_can_be_slow() -> None:
    routers = Routers(Journal())
    routers.reads(A, reads=False)
    assert routers.unread == {}
