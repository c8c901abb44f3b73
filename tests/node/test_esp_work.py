from __future__ import annotations

from ixproxy.messages import Event3rdServerResponse, Request3rdServer
from ixproxy.node.esp_work import Called, ServiceAnswered, ServiceCalled
from ixproxy.node.work import Sender


def test_work_shows_no_user_data() -> None:
    sender = Sender(b"secret session!!", "ors", "RoutingEngine", frozenset({1}))
    request = Request3rdServer(tenant_id=1, user_data={"Card": "4711"})
    call = Called(sender, request, "mail", 1, 2, "101-1-1")
    assert repr(ServiceCalled(call)) == "ServiceCalled('mail')"
    answered = ServiceAnswered(None, call, Event3rdServerResponse(user_data={"Card": "4711"}))
    assert repr(answered) == "ServiceAnswered('mail', Event3rdServerResponse)"
