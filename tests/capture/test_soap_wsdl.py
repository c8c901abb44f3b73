from __future__ import annotations

from lxml import etree

from ixproxy.capture.soap_names import NAMESPACE, OPERATIONS, SUBMIT
from ixproxy.capture.soap_wsdl import native_wsdl
from ixproxy.capture.wsdl_writing import SOAP, WSDL, XSD

SPACES = {"w": WSDL, "soap": SOAP, "x": XSD}


def document() -> etree._Element:
    return etree.fromstring(native_wsdl("https://ixn1:8443/a?b&c"))


def names(path: str) -> list[str | None]:
    return [each.get("name") for each in document().findall(path, SPACES)]


def test_it_has_the_address_of_the_service() -> None:
    (address,) = document().findall("w:service/w:port/soap:address", SPACES)
    assert address.get("location") == "https://ixn1:8443/a?b&c"


def test_names_are_those_of_the_field() -> None:
    assert document().get("targetNamespace") == NAMESPACE
    assert names("w:service") == ["WebServiceCapturePoint"]
    assert names("w:portType") == ["iWebServiceCapturePoint"]
    assert names("w:binding") == ["iWebServiceCapturePointHttpBinding"]
    assert names("w:portType/w:operation") == list(OPERATIONS)


def test_no_message_has_the_name_of_the_faults_element() -> None:
    """Axis would name the class of the fault otherwise, and old clients not compile."""
    assert "FaultMessage" not in names("w:message")
    assert "FaultMessage" in names("w:types/x:schema/x:element")


def test_a_submit_takes_what_it_takes_in_that_order() -> None:
    path = "w:types/x:schema/x:element[@name='Submit']/x:complexType/x:sequence/x:element"
    assert names(path) == [field.name for field in SUBMIT]


def test_every_message_that_is_used_is_there() -> None:
    root = document()
    there = set(names("w:message"))
    used = {
        str(each.get("message")).partition(":")[2]
        for each in root.findall("w:portType/w:operation/*", SPACES)
    }
    assert used <= there
