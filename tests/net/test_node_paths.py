"""Which proxies there are between a client and a node, and what the node does with that."""

from __future__ import annotations

from twisted.logger import capturedLogs, formatEvent

from ixproxy.errors import Code
from ixproxy.messages import (
    EventPulledInteractions,
    RequestClientsGone,
    RequestPull,
    RequestUnregisterClient,
)
from ixproxy.messages.registration import Credentials
from ixproxy.values import ClientType
from tests.net.node_rig import NodeRig

ONE = b"1" * 16
PULL = RequestPull(tenant_id=1, view_id="In/All")


def test_unregistering_a_client_that_is_not_there_is_harmless(rig: NodeRig) -> None:
    """Test idea 52, the node's half: the proxy and its other clients go on."""
    proxy = rig.proxy()
    number = proxy.number("RoutingEngine", session=ONE)
    for client, named in ((0, 99), (99, 99), (99, 0)):
        answer = proxy.ask(RequestUnregisterClient(proxy_client_id=named), client=client)
        assert answer.error_code == Code.NOT_REGISTERED
    assert isinstance(proxy.ask(PULL, client=number), EventPulledInteractions)
    assert proxy.open


def test_the_log_says_who_comes_and_goes_and_through_which_proxies(rig: NodeRig) -> None:
    with capturedLogs() as captured:
        proxy = rig.client("Proxy", client_name="proxy1", path=["proxy1"])
        secrets = {"session": ONE, "credentials": Credentials(user="ann", password="hunter2")}
        number = proxy.number(
            "MediaServer", client_name="mail-1", path=["edge1", "proxy1"], **secrets
        )
        proxy.register("Toaster", client_name="odd", path=["edge1", "proxy1"])
        proxy.ask(RequestClientsGone(clients=[number]))
        rig.client("RoutingEngine", client_name="router").ask(RequestUnregisterClient())
        proxy.lose()
    said = [(event["log_level"].name, formatEvent(event)) for event in captured]
    assert [line for line in said if "lient" in line[1] or "Proxy" in line[1]] == [
        ("info", "Proxy proxy1 is registered"),
        ("debug", "Client mail-1 through edge1, proxy1 is registered"),
        (
            "warn",
            "Client odd through edge1, proxy1 was refused: 3011 ClientType 'Toaster' is none of "
            + ", ".join(ClientType),
        ),
        ("debug", "Client mail-1 through edge1, proxy1 is lost"),
        ("debug", "Client router is registered"),
        ("debug", "Client router has left"),
        ("info", "Proxy proxy1 is lost, with 0 clients"),
    ]
    assert not any(secret in str(said) for secret in ("hunter2", "1111"))


def test_a_client_that_is_no_proxy_does_not_say_which_proxies_it_came_through(
    rig: NodeRig,
) -> None:
    rig.client("MediaServer", session=ONE, path=["edge"], moves=[9])
    (client,) = rig.server.state.sessions
    assert (client.path, client.generation) == ((), (1,))
