"""The WSDL of the native web service."""

from __future__ import annotations

from collections.abc import Iterable

from lxml import etree

from ixproxy.capture.soap_names import NAMESPACE, OPERATIONS, RESPONSES, Field
from ixproxy.capture.wsdl_writing import Described, WsdlWriter, complex_type, element, wrapper

PORT = "iWebServiceCapturePointHttpBinding"
PORT_TYPE = "iWebServiceCapturePoint"
SERVICE = "WebServiceCapturePoint"

FAULT = "FaultMessage"

# Axis names the class of a fault after its element only where no message has that name, too.
_FAULT_MESSAGE = "RequestFault"


def native_wsdl(address: str) -> bytes:
    """
    The whole document.

    :param address: the URL of the service.
    """
    wsdl = WsdlWriter(SERVICE, NAMESPACE, "ixn")
    schema = wsdl.schema(NAMESPACE)
    _key_values(schema)
    for name, fields in _wrappers():
        _fields(wrapper(schema, name), fields)
        wsdl.message(name, "parameters", element=f"ixn:{name}")
    fault = wrapper(schema, FAULT)
    element(fault, "ErrorCode", "xsd:int")
    element(fault, "ErrorDescription", "xsd:string")
    wsdl.message(_FAULT_MESSAGE, "fault", element=f"ixn:{FAULT}")
    described = (
        Described(name, shape.response, FAULT if shape.faults else "", _FAULT_MESSAGE)
        for name, shape in OPERATIONS.items()
    )
    wsdl.operations(PORT_TYPE, PORT, described)
    return wsdl.service(PORT, PORT, address)


def _wrappers() -> Iterable[tuple[str, tuple[Field, ...]]]:
    yield from ((name, shape.fields) for name, shape in OPERATIONS.items())
    yield from RESPONSES.items()


def _key_values(schema: etree._Element) -> None:
    value = complex_type(schema, "KVPairValue")
    element(value, "ValueInt", "xsd:int", minOccurs="0")
    element(value, "ValueString", "xsd:string", minOccurs="0")
    element(value, "ValueList", "ixn:KVList", minOccurs="0")
    pair = complex_type(schema, "KVPair")
    element(pair, "key", "xsd:string")
    element(pair, "value", "ixn:KVPairValue")
    some = {"minOccurs": "0", "maxOccurs": "unbounded", "nillable": "true"}
    element(complex_type(schema, "KVList"), "kvitem", "ixn:KVPair", **some)


def _fields(sequence: etree._Element, fields: Iterable[Field]) -> None:
    for field in fields:
        more = {"nillable": "true"} if field.nillable else {}
        element(sequence, field.name, field.kind.value, minOccurs="0", **more)
