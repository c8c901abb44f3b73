from __future__ import annotations

from lxml import etree

from ixproxy.capture.wsdl_writing import (
    SOAP,
    WSDL,
    XSD,
    Described,
    WsdlWriter,
    complex_type,
    element,
    wrapper,
)


def small() -> etree._Element:
    wsdl = WsdlWriter("Small", "urn:small", "s", {"o": "urn:other"})
    schema = wsdl.schema("urn:small")
    element(complex_type(schema, "Pair"), "one", "xsd:string", minOccurs="0")
    wrapper(schema, "Do")
    for name in ("Do", "Done", "Undo", "Undone"):
        wsdl.message(name, "parameters", element=f"s:{name}")
    wsdl.message("Oh", "fault", type="s:Pair")
    described = (Described("Do", "Done", "Fault", "Oh"), Described("Undo", "Undone"))
    wsdl.operations("Port", "Binding", described)
    return etree.fromstring(wsdl.service("Port", "Binding", "http://a/b"))


def found(root: etree._Element, path: str) -> list[dict[str, str]]:
    spaces = {"w": WSDL, "soap": SOAP, "x": XSD}
    return [dict(each.attrib) for each in root.findall(path, spaces)]  # type: ignore[arg-type]


def test_an_operation_has_an_input_an_output_and_perhaps_a_fault() -> None:
    root = small()
    assert found(root, "w:portType/w:operation[@name='Do']/*") == [
        {"message": "s:Do"},
        {"message": "s:Done"},
        {"name": "Fault", "message": "s:Oh"},
    ]
    assert len(found(root, "w:portType/w:operation[@name='Undo']/*")) == 2


def test_every_operation_is_bound_as_literal_document() -> None:
    root = small()
    (style,) = found(root, "w:binding/soap:binding")
    assert style["style"] == "document"
    bodies = found(root, "w:binding/w:operation/*/soap:body")
    assert bodies == [{"use": "literal"}] * 4
    assert found(root, "w:binding/w:operation/w:fault/soap:fault") == [
        {"name": "Fault", "use": "literal"}
    ]


def test_the_service_says_where_it_is() -> None:
    assert found(small(), "w:service/w:port/soap:address") == [{"location": "http://a/b"}]


def test_elements_have_names_types_and_whatever_more() -> None:
    assert found(small(), "w:types/x:schema/x:complexType/x:sequence/x:element") == [
        {"name": "one", "type": "xsd:string", "minOccurs": "0"}
    ]
