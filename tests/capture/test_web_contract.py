"""The web service keeps the contract of capture points, whichever face is asked."""

from __future__ import annotations

from typing import Any

from twisted.internet.testing import MemoryReactorClock

from ixproxy.capture.web_service import WebService, make
from ixproxy.testing.capture_contract import CapturePointContract
from ixproxy.testing.capture_outside import Outside
from tests.capture.web_stage import SOAP_PATH, Caller, envelope


class Callers(Outside):
    """Programs that call, each document on a connection of its own, until they are answered."""

    comes_again = False
    keeps_errors = False
    tells = False
    breaks = False

    def __init__(self) -> None:
        self.reactor: Any = MemoryReactorClock()
        self.waiting: dict[str, Caller | None] = {}

    def make_point(self) -> WebService:
        return make({"listen": "tcp:8080"})

    @property
    def factory(self) -> Any:
        """Of the term that began last."""
        return self.reactor.tcpServers[-1][1]

    def ask(self, caller: Caller, name: str, bad: bool) -> None:
        body = b"{" if bad else f'{{"externalId":"{name}"}}'.encode()
        caller.ask("POST", "/interactions", body, {"Idempotency-Key": name})

    def give(self, name: str) -> None:
        self._call(name, bad=False)

    def give_bad(self, name: str) -> None:
        self._call(name, bad=True)

    def _call(self, name: str, *, bad: bool) -> None:
        self.waiting[name] = None
        if self.reactor.tcpServers:
            caller = Caller(self)
            if not caller.lost:
                self.waiting[name] = caller
                self.ask(caller, name, bad)

    def left(self) -> list[str]:
        return list(self.waiting)

    def errors(self) -> dict[str, str]:
        return {}

    def later(self, seconds: float) -> None:
        super().later(seconds)
        for name, caller in list(self.waiting.items()):
            if caller is None:
                continue
            for answer in caller.answers():
                # What is wrong with the request stays so; 503 asks to come again.
                if answer.status != 503 and self.waiting.get(name) is caller:
                    del self.waiting[name]
            if caller.is_closed() or name not in self.waiting:
                caller.lose()
                if name in self.waiting:
                    self.waiting[name] = None


class SoapCallers(Callers):
    """The same with SOAP, and the receipt in Extension."""

    def make_point(self) -> WebService:
        return make({"listen": "tcp:8080", "soap-endpoint": f"http://ixn1{SOAP_PATH}"})

    def ask(self, caller: Caller, name: str, bad: bool) -> None:
        inner = (
            f"<ixn:Submit><ixn:ExternalId>{name}</ixn:ExternalId><ixn:Extension><ixn:kvitem>"
            f"<ixn:key>IdempotencyKey</ixn:key><ixn:value><ixn:ValueString>{name}"
            "</ixn:ValueString></ixn:value></ixn:kvitem></ixn:Extension></ixn:Submit>"
        )
        body = b"<" if bad else envelope(inner)
        caller.ask("POST", SOAP_PATH, body, {"Content-Type": "text/xml"})


class TestJson(CapturePointContract):
    def outside(self) -> Outside:
        return Callers()


class TestSoap(CapturePointContract):
    def outside(self) -> Outside:
        return SoapCallers()
