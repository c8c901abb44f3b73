"""Who is asked and who waits: no socket, no clock."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ixproxy.errors import Code
from ixproxy.messages import Request3rdServer
from ixproxy.node.esp_lines import Address, Call, kind_of
from ixproxy.node.esp_servers import Act, Bounds, ExternalServer, ExternalServers, Send, Turndown
from ixproxy.node.work import Sender

TYPE = "Classification Server"
KIND = Address(type=kind_of(TYPE))
ONE, TWO = (ExternalServer(name, TYPE, (f"tcp:{name}:1",)) for name in ("one", "two"))
MAIL = ExternalServer("mail", "E-mail Server", ("tcp:mail:1",))


def call(address: Address = KIND, *, session: str = "a", due: float = 30.0) -> Call:
    sender = Sender(session.encode(), session, "RoutingEngine", frozenset({1}))
    return Call(object(), sender, Request3rdServer(tenant_id=1), address, due)


def table(*names: str, window: int = 2, queue: int = 3) -> ExternalServers:
    """The three servers, of which some are connected."""
    servers = ExternalServers(Bounds(30.0, window, queue))
    servers.use([ONE, TWO, MAIL])
    for name in names:
        servers.connection(name, 0.0)
    return servers


def asked(act: Act | None) -> str:
    assert isinstance(act, Send)
    return act.call.server


def refused(act: Act | None) -> int:
    assert isinstance(act, Turndown)
    assert act.call.over
    return act.code


def answer(servers: ExternalServers, done: Call, now: float = 1.0) -> list[Act]:
    found, acts = servers.answered(done.server, done.reference, now)
    assert found is done
    return acts


def test_a_type_is_compared_without_spaces_hyphens_and_letter_case() -> None:
    assert kind_of("E-mail Server") == kind_of("EmailServer") == kind_of("email server")


def test_a_call_by_name_goes_to_that_server() -> None:
    servers = table("one", "two", "mail")
    assert asked(servers.called(call(Address("two")))) == "two"
    assert asked(servers.called(call(Address("two")))) == "two"


def test_calls_by_type_go_to_its_connected_servers_in_turn() -> None:
    servers = table("one", "two", "mail")
    assert [asked(servers.called(call())) for _ in range(4)] == ["one", "two", "one", "two"]


def test_a_server_without_room_is_passed_over() -> None:
    servers = table("one", "two")
    for _ in range(2):
        servers.called(call(Address("one")))
    assert [asked(servers.called(call())) for _ in range(2)] == ["two", "two"]
    assert servers.called(call()) is None


def test_a_server_that_is_not_connected_is_passed_over() -> None:
    servers = table("two", window=9)
    assert {asked(servers.called(call())) for _ in range(4)} == {"two"}


@pytest.mark.parametrize("address", [Address("nobody"), Address(type="tserver")])
def test_who_is_not_known_is_refused(address: Address) -> None:
    act = table("one").called(call(address))
    assert refused(act) == Code.SERVICE_UNKNOWN


@pytest.mark.parametrize("address", [Address("one"), KIND])
def test_where_nobody_is_connected_nobody_waits(address: Address) -> None:
    servers = table("mail")
    assert refused(servers.called(call(address))) == Code.SERVICE_NOT_CONNECTED
    assert servers.waiting == 0


def test_what_finds_no_room_waits_and_is_sent_when_there_is_some() -> None:
    servers = table("one", window=1)
    first, second = call(), call()
    servers.called(first)
    assert servers.called(second) is None
    assert servers.waiting == 1
    assert [asked(act) for act in answer(servers, first)] == ["one"]
    assert second.server == "one"
    assert servers.waiting == 0


def test_a_full_line_refuses_and_nothing_was_done() -> None:
    servers = table("one", window=1, queue=2)
    for _ in range(3):
        servers.called(call())
    act = servers.called(call())
    assert refused(act) == Code.SERVICE_QUEUE_FULL
    assert isinstance(act, Turndown)
    assert not act.in_doubt


def test_no_line_at_all_is_a_line_without_room() -> None:
    servers = table("one", window=1, queue=0)
    servers.called(call())
    assert refused(servers.called(call())) == Code.SERVICE_QUEUE_FULL
    assert servers.waiting == 0


def test_a_slow_server_keeps_only_those_waiting_who_want_just_that_one() -> None:
    servers = table("one", "two", "mail", window=1)
    servers.called(call(Address("one")))
    assert servers.called(call(Address("one"))) is None
    assert asked(servers.called(call())) == "two"
    assert asked(servers.called(call(Address("mail")))) == "mail"


def test_every_session_in_a_line_has_its_turn() -> None:
    servers = table("one", window=1, queue=9)
    servers.called(running := call())
    for session in ("a", "a", "a", "b"):
        servers.called(call(session=session))
    order = []
    for _ in range(4):
        (act,) = answer(servers, running)
        running = act.call
        order.append(running.sender.client_name)
    assert order == ["a", "b", "a", "a"]


def test_of_who_has_most_in_a_full_line_the_youngest_makes_room() -> None:
    servers = table("one", window=1, queue=3)
    servers.called(call())
    crowd = [call(session="a") for _ in range(3)]
    for each in crowd:
        servers.called(each)
    act = servers.called(other := call(session="b"))
    assert isinstance(act, Turndown)
    assert act.call is crowd[-1]
    assert not other.over
    assert refused(servers.called(call(session="a"))) == Code.SERVICE_QUEUE_FULL


def test_the_lines_of_a_name_and_of_its_type_have_turns() -> None:
    servers = table("one", window=1, queue=9)
    servers.called(running := call())
    for address in (KIND, KIND, Address("one"), Address("one")):
        servers.called(call(address))
    order = []
    for _ in range(4):
        (act,) = answer(servers, running)
        running = act.call
        order.append(running.address.name or "type")
    assert order == ["one", "type", "one", "type"]


def test_a_call_whose_time_is_up_in_its_line_was_not_made() -> None:
    servers = table("one", window=1)
    servers.called(call(due=90.0))
    servers.called(late := call(due=30.0))
    assert servers.ticked(29.9) == []
    (act,) = servers.ticked(30.0)
    assert act == Turndown(late, Code.EXPIRED, act.text)  # type: ignore[union-attr]
    assert servers.waiting == 0


def test_a_call_whose_time_is_up_under_way_is_in_doubt_and_keeps_its_place() -> None:
    servers = table("one", window=1)
    servers.called(late := call(due=30.0))
    servers.called(other := call(due=60.0))
    (act,) = servers.ticked(30.0)
    assert isinstance(act, Turndown)
    assert (act.call, act.code, act.in_doubt) == (late, Code.SERVICE_TIMED_OUT, True)
    assert servers.ticked(31.0) == []
    assert not other.server
    found, acts = servers.answered("one", late.reference, 32.0)
    assert found is None
    assert [asked(each) for each in acts] == ["one"]


def test_what_a_lost_server_was_asked_is_in_doubt_and_who_waits_goes_to_another() -> None:
    servers = table("one", "two", window=1)
    calls = [call() for _ in range(3)]
    for each in calls:
        servers.called(each)
    (act,) = servers.lost("one")
    assert isinstance(act, Turndown)
    assert (act.call, act.code, act.in_doubt) == (calls[0], Code.SERVICE_LOST, True)
    assert [asked(each) for each in answer(servers, calls[1])] == ["two"]


def test_with_the_last_server_of_a_type_its_line_is_over_and_nothing_was_done() -> None:
    servers = table("one", window=1)
    servers.called(call())
    servers.called(waiting := call())
    acts = [act for act in servers.lost("one") if isinstance(act, Turndown)]
    assert [act.code for act in acts] == [Code.SERVICE_LOST, Code.SERVICE_NOT_CONNECTED]
    assert acts[1].call is waiting
    assert not acts[1].in_doubt
    assert servers.lost("one") == []


def test_a_server_that_comes_back_is_asked_again_and_knows_nothing_of_before() -> None:
    servers = table("one")
    servers.called(old := call())
    servers.lost("one")
    servers.connection("one", 5.0)
    assert asked(servers.called(call())) == "one"
    found, _ = servers.answered("one", old.reference + 7, 6.0)
    assert found is None


def test_a_server_that_does_not_read_gets_no_more_until_it_does() -> None:
    servers = table("one", window=9)
    servers.reads("one", enough=False)
    assert servers.called(waiting := call()) is None
    (act,) = servers.reads("one", enough=True)
    assert act.call is waiting


def test_a_caller_that_wants_no_answer_any_more_leaves_its_line() -> None:
    servers = table("one", window=1)
    servers.called(running := call())
    servers.called(waiting := call())
    assert servers.drop(waiting.token, b"a")
    assert not servers.drop(running.token, b"a")
    assert answer(servers, running) == []


def test_a_server_whose_places_are_all_taken_by_late_calls_is_stuck() -> None:
    servers = table("one", window=1)
    servers.called(call(due=30.0))
    assert servers.stuck(30.0) == []
    servers.ticked(30.0)
    assert servers.stuck(30.0) == ["one"]
    servers.lost("one")
    assert servers.stuck(60.0) == []


def test_one_late_call_of_several_does_not_make_a_server_stuck() -> None:
    servers = table("one", window=2)
    servers.called(call(due=30.0))
    servers.called(call(due=90.0))
    servers.ticked(40.0)
    assert servers.stuck(40.0) == []


def test_servers_that_leave_the_deployment_are_unknown_and_others_stay() -> None:
    servers = table("one", "two", window=1)
    servers.called(call(Address("one")))
    servers.called(call(Address("one")))
    servers.lost("one")
    assert servers.use([TWO, MAIL]) == []
    assert refused(servers.called(call(Address("one")))) == Code.SERVICE_UNKNOWN
    assert asked(servers.called(call())) == "two"
    assert [each.name for each in servers] == ["mail", "two"]


def test_who_waits_for_a_type_that_is_taken_out_is_told_that_it_is_unknown() -> None:
    servers = table("one", window=1)
    servers.called(call())
    servers.called(call())
    assert servers.in_flight == 1
    (act,) = servers.use([MAIL])
    assert refused(act) == Code.SERVICE_UNKNOWN


def test_an_end_of_all_calls_names_those_that_waited() -> None:
    servers = table("one", window=1)
    servers.called(call())
    servers.called(waiting := call())
    assert servers.clear() == [waiting]
    assert servers.waiting == 0


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["call", "answer", "lose", "connect", "tick", "unread", "read"]),
        st.integers(0, 5),
    ),
    max_size=60,
)


@given(STEPS, st.integers(1, 3), st.integers(0, 4))
@settings(max_examples=150, deadline=None)
def test_every_call_comes_to_one_end_and_no_limit_is_exceeded(
    steps: list[tuple[str, int]], window: int, queue: int
) -> None:
    servers = table("one", "two", "mail", window=window, queue=queue)
    addresses = (KIND, Address("one"), Address("mail"))
    calls: list[Call] = []
    ends: dict[Call, int] = {}
    now = 0.0

    def follow(acts: list[Act]) -> None:
        for act in acts:
            if isinstance(act, Turndown):
                ends[act.call] = ends.get(act.call, 0) + 1

    for what, number in steps:
        name = ("one", "two", "mail")[number % 3]
        if what == "call":
            calls.append(call(addresses[number % 3], session=str(number), due=now + 3))
            act = servers.called(calls[-1])
            follow([] if act is None else [act])
        elif what == "answer":
            found, acts = servers.answered(name, number, now)
            if found is not None:
                ends[found] = ends.get(found, 0) + 1
            follow(acts)
        elif what == "lose":
            follow(servers.lost(name))
        elif what == "connect":
            follow(servers.connection(name, now))
        elif what == "tick":
            now += number
            follow(servers.ticked(now))
        else:
            follow(servers.reads(name, enough=what == "read"))
        assert servers.in_flight <= 3 * window
        assert servers.waiting <= 3 * queue
    for name in ("one", "two", "mail"):
        follow(servers.lost(name))
    assert ends == dict.fromkeys(calls, 1)
    assert servers.in_flight == servers.waiting == 0
