"""Users log in at a node before they are registered."""

from __future__ import annotations

from twisted.cred.checkers import ICredentialsChecker
from twisted.cred.credentials import IUsernamePassword
from twisted.internet.defer import Deferred
from zope.interface import implementer

from ixproxy.errors import Code
from ixproxy.messages import Credentials, EventAck, RequestRegisterClient, RequestSubmit
from ixproxy.net.door import Door, Rule
from ixproxy.values import ClientType
from ixproxy.wire.permits import Grant, Permit
from tests.net.node_rig import NodeRig
from tests.net.test_door import users

SUBMIT = RequestSubmit(tenant_id=1, media_type="email", queue="In")
KIM = Credentials(user="kim", password="secret")
MEDIA = Rule(Grant(frozenset({ClientType.MEDIA_SERVER}), frozenset({1})), user="kim")


def test_a_user_logs_in_before_it_is_registered(rig: NodeRig) -> None:
    rig.server.state.door = Door([MEDIA], [users(kim="secret", lee="other")])
    peer = rig.peer()
    assert isinstance(peer.register("MediaServer", credentials=KIM), EventAck)
    assert peer.ask(SUBMIT).interaction_id
    for attributes, code in (
        ({}, Code.NOT_AUTHENTICATED),
        ({"credentials": Credentials(user="kim", password="x")}, Code.NOT_AUTHENTICATED),
        ({"credentials": Credentials(user="lee", password="other")}, Code.NOT_ALLOWED),
    ):
        peer = rig.peer()
        assert peer.register("MediaServer", **attributes).error_code == code
        assert peer.closed
    assert rig.client_types() == ["MediaServer"]


def test_a_slow_login_is_waited_for_once_and_forgotten_with_its_connection(rig: NodeRig) -> None:
    slow = Slow()
    rig.server.state.door = Door(checkers=[slow])
    peer = rig.peer()
    peer.send(RequestRegisterClient(client_name="m", client_type="MediaServer", credentials=KIM))
    again = peer.register("MediaServer", credentials=KIM)
    assert again.error_code == Code.NOT_REGISTERED
    assert peer.closed
    slow.answers[0].callback(b"kim")
    rig.settle()
    assert rig.client_types() == []


def test_what_a_proxy_may_not_work_for_its_clients_may_not_either(rig: NodeRig) -> None:
    peer = rig.peer()
    for node_peer in rig.server.listener._peers.values():
        node_peer.permit = Permit("CN=p", (Grant(frozenset({ClientType.PROXY}), frozenset({9})),))
    peer.register("Proxy")
    assert peer.register("MediaServer", tenants=[1]).error_code == Code.NOT_ALLOWED
    number = peer.number("MediaServer")
    assert peer.ask(SUBMIT, client=number).error_code == Code.NOT_ALLOWED


@implementer(ICredentialsChecker)
class Slow:
    """Answers when a test says so."""

    credentialInterfaces = (IUsernamePassword,)

    def __init__(self) -> None:
        self.answers: list[Deferred[bytes | tuple[()]]] = []

    def requestAvatarId(self, credentials: object) -> Deferred[bytes | tuple[()]]:
        self.answers.append(Deferred())
        return self.answers[-1]
