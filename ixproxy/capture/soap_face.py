"""The SOAP face of the web service: one address, its WSDL, and what is posted to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from msgspec.structs import replace

from ixproxy.capture.soap_envelope import EnvelopeProblem, read_envelope
from ixproxy.capture.soap_names import Shape
from ixproxy.capture.soap_reading import read_operation, shape_of
from ixproxy.capture.soap_writing import XML, whose_fault, write_fault, write_response
from ixproxy.capture.soap_wsdl import native_wsdl
from ixproxy.capture.web_receipts import receipt_of
from ixproxy.capture.web_statuses import status_of
from ixproxy.capture.web_values import AS_IT_IS, Asked, Call, Reply, plain
from ixproxy.capture.xml_parsing import Element
from ixproxy.errors import Code, RequestRefused
from ixproxy.node.intake_work import Document, Operation, Problem, Taken

MEDIA_TYPES = frozenset({"text/xml", "application/xml", "application/soap+xml"})

RECEIPT_GIVEN_TWICE = "the header Idempotency-Key and Extension give two receipts"


class Language(Protocol):
    """One of the two WSDLs: what it asks and how it answers."""

    def wsdl(self, address: str) -> bytes:
        """The document, for a service at this URL."""

    def read(self, element: Element) -> tuple[Operation, str, Callable[[Taken, float], bytes]]:
        """
        An operation, the receipt in it ("": none) and what writes its response.

        :raise RequestRefused: it is none that is known, or a value does not fit.
        """

    def fault(self, problem: Problem, faultcode: str) -> bytes:
        """An envelope with a fault."""


class NativeLanguage:
    """The native WSDL."""

    def wsdl(self, address: str) -> bytes:
        """The document."""
        return native_wsdl(address)

    def read(self, element: Element) -> tuple[Operation, str, Callable[[Taken, float], bytes]]:
        """An operation, its receipt, and its writer."""
        shape: Shape = shape_of(element)
        operation, receipt = read_operation(element)
        return operation, receipt, lambda taken, now: write_response(shape, taken, now)

    def fault(self, problem: Problem, faultcode: str) -> bytes:
        """An envelope with a FaultMessage."""
        return write_fault(problem, faultcode)


class SoapFace:
    """
    Answers what comes to the address of the SOAP service.

    :param address: its URL, for the WSDL.
    :param seconds: the time, since the epoch.
    :param size: bytes that an envelope may have.
    """

    def __init__(
        self, language: Language, address: str, seconds: Callable[[], float], size: int = 1 << 20
    ) -> None:
        self._size = size
        self._language = language
        self._seconds = seconds
        self._wsdl = language.wsdl(address)
        self._page = f"SOAP 1.1; the WSDL is at {address}?wsdl\n".encode()

    def read(self, asked: Asked) -> Reply | Call:
        """What a request comes to."""
        match asked.method:
            case "GET" | "HEAD":
                if any(name.lower() == "wsdl" for name in asked.query):
                    return Reply(status=200, body=self._wsdl, content_type=XML)
                return Reply(status=200, body=self._page)
            case "POST":
                return self._posted(asked)
        allowed = (("Allow", "GET, HEAD, POST"),)
        return Reply(status=405, body=b"Method not allowed\n", headers=allowed)

    def failed(self, refusal: RequestRefused) -> Reply:
        """A fault for what never became work."""
        return self._refused(refusal, "")

    def reused(self, why: str) -> Reply:
        """A fault for a receipt that is taken."""
        return self._refused(RequestRefused(Code.BAD_ATTRIBUTE, why), "")

    def _posted(self, asked: Asked) -> Reply | Call:
        if asked.coding:
            text = f"Expected no Content-Encoding, not {asked.coding[:80]}"
            return replace(plain(415, text), headers=AS_IT_IS, unread=text)
        if asked.content_type not in MEDIA_TYPES:
            said = asked.content_type[:80] or "nothing"
            text = f"Expected text/xml, not {said}\n"
            return Reply(status=415, body=text.encode("utf-8", "replace"), unread=text.strip())
        try:
            receipt = receipt_of(asked)
            element = read_envelope(asked.body, asked.charset, self._size)
            operation, inner, write = self._language.read(element)
            if inner and receipt and inner != receipt:
                raise RequestRefused(Code.BAD_ATTRIBUTE, RECEIPT_GIVEN_TWICE)
        except RequestRefused as refusal:
            return replace(self._refused(refusal, ""), unread=refusal.description)
        document = Document(operations=(operation,), receipt=receipt or inner, replies=False)
        return Call(
            document=document,
            done=lambda taken: self._done(taken, write),
            refused=lambda refusal: self._refused(refusal, document.receipt),
        )

    def _done(self, taken: Taken, write: Callable[[Taken, float], bytes]) -> Reply:
        problem = taken.results[0].problem if taken.results else None
        if problem is not None:
            return self._refused(RequestRefused(problem.code, problem.description), "")
        return Reply(status=200, body=write(taken, self._seconds()), content_type=XML)

    def _refused(self, refusal: RequestRefused, receipt: str) -> Reply:
        status = status_of(refusal.code, refusal.in_doubt, receipt)
        if isinstance(refusal, EnvelopeProblem):
            faultcode = refusal.fault
        elif refusal.in_doubt:
            faultcode = "Server"
        else:
            faultcode = whose_fault(refusal.code, status.retry)
        problem = Problem(code=refusal.code, description=refusal.description)
        return Reply(
            # SOAP 1.1 has 500 for every fault; 503 tells balancers what a fault does not.
            status=503 if status.code == 503 else 500,
            body=self._language.fault(problem, faultcode),
            content_type=XML,
            headers=status.headers,
        )
