from __future__ import annotations

from typing import Any

import pytest

from ixproxy.errors import Code
from ixproxy.messages import (
    EventAck,
    EventError,
    EventNodeLoad,
    EventPulledInteractions,
    RequestClientsGone,
    RequestPing,
    RequestPull,
    RequestRegisterClient,
    RequestSubmit,
    RequestUnregisterClient,
)
from ixproxy.net.node_limits import NodeLimits
from ixproxy.wire.codec import encode
from ixproxy.wire.parts import encode_parts
from tests.net.node_rig import FACTS, NodeRig

ONE, TWO = b"1" * 16, b"2" * 16
SUBMIT = RequestSubmit(tenant_id=1, media_type="email", queue="In")
PULL = RequestPull(tenant_id=1, view_id="In/All")


def submitted(rig: NodeRig, number: int = 1) -> list[str]:
    media = rig.client("MediaServer", client_name="mail")
    return [media.ask(SUBMIT).interaction_id for _ in range(number)]


def taken(answer: Any) -> dict[str, int]:
    assert isinstance(answer, EventPulledInteractions), answer
    return answer.take_numbers


def test_a_client_is_told_who_it_speaks_to(rig: NodeRig) -> None:
    ack = rig.peer().register("MediaServer", session=ONE)
    assert isinstance(ack, EventAck)
    facts = ack.server
    assert facts is not None
    assert ack.proxy_client_id == 0
    assert ack.held == {}
    assert facts.last_event_number >= 1
    assert facts == FACTS.__class__(
        **{
            name: getattr(FACTS, name)
            for name in FACTS.__struct_fields__
            if name != "last_event_number"
        },
        last_event_number=facts.last_event_number,
    )


@pytest.mark.parametrize(
    ("attributes", "code", "names"),
    [
        ({"client_type": "Robot"}, Code.INVALID_CLIENT, "Robot"),
        ({"client_name": ""}, Code.INVALID_CLIENT, "ClientName"),
        ({"client_name": "x" * 256}, Code.INVALID_CLIENT, "ClientName"),
        ({"versions": (2, 3)}, Code.UNSUPPORTED_VERSION, "Versions"),
        ({"session": b"short"}, Code.INVALID_CLIENT, "Session"),
        ({"max_frame": (512 << 10) + (64 << 10) - 1}, Code.INVALID_CLIENT, "MaxFrame"),
        ({"tenants": [7]}, Code.UNKNOWN_TENANT, "7"),
    ],
)
def test_who_may_not_register_is_told_why_and_disconnected(
    rig: NodeRig, attributes: dict[str, Any], code: int, names: str
) -> None:
    peer = rig.peer()
    error = peer.register(**{"client_type": "MediaServer", **attributes})
    assert isinstance(error, EventError)
    assert error.error_code == code
    assert names in error.error_description
    assert not error.in_doubt
    assert peer.closed
    assert rig.server.state.clients == 0


def test_the_shortest_allowed_max_frame_is_enough(rig: NodeRig) -> None:
    peer = rig.peer()
    assert isinstance(peer.register(max_frame=(512 << 10) + (64 << 10)), EventAck)


def test_nothing_is_served_before_registration_but_pings_and_registration_itself(
    rig: NodeRig,
) -> None:
    peer = rig.peer()
    error = peer.ask(SUBMIT)
    assert error.error_code == Code.NOT_REGISTERED
    assert not peer.closed
    assert isinstance(peer.register(), EventAck)
    assert isinstance(peer.ask(SUBMIT), EventAck)


def test_nothing_else_is_served_before_the_registration_is_answered(rig: NodeRig) -> None:
    peer = rig.peer()
    register = RequestRegisterClient(client_name="m", client_type="MediaServer")
    peer.write(encode(register, reference=1) + encode(SUBMIT, reference=2))
    rig.settle()
    assert isinstance(peer.answer(1), EventAck)
    assert peer.answer(2).error_code == Code.NOT_REGISTERED
    peer.reference = 2
    assert isinstance(peer.ask(SUBMIT), EventAck)
    assert len(rig.rows("interactions")) == 1


def test_a_plain_peer_cannot_name_another_client(rig: NodeRig) -> None:
    peer = rig.client("MediaServer")
    reference = peer.send(SUBMIT, client=3)
    rig.settle()
    assert peer.answer(reference, client=3).error_code == Code.INVALID_CLIENT
    assert peer.closed
    assert rig.rows("interactions") == []


def test_a_plain_peer_cannot_choose_its_number(rig: NodeRig) -> None:
    peer = rig.peer()
    register = RequestRegisterClient(client_name="m", client_type="MediaServer")
    reference = peer.send(register, client=3)
    rig.settle()
    assert peer.answer(reference, client=3).error_code == Code.INVALID_CLIENT
    assert peer.closed


def test_a_proxy_registers_its_clients_and_each_gets_a_number(rig: NodeRig) -> None:
    proxy = rig.proxy()
    numbers = [proxy.number("MediaServer", client_name=f"m{at}") for at in range(3)]
    assert numbers == [1, 2, 3]
    reference = proxy.send(SUBMIT, client=2)
    rig.settle()
    assert isinstance(proxy.answer(reference, client=2), EventAck)
    assert rig.rows("interactions")[0]["submitted_by"] == "m1"
    unknown = proxy.send(SUBMIT, client=9)
    rig.settle()
    assert proxy.answer(unknown, client=9).error_code == Code.NOT_REGISTERED
    assert not proxy.closed


def test_a_refused_client_of_a_proxy_costs_the_others_nothing(rig: NodeRig) -> None:
    proxy = rig.proxy()
    assert proxy.register("Robot").error_code == Code.INVALID_CLIENT
    assert proxy.register("Proxy").error_code == Code.INVALID_CLIENT
    assert not proxy.closed
    assert proxy.number("MediaServer") == 1


def test_a_client_of_a_proxy_may_work_for_tenants_that_are_elsewhere(rig: NodeRig) -> None:
    proxy = rig.proxy()
    number = proxy.number("MediaServer", tenants=[7])
    error = proxy.ask(SUBMIT, client=number)
    assert error.error_code == Code.NOT_ALLOWED


def test_a_proxy_is_told_the_load_when_it_registers(rig: NodeRig) -> None:
    submitted(rig)
    proxy = rig.proxy()
    loads = [event for event in proxy.events() if isinstance(event, EventNodeLoad)]
    assert loads[-1].queues == {1: {"In": 1}}
    assert loads[-1].media_types == {1: ["email"]}


def test_what_a_session_holds_and_lists_stays_and_the_rest_goes_back(rig: NodeRig) -> None:
    ids = submitted(rig, 3)
    router = rig.client("RoutingEngine", session=ONE)
    takes = [taken(router.ask(PULL)) for _ in range(3)]
    router.lose()
    holding = {ids[0]: takes[0][ids[0]], ids[1]: 999, "unknown": 5}
    ack = rig.peer().register("RoutingEngine", session=ONE, incarnation=2, holding=holding)
    assert ack.held == {ids[0]: takes[0][ids[0]]}
    assert {row["id"]: row["state"] for row in rig.rows("interactions")} == {
        ids[0]: 2, ids[1]: 0, ids[2]: 0,
    }  # fmt: skip


def test_holdings_may_come_in_parts(rig: NodeRig) -> None:
    ids = submitted(rig, 2)
    router = rig.client("RoutingEngine", session=ONE)
    takes = {**taken(router.ask(PULL)), **taken(router.ask(PULL))}
    router.lose()
    holding = {**{f"{at:064}": at for at in range(20_000)}, **takes}
    message = RequestRegisterClient(
        client_name="r",
        client_type="RoutingEngine",
        session=ONE,
        incarnation=2,
        holding=holding,
    )
    parts = encode_parts(message, 1 << 20, reference=7)
    assert len(parts) > 1
    peer = rig.peer()
    for raw in parts:
        peer.write(raw)
    rig.settle()
    assert peer.answer(7).held == takes
    assert set(takes) == set(ids)


def test_parts_of_a_registration_belong_to_one_session(rig: NodeRig) -> None:
    def part(session: bytes, more: bool) -> bytes:
        return encode(
            RequestRegisterClient(
                client_name="r", client_type="RoutingEngine", session=session,
                holding={"a": 1}, holding_continues=more,
            ),
            reference=7,
        )  # fmt: skip

    peer = rig.peer()
    peer.write(part(ONE, True) + part(TWO, False))
    rig.settle()
    assert peer.answer(7).error_code == Code.BAD_ATTRIBUTE
    assert peer.closed


def test_parts_without_an_end_are_bounded(rig: NodeRig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ixproxy.net.registration_parts.MAX_HOLDING", 5)
    proxy = rig.proxy()

    def part(reference: int, first: int) -> None:
        holding = {str(at): 1 for at in range(first, first + 3)}
        message = RequestRegisterClient(
            client_name="r", client_type="RoutingEngine", holding=holding, holding_continues=True
        )
        proxy.write(encode(message, reference=reference))
        rig.settle()

    part(101, 0)
    part(101, 3)
    assert proxy.answer(101).error_code == Code.LIMIT_REACHED
    part(102, 0)
    part(103, 0)
    assert proxy.answer(103).error_code == Code.LIMIT_REACHED
    assert proxy.answers(102) == []


def test_a_client_without_a_session_gives_back_at_once_when_it_is_lost(rig: NodeRig) -> None:
    submitted(rig)
    router = rig.client("RoutingEngine")
    router.ask(PULL)
    router.lose()
    assert rig.rows("parties") == []
    assert [row["client_name"] for row in rig.rows("sessions")] == ["mail"]


def test_a_goodbye_gives_back_at_once(rig: NodeRig) -> None:
    submitted(rig)
    router = rig.client("RoutingEngine", session=ONE)
    router.ask(PULL)
    assert isinstance(router.ask(RequestUnregisterClient()), EventAck)
    assert rig.rows("parties") == []
    assert router.ask(PULL).error_code == Code.NOT_REGISTERED
    assert isinstance(router.register("RoutingEngine", session=ONE), EventAck)


@pytest.mark.parametrize("by_proxy_itself", [False, True])
def test_a_proxy_says_goodbye_for_its_client(rig: NodeRig, by_proxy_itself: bool) -> None:
    submitted(rig)
    proxy = rig.proxy()
    number = proxy.number("RoutingEngine", session=ONE)
    proxy.ask(PULL, client=number)
    sender = 0 if by_proxy_itself else number
    answer = proxy.ask(RequestUnregisterClient(proxy_client_id=number), client=sender)
    assert isinstance(answer, EventAck)
    assert rig.rows("parties") == []
    assert proxy.ask(PULL, client=number).error_code == Code.NOT_REGISTERED


def test_a_proxy_that_says_goodbye_itself_takes_its_clients_along(rig: NodeRig) -> None:
    proxy = rig.proxy()
    number = proxy.number("RoutingEngine", session=ONE)
    assert isinstance(proxy.ask(RequestUnregisterClient()), EventAck)
    error = proxy.ask(PULL, client=number)
    assert error.error_code == Code.NOT_REGISTERED
    assert rig.server.state.clients == 0
    assert not rig.server.state.proxies
    row = next(row for row in rig.rows("sessions") if row["session"] == ONE)
    assert row["lost_at"] is not None


def test_clients_that_a_proxy_lost_together_wait_to_come_back(rig: NodeRig) -> None:
    submitted(rig, 3)
    proxy = rig.proxy()
    first = proxy.number("RoutingEngine", session=ONE)
    second = proxy.number("RoutingEngine")
    third = proxy.number("RoutingEngine", session=TWO)
    for number in (first, second, third):
        assert taken(proxy.ask(PULL, client=number))
    gone = RequestClientsGone(clients=[first, second, 77, 0], application_name="desktop")
    assert isinstance(proxy.ask(gone), EventAck)
    assert {row["session"] for row in rig.rows("parties")} == {ONE, TWO}
    assert proxy.ask(PULL, client=first).error_code == Code.NOT_REGISTERED
    assert isinstance(proxy.ask(PULL, client=third), EventPulledInteractions)


def test_a_broken_link_loses_every_client_on_it(rig: NodeRig) -> None:
    proxy = rig.proxy()
    for session in (ONE, TWO):
        proxy.number("RoutingEngine", session=session)
    proxy.lose()
    assert rig.server.state.clients == 0
    assert len(rig.server.state.sessions) == 0
    assert all(row["lost_at"] is not None for row in rig.rows("sessions"))


def test_there_is_room_for_so_many_clients() -> None:
    rig = NodeRig(NodeLimits(max_current_clients=2)).start()
    proxy = rig.proxy()
    number = proxy.number("MediaServer")
    assert proxy.register("MediaServer").error_code == Code.TOO_MANY_CLIENTS
    proxy.ask(RequestUnregisterClient(), client=number)
    assert isinstance(proxy.register("MediaServer"), EventAck)
    rig.stop()


def test_a_plain_peer_may_register_again_as_another(rig: NodeRig) -> None:
    peer = rig.client("RoutingEngine", session=ONE)
    assert isinstance(peer.register("MediaServer", client_name="other"), EventAck)
    assert isinstance(peer.ask(SUBMIT), EventAck)
    assert rig.rows("interactions")[0]["submitted_by"] == "other"
    row = next(row for row in rig.rows("sessions") if row["session"] == ONE)
    assert row["lost_at"] is not None
    assert rig.server.state.clients == 1


def test_a_plain_peer_may_register_again_with_its_session(rig: NodeRig) -> None:
    submitted(rig)
    peer = rig.client("RoutingEngine", session=ONE)
    takes = taken(peer.ask(PULL))
    ack = peer.register("RoutingEngine", session=ONE, incarnation=2, holding=takes)
    assert ack.held == takes
    assert isinstance(peer.ask(PULL), EventPulledInteractions)
    row = next(row for row in rig.rows("sessions") if row["session"] == ONE)
    assert row["lost_at"] is None


def test_a_registration_that_cannot_be_stored_is_refused(rig: NodeRig) -> None:
    from ixproxy.testing.faults import Fault

    rig.store.broken["begin"] = Fault.REFUSED
    peer = rig.peer()
    assert peer.register(session=ONE).error_code == Code.STORE_FAILED
    assert peer.closed
    del rig.store.broken["begin"]
    assert isinstance(rig.peer().register(session=ONE), EventAck)


def test_a_plain_peer_registers_once_at_a_time(rig: NodeRig) -> None:
    rig.writer.paused = True
    peer = rig.peer()
    for _ in range(1000):
        peer.send(RequestRegisterClient(client_name="m", client_type="MediaServer"))
    rig.settle()
    assert len(rig.server.writer._waiting) <= 1
    assert peer.answer(2).error_code == Code.NOT_REGISTERED
    assert peer.closed
    rig.writer.resume()
    rig.run(1)
    assert rig.rows("sessions") == []


def test_numbers_of_a_proxys_clients_do_not_come_again(rig: NodeRig) -> None:
    peer = rig.proxy()
    assert [peer.number("MediaServer") for _ in range(2)] == [1, 2]
    peer.ask(RequestUnregisterClient())
    peer.register("Proxy")
    assert peer.number("MediaServer") == 3


def test_a_peer_lost_while_it_registers_leaves_nothing_behind(rig: NodeRig) -> None:
    peer = rig.peer()
    rig.writer.paused = True
    peer.send(RequestRegisterClient(client_name="p", client_type="Proxy"))
    rig.settle()
    peer.lose()
    rig.writer.resume()
    rig.settle()
    assert not rig.server.state.proxies
    assert rig.server.state.clients == 0
    assert len(rig.server.state.sessions) == 0
    rig.run(1)
    assert rig.rows("sessions") == []


def test_ping_of_the_catalogue_is_answered_by_a_node(rig: NodeRig) -> None:
    assert rig.client("MediaServer").ask(RequestPing()).statistics
