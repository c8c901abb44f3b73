"""WSDL 1.1 documents for services of SOAP 1.1, document/literal, wrapped."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from lxml import etree

WSDL = "http://schemas.xmlsoap.org/wsdl/"
SOAP = "http://schemas.xmlsoap.org/wsdl/soap/"
XSD = "http://www.w3.org/2001/XMLSchema"
HTTP = "http://schemas.xmlsoap.org/soap/http"


class Described(NamedTuple):
    """
    An operation as a WSDL describes it.

    :ivar name: also that of its input's message and element.
    :ivar response: the same of its output.
    :ivar fault: the name of its fault; "": it declares none.
    :ivar fault_message: the name of the message of that.
    """

    name: str
    response: str
    fault: str = ""
    fault_message: str = ""


class WsdlWriter:
    """
    A document that grows.

    :param name: of the service.
    :param namespace: its target namespace, for which `prefix` stands.
    :param spaces: further namespaces by their prefixes.
    """

    def __init__(
        self, name: str, namespace: str, prefix: str, spaces: Mapping[str, str] | None = None
    ) -> None:
        own = {"wsdl": WSDL, "soap": SOAP, "xsd": XSD, prefix: namespace, **(spaces or {})}
        self.prefix = prefix
        self.root = etree.Element(f"{{{WSDL}}}definitions", nsmap=own)
        self.root.set("name", name)
        self.root.set("targetNamespace", namespace)
        self._types = etree.SubElement(self.root, f"{{{WSDL}}}types")
        self._name = name

    def schema(self, namespace: str) -> etree._Element:
        """A schema for one namespace, whose elements are qualified."""
        schema = etree.SubElement(self._types, f"{{{XSD}}}schema")
        schema.set("targetNamespace", namespace)
        schema.set("elementFormDefault", "qualified")
        return schema

    def message(self, name: str, part: str, **of: str) -> None:
        """
        A message with one part.

        :param of: `element`, or `type`.
        """
        made = _named(_named(self.root, "message", name), "part", part)
        for key, value in of.items():
            made.set(key, value)

    def operations(self, port_type: str, binding: str, described: Iterable[Described]) -> None:
        """The port type, and how it is bound to SOAP; messages must be there already."""
        all_of_them = tuple(described)
        self._port_type(port_type, all_of_them)
        bound = _named(self.root, "binding", binding)
        bound.set("type", f"{self.prefix}:{port_type}")
        style = etree.SubElement(bound, f"{{{SOAP}}}binding")
        style.set("style", "document")
        style.set("transport", HTTP)
        for each in all_of_them:
            self._bind(bound, each)

    def service(self, port: str, binding: str, address: str) -> bytes:
        """The service at its address, and with that the whole document."""
        made = _named(_named(self.root, "service", self._name), "port", port)
        made.set("binding", f"{self.prefix}:{binding}")
        etree.SubElement(made, f"{{{SOAP}}}address").set("location", address)
        return etree.tostring(self.root, xml_declaration=True, encoding="UTF-8", pretty_print=True)

    def _port_type(self, name: str, described: Iterable[Described]) -> None:
        ports = _named(self.root, "portType", name)
        for each in described:
            operation = _named(ports, "operation", each.name)
            _child(operation, "input").set("message", f"{self.prefix}:{each.name}")
            _child(operation, "output").set("message", f"{self.prefix}:{each.response}")
            if each.fault:
                fault = _named(operation, "fault", each.fault)
                fault.set("message", f"{self.prefix}:{each.fault_message}")

    def _bind(self, binding: etree._Element, described: Described) -> None:
        operation = _named(binding, "operation", described.name)
        etree.SubElement(operation, f"{{{SOAP}}}operation").set("soapAction", "")
        for direction in ("input", "output"):
            body = etree.SubElement(_child(operation, direction), f"{{{SOAP}}}body")
            body.set("use", "literal")
        if described.fault:
            fault = _named(operation, "fault", described.fault)
            literal = etree.SubElement(fault, f"{{{SOAP}}}fault")
            literal.set("name", described.fault)
            literal.set("use", "literal")


def complex_type(schema: etree._Element, name: str) -> etree._Element:
    """A type with a name; its sequence."""
    made = etree.SubElement(schema, f"{{{XSD}}}complexType")
    made.set("name", name)
    return etree.SubElement(made, f"{{{XSD}}}sequence")


def wrapper(schema: etree._Element, name: str) -> etree._Element:
    """An element with a type of its own; the sequence of that."""
    made = etree.SubElement(element(schema, name), f"{{{XSD}}}complexType")
    return etree.SubElement(made, f"{{{XSD}}}sequence")


def element(parent: etree._Element, name: str, kind: str = "", **more: str) -> etree._Element:
    """
    An element of a schema.

    :param more: minOccurs and the like.
    """
    made = etree.SubElement(parent, f"{{{XSD}}}element")
    made.set("name", name)
    if kind:
        made.set("type", kind)
    for key, value in more.items():
        made.set(key, value)
    return made


def _named(parent: etree._Element, tag: str, name: str) -> etree._Element:
    made = _child(parent, tag)
    made.set("name", name)
    return made


def _child(parent: etree._Element, tag: str) -> etree._Element:
    return etree.SubElement(parent, f"{{{WSDL}}}{tag}")
