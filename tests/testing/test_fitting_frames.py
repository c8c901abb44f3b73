from __future__ import annotations

import pytest

from ixproxy.errors import Code
from ixproxy.messages import EventAck, EventError, RequestAgentLogin, RequestRegisterClient
from ixproxy.testing.fitting_frames import (
    AGENTS,
    SESSIONS,
    fitting_frames,
    login,
    registration,
    requests_of,
)
from ixproxy.values import ClientType
from ixproxy.wire.codec import decode, missing_attribute
from ixproxy.wire.names import Kind
from ixproxy.wire.prefix import read_frame
from ixproxy.wire.rights import allowed
from tests.net.node_rig import NodeRig


def test_they_are_the_same_at_every_call_and_there_is_nothing_wrong_with_them() -> None:
    assert fitting_frames() == fitting_frames()
    kinds = set()
    for raw in fitting_frames():
        frame = read_frame(raw)
        kinds.add(frame.kind)
        if frame.kind == Kind.REQUEST:
            decode(frame)
            assert missing_attribute(frame) == ""
    assert kinds == {Kind.REQUEST, Kind.CANCEL, Kind.PING, Kind.EVENT}


@pytest.mark.parametrize("client_type", ClientType)
def test_each_client_type_has_requests_that_it_may_send(client_type: ClientType) -> None:
    requests = [decode(read_frame(raw)) for raw in requests_of(client_type)]
    behind = client_type is ClientType.PROXY
    assert requests
    assert all(allowed(type(each), client_type, through_proxy=behind) for each in requests)


def test_a_node_takes_registrations_and_logins() -> None:
    rig = NodeRig().start()
    peer = rig.peer()
    peer.write(registration("AgentApplication", SESSIONS[0], 3, 1))
    rig.settle()
    assert isinstance(peer.answer(1), EventAck)
    peer.frames.clear()
    peer.write(login(AGENTS[0]))
    rig.settle()
    assert isinstance(peer.answer(0), EventAck)
    robot = rig.peer()
    robot.write(registration("Robot", reference=1))
    rig.settle()
    error = robot.answer(1)
    assert isinstance(error, EventError)
    assert error.error_code == Code.INVALID_CLIENT
    rig.stop()


def test_registrations_say_what_they_are_given() -> None:
    message = decode(read_frame(registration("Proxy", SESSIONS[1], 2, 9)))
    assert isinstance(message, RequestRegisterClient)
    assert (message.client_type, message.session, message.incarnation) == ("Proxy", SESSIONS[1], 2)
    assert isinstance(decode(read_frame(login("ann"))), RequestAgentLogin)
