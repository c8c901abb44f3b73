"""Users log in at a proxy before they are registered, and are no more than their permits say."""

from __future__ import annotations

from typing import Any

from ixproxy.effects import ClosePeer, LogIn
from ixproxy.errors import Code
from ixproxy.messages import Credentials, EventAck, RequestRegisterClient
from ixproxy.values import ClientType, TenantFacts
from ixproxy.wire.permits import Grant, Permit
from tests.core.rig import EAST, NORTH, TENANT, WEST, Rig, decode, only

SESSION = b"s" * 16


def registration(**more: Any) -> RequestRegisterClient:
    values = {"client_name": "desk", "client_type": "AgentApplication", **more}
    return RequestRegisterClient(**values)


KIM = Credentials(user="kim", password="secret")
MEDIA = Permit("user kim", (Grant(frozenset({ClientType.MEDIA_SERVER}), frozenset({TENANT})),))
PROXY = Permit("CN=outer", (Grant(frozenset({ClientType.PROXY}), frozenset({TENANT})),))
WHO = Permit(must_log_in=True)


def shown(rig: Rig, permit: Permit) -> int:
    """The number of a peer that may be what `permit` says."""
    peer = rig.peer()
    rig.core.state.clients.peers[peer].permit = permit
    return peer


def logged_in(rig: Rig, peer: int, permit: Permit | None) -> None:
    rig.core.login_answered(peer, permit, rig.now)
    rig.pump()


def test_who_must_log_in_is_registered_when_it_is_known_who_it_is() -> None:
    rig = Rig()
    peer = shown(rig, WHO)
    reference = rig.ask(peer, registration(client_type="MediaServer", credentials=KIM))
    assert rig.effects[-1] == LogIn(peer, KIM)
    assert not any(rig.to_node.values())
    logged_in(rig, peer, MEDIA)
    for node in (EAST, NORTH, WEST):
        (frame,) = rig.sent(node)
        sent = decode(frame)
        assert (sent.tenants, sent.credentials) == ([TENANT], None)
        rig.answer(node, frame, EventAck(proxy_client_id=1))
    (answer,) = rig.got_frames(peer)
    assert answer.reference == reference


def test_who_does_not_say_who_it_is_or_is_unknown_is_refused_and_disconnected() -> None:
    rig = Rig()
    silent, unknown = shown(rig, WHO), shown(rig, WHO)
    rig.ask(silent, registration())
    rig.ask(unknown, registration(credentials=KIM))
    logged_in(rig, unknown, None)
    for peer in (silent, unknown):
        error = only(rig.got(peer))
        assert error.error_code == Code.NOT_AUTHENTICATED
        assert ClosePeer(peer, error.error_description) in rig.effects


def test_a_login_that_is_answered_late_or_twice_changes_nothing() -> None:
    rig = Rig()
    gone, twice = shown(rig, WHO), shown(rig, WHO)
    rig.ask(gone, registration(client_type="MediaServer", credentials=KIM))
    rig.hang_up(gone)
    logged_in(rig, gone, MEDIA)
    rig.ask(twice, registration(client_type="MediaServer", credentials=KIM))
    rig.ask(twice, registration(client_type="MediaServer", credentials=KIM))
    assert only(rig.got(twice)).error_code == Code.NOT_REGISTERED
    logged_in(rig, twice, MEDIA)
    logged_in(rig, twice, MEDIA)
    assert len(rig.sent(EAST)) == 1


def test_a_user_is_no_more_than_its_permit_says() -> None:
    rig = Rig()
    peer = shown(rig, WHO)
    rig.ask(peer, registration(credentials=KIM))
    logged_in(rig, peer, MEDIA)
    error = only(rig.got(peer))
    assert (error.error_code, error.error_description) == (
        Code.NOT_ALLOWED,
        "user kim may not register as AgentApplication here",
    )


def test_clients_behind_a_proxy_work_for_no_other_tenants_than_the_proxy_may() -> None:
    tenants = {id: TenantFacts(id, str(id), {"email": True}) for id in (TENANT, 2)}
    rig = Rig(tenants=tenants)
    peer = shown(rig, PROXY)
    rig.ask(peer, registration(client_type="Proxy", client_name="outer"))
    rig.got(peer)
    rig.ask(peer, registration(client_type="MediaServer"))
    assert decode(rig.sent(EAST)[0]).tenants == [TENANT]
    rig.ask(peer, registration(client_type="MediaServer", tenants=[2]))
    assert only(rig.got(peer)).error_code == Code.NOT_ALLOWED


def test_a_password_is_not_kept() -> None:
    rig = Rig()
    peer = rig.client(credentials=KIM, session=SESSION)
    client = rig.core.state.clients.peers[peer].clients[0]
    assert client.registration.credentials is None
