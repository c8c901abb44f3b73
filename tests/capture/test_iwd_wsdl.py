from __future__ import annotations

from lxml import etree

from ixproxy.capture.iwd_names import NAMESPACE, TASKS
from ixproxy.capture.iwd_wsdl import iwd_wsdl
from ixproxy.capture.wsdl_writing import WSDL, XSD

SPACES = {"w": WSDL, "x": XSD}


def document() -> etree._Element:
    return etree.fromstring(iwd_wsdl("http://ixn1/a"))


def test_every_operation_is_there_with_its_fault() -> None:
    root = document()
    assert root.get("targetNamespace") == NAMESPACE
    operations = root.findall("w:portType/w:operation", SPACES)
    assert [each.get("name") for each in operations] == list(TASKS)
    assert all(len(each) == 3 for each in operations)


def test_times_can_be_nil_and_left_out() -> None:
    times = document().findall(".//x:element[@type='xsd:dateTime']", SPACES)
    assert times
    assert all((each.get("minOccurs"), each.get("nillable")) == ("0", "true") for each in times)


def test_only_what_creates_pings_and_shows_has_an_output() -> None:
    for name in TASKS:
        path = f"w:types/x:schema/x:element[@name='{name}Response']/x:complexType/x:sequence/*"
        outputs = document().findall(path, SPACES)
        has_one = name in ("createTask", "ping") or name.startswith("get")
        assert [each.get("name") for each in outputs] == (["out"] if has_one else [])
