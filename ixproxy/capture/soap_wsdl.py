"""The WSDL of the native web service: SOAP 1.1, document/literal, wrapped."""

from __future__ import annotations

from collections.abc import Iterable

from lxml import etree

from ixproxy.capture.soap_names import NAMESPACE, OPERATIONS, RESPONSES, Field, Shape

WSDL = "http://schemas.xmlsoap.org/wsdl/"
SOAP = "http://schemas.xmlsoap.org/wsdl/soap/"
XSD = "http://www.w3.org/2001/XMLSchema"
HTTP = "http://schemas.xmlsoap.org/soap/http"

PORT = "iWebServiceCapturePointHttpBinding"
PORT_TYPE = "iWebServiceCapturePoint"
SERVICE = "WebServiceCapturePoint"

# Axis names the class of a fault after its element only where no message has that name, too.
_FAULT_MESSAGE = "RequestFault"


def native_wsdl(address: str) -> bytes:
    """
    The whole document.

    :param address: the URL of the service.
    """
    spaces = {"wsdl": WSDL, "soap": SOAP, "xsd": XSD, "ixn": NAMESPACE}
    root = etree.Element(f"{{{WSDL}}}definitions", nsmap=spaces)
    root.set("name", SERVICE)
    root.set("targetNamespace", NAMESPACE)
    _types(etree.SubElement(root, f"{{{WSDL}}}types"))
    for name in (*OPERATIONS, *RESPONSES):
        _message(root, name, "parameters", name)
    _message(root, _FAULT_MESSAGE, "fault", "FaultMessage")
    _port_type(root)
    _binding(root)
    service = _named(root, "service", SERVICE)
    port = _named(service, "port", PORT)
    port.set("binding", f"ixn:{PORT}")
    etree.SubElement(port, f"{{{SOAP}}}address").set("location", address)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)


def _named(parent: etree._Element, tag: str, name: str) -> etree._Element:
    made = etree.SubElement(parent, f"{{{WSDL}}}{tag}")
    made.set("name", name)
    return made


def _types(parent: etree._Element) -> None:
    schema = etree.SubElement(parent, f"{{{XSD}}}schema")
    schema.set("targetNamespace", NAMESPACE)
    schema.set("elementFormDefault", "qualified")
    value = _sequence(_type(schema, "KVPairValue"))
    for name, kind in (
        ("ValueInt", "xsd:int"),
        ("ValueString", "xsd:string"),
        ("ValueList", "ixn:KVList"),
    ):
        _element(value, name, kind).set("minOccurs", "0")
    pair = _sequence(_type(schema, "KVPair"))
    _element(pair, "key", "xsd:string")
    _element(pair, "value", "ixn:KVPairValue")
    item = _element(_sequence(_type(schema, "KVList")), "kvitem", "ixn:KVPair")
    item.set("minOccurs", "0")
    item.set("maxOccurs", "unbounded")
    item.set("nillable", "true")
    for name, shape in OPERATIONS.items():
        _wrapper(schema, name, shape.fields)
    for name, fields in RESPONSES.items():
        _wrapper(schema, name, fields)
    fault = _sequence(etree.SubElement(_element(schema, "FaultMessage"), f"{{{XSD}}}complexType"))
    _element(fault, "ErrorCode", "xsd:int")
    _element(fault, "ErrorDescription", "xsd:string")


def _type(schema: etree._Element, name: str) -> etree._Element:
    made = etree.SubElement(schema, f"{{{XSD}}}complexType")
    made.set("name", name)
    return made


def _sequence(parent: etree._Element) -> etree._Element:
    return etree.SubElement(parent, f"{{{XSD}}}sequence")


def _element(parent: etree._Element, name: str, kind: str = "") -> etree._Element:
    made = etree.SubElement(parent, f"{{{XSD}}}element")
    made.set("name", name)
    if kind:
        made.set("type", kind)
    return made


def _wrapper(schema: etree._Element, name: str, fields: Iterable[Field]) -> None:
    """The element of an operation or a response, with its fields."""
    inner = _sequence(etree.SubElement(_element(schema, name), f"{{{XSD}}}complexType"))
    for field in fields:
        made = _element(inner, field.name, field.kind.value)
        made.set("minOccurs", "0")
        if field.nillable:
            made.set("nillable", "true")


def _message(root: etree._Element, name: str, part: str, element: str) -> None:
    _named(_named(root, "message", name), "part", part).set("element", f"ixn:{element}")


def _port_type(root: etree._Element) -> None:
    ports = _named(root, "portType", PORT_TYPE)
    for name, shape in OPERATIONS.items():
        operation = _named(ports, "operation", name)
        _child(operation, "input").set("message", f"ixn:{name}")
        _child(operation, "output").set("message", f"ixn:{shape.response}")
        if shape.faults:
            _named(operation, "fault", "FaultMessage").set("message", f"ixn:{_FAULT_MESSAGE}")


def _binding(root: etree._Element) -> None:
    binding = _named(root, "binding", PORT)
    binding.set("type", f"ixn:{PORT_TYPE}")
    style = etree.SubElement(binding, f"{{{SOAP}}}binding")
    style.set("style", "document")
    style.set("transport", HTTP)
    for name, shape in OPERATIONS.items():
        _bound(binding, name, shape)


def _bound(binding: etree._Element, name: str, shape: Shape) -> None:
    operation = _named(binding, "operation", name)
    etree.SubElement(operation, f"{{{SOAP}}}operation").set("soapAction", "")
    for direction in ("input", "output"):
        body = etree.SubElement(_child(operation, direction), f"{{{SOAP}}}body")
        body.set("use", "literal")
    if shape.faults:
        fault = _named(operation, "fault", "FaultMessage")
        literal = etree.SubElement(fault, f"{{{SOAP}}}fault")
        literal.set("name", "FaultMessage")
        literal.set("use", "literal")


def _child(parent: etree._Element, tag: str) -> etree._Element:
    return etree.SubElement(parent, f"{{{WSDL}}}{tag}")
