"""Which works go into the next batch: fair among sessions, and in order for each."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from ixproxy.messages import EventCurrentAgentStatus, RequestPing, RequestReleaseSnapshot
from ixproxy.net.fair_batches import (
    BULK_SHARE,
    LIGHT_FOR,
    MAX_BATCH,
    SHARE,
    STEPS,
    FairBatches,
    compose,
    sessions_of,
)
from ixproxy.node.long_plans import Freeing
from ixproxy.node.work import (
    Asked,
    ClientsLost,
    ConnectionLost,
    GoesOn,
    Goodbye,
    Registered,
    Relayed,
    Sender,
    Tick,
    Work,
)

SESSIONS = [bytes([number]) for number in range(5)]


def sender(session: bytes, client_type: str = "MediaServer", *, proxied: bool = False) -> Sender:
    return Sender(session, "c", client_type, frozenset({1}), through_proxy=proxied)


def asked(session: bytes, token: object = None) -> Asked:
    return Asked(sender(session), RequestPing(), 0, token)


def released(session: bytes) -> Asked:
    return Asked(sender(session), RequestReleaseSnapshot())


def step(session: bytes) -> GoesOn:
    return GoesOn(sender(session), RequestReleaseSnapshot(), Freeing(1))


def relayed(session: bytes) -> Relayed:
    return Relayed(sender(session, "ReportingEngine"), EventCurrentAgentStatus(tenant_id=1))


def never(work: Asked | Relayed) -> bool:
    return False


_sessions = st.sampled_from(SESSIONS)
works_that_wait = st.lists(
    st.one_of(
        st.builds(asked, _sessions),
        st.builds(asked, _sessions),
        st.builds(lambda session: Registered(sender(session)), _sessions),
        st.builds(lambda session: Registered(sender(session, proxied=True)), _sessions),
        st.builds(ConnectionLost, _sessions),
        st.builds(relayed, _sessions),
        st.builds(released, _sessions),
        st.builds(step, _sessions),
        st.builds(Goodbye, _sessions),
        st.builds(ClientsLost, st.lists(_sessions, max_size=4).map(tuple)),
        st.builds(Tick),
    ),
    max_size=60,
)


def of(session: bytes, works: list[Work]) -> list[int]:
    """The works that concern a session, by identity: equal ones must not change places either."""
    return [id(work) for work in works if session in sessions_of(work)]


@given(works_that_wait, st.integers(1, 8), st.integers(1, 20), st.sets(_sessions, max_size=2))
def test_whatever_waits_each_session_keeps_its_order_and_nobody_has_more_than_a_share(
    waiting: list[Work], share: int, most: int, unread: set[bytes]
) -> None:
    left, done = list(waiting), list[Work]()
    for blocked in (lambda work: work.sender.session in unread, never):
        while left:
            batch = compose(left, most, share, blocked)
            assert len(batch.works) <= most
            numbers = Counter(work.sender.session for work in batch.works if type(work) is Asked)
            assert all(number <= share for number in numbers.values())
            assert sum(type(work) is GoesOn for work in batch.works) <= STEPS
            done += batch.works
            if not batch.works:
                break
            left = batch.left
    assert left == []
    assert sorted(map(id, done)) == sorted(map(id, waiting))
    for session in SESSIONS:
        assert of(session, done) == of(session, waiting)


@given(works_that_wait, st.integers(1, 8))
def test_the_first_that_concerns_a_session_never_waits_for_others_requests(
    waiting: list[Work], share: int
) -> None:
    batch = compose(waiting, MAX_BATCH, share, never)
    for session in SESSIONS:
        first = next((work for work in waiting if session in sessions_of(work)), None)
        if type(first) is Asked:
            assert any(work is first for work in batch.works)


def test_nothing_is_done_for_a_session_before_what_it_asked_first_has_come_to_its_end() -> None:
    """What is done step by step may need another batch; what comes behind it waits for that."""
    release, later, other = released(b"a"), asked(b"a"), asked(b"b")
    gone, goodbye = ClientsLost((b"a", b"c")), Goodbye(b"c")
    batch = compose([release, later, gone, other, goodbye], MAX_BATCH, SHARE, never)
    assert (batch.works, batch.left) == ([release, other], [later, gone, goodbye])
    assert compose([release], MAX_BATCH, SHARE, never).light, "one request is little"
    goes_on = step(b"a")
    batch = compose([goes_on, *batch.left], MAX_BATCH, SHARE, never)
    assert (batch.works, batch.left) == ([goes_on], [later, gone, goodbye])
    batch = compose(batch.left, MAX_BATCH, SHARE, never)
    assert batch.works == [later, gone, goodbye]


def test_a_batch_has_few_steps_for_each_is_much_work() -> None:
    steps: list[Work] = [step(bytes([number])) for number in range(10)]
    batch = compose([*steps, asked(b"o")], MAX_BATCH, SHARE, never)
    assert batch.works == [*steps[:STEPS], asked(b"o")]
    assert batch.left == steps[STEPS:]


def test_one_that_floods_leaves_room_for_those_who_ask_little() -> None:
    flood = [asked(b"f", number) for number in range(500)]
    late = [asked(session) for session in SESSIONS]
    batch = compose([*flood, *late], MAX_BATCH, SHARE, never)
    assert batch.works == [*flood[:SHARE], *late]
    assert batch.left == flood[SHARE:]
    assert batch.light


def test_what_a_lost_connection_concerns_waits_for_what_was_asked_before() -> None:
    flood: list[Work] = [asked(b"f", number) for number in range(3)]
    lost, other = ClientsLost((b"f", b"g")), asked(b"g")
    batch = compose([*flood, lost, other], MAX_BATCH, 2, never)
    assert batch.works == flood[:2]
    assert batch.left == [flood[2], lost, other]


def test_a_proxys_own_requests_have_no_share_for_they_serve_all_its_clients() -> None:
    own = [Asked(sender(b"p", "Proxy", proxied=True), RequestPing()) for _ in range(50)]
    assert len(compose(own, MAX_BATCH, SHARE, never).works) == 50


def test_a_crowd_of_newcomers_has_one_share_and_a_proxys_clients_are_no_crowd() -> None:
    crowd: list[Work] = [Registered(sender(bytes([n]) * 16)) for n in range(50)]
    proxied: list[Work] = [Registered(sender(bytes([n]) * 9, proxied=True)) for n in range(50)]
    batch = compose([*crowd, *proxied], MAX_BATCH, SHARE, never)
    assert batch.works == [*crowd[:SHARE], *proxied]


def sizes(batches: FairBatches, waiting: list[Work], now: float) -> int:
    return len(batches.next(waiting, now)[0])


def test_one_alone_has_long_batches_until_somebody_comes_who_asks_little() -> None:
    batches = FairBatches(never)
    many: list[Work] = [asked(b"f", number) for number in range(1000)]
    assert sizes(batches, many, 0.0) == BULK_SHARE
    assert sizes(batches, many[:3], 1.0) == 3
    assert sizes(batches, many, 1.1) == BULK_SHARE, "few of one alone are no sign of others"
    assert sizes(batches, [asked(b"o")], 2.0) == 1
    assert sizes(batches, many, 2.1) == SHARE
    assert sizes(batches, many, 2.2 + LIGHT_FOR) == BULK_SHARE


def test_where_all_ask_much_batches_are_long() -> None:
    batches = FairBatches(never)
    many: list[Work] = [asked(session, number) for number in range(99) for session in SESSIONS]
    assert sizes(batches, many, 0.0) == len(many)


def test_batches_are_short_while_answers_are_large() -> None:
    batches = FairBatches(never)
    many: list[Work] = [asked(b"f", number) for number in range(1000)]
    batches.answers_take(1 << 20, 16 << 20)
    assert sizes(batches, many, 0.0) == 16
    batches.answers_take(1 << 30, 16 << 20)
    assert sizes(batches, many, 0.0) == SHARE
    batches.answers_take(100.0, 16 << 20)
    assert batches.most == MAX_BATCH
