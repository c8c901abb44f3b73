"""The WSDL of the iWD-compatible web service."""

from __future__ import annotations

from ixproxy.capture.iwd_names import (
    BROKER_NAMESPACE,
    EVO_NAMESPACE,
    FAULT_NAMESPACE,
    NAMESPACE,
    TASK_FIELDS,
    TASK_NAMESPACE,
    TASKS,
    Kind,
)
from ixproxy.capture.wsdl_writing import Described, WsdlWriter, complex_type, element, wrapper
from ixproxy.node.intake_work import Verb

SERVICE = "webserviceCapturePoint"
PORT_TYPE = "webserviceCapturePointPortType"
BINDING = "webserviceCapturePointHttpBinding"
PORT = "webserviceCapturePointHttpPort"

FAULT = "WebserviceFault"

SPACES = {
    "ns1": EVO_NAMESPACE,
    "ns2": FAULT_NAMESPACE,
    "ns3": BROKER_NAMESPACE,
    "ns4": TASK_NAMESPACE,
}
"""The field's prefixes."""

_MAYBE = {"minOccurs": "0", "nillable": "true"}


def iwd_wsdl(address: str) -> bytes:
    """
    The whole document.

    :param address: the URL of the service.
    """
    wsdl = WsdlWriter(SERVICE, NAMESPACE, "iwd", SPACES)
    schema = wsdl.schema(NAMESPACE)
    entry = complex_type(schema, "string2stringMapEntry")
    element(entry, "key", "xsd:string")
    element(entry, "value", "xsd:string", nillable="true")
    some = {"minOccurs": "0", "maxOccurs": "unbounded"}
    entries = complex_type(schema, "string2stringMap")
    element(entries, "entry", "iwd:string2stringMapEntry", **some)
    for name, task in TASKS.items():
        arguments = wrapper(schema, name)
        for argument in task.arguments:
            more = {"minOccurs": "0"} if argument.kind is Kind.FLAG else _MAYBE
            element(arguments, argument.name, argument.kind.value, **more)
        response = wrapper(schema, f"{name}Response")
        if task.verb is Verb.GETINFO:
            element(response, "out", "ns4:TaskInfo", **_MAYBE)
        elif task.verb in (Verb.SUBMIT, Verb.PING):
            element(response, "out", "xsd:string", **_MAYBE)
        for each in (name, f"{name}Response"):
            wsdl.message(each, "parameters", element=f"iwd:{each}")
    described = complex_type(wsdl.schema(TASK_NAMESPACE), "TaskInfo")
    element(described, "status", "xsd:string", **_MAYBE)
    for field, (_, kind) in TASK_FIELDS.items():
        element(described, field, kind.value, **_MAYBE)
    element(described, "data", "iwd:string2stringMap", **_MAYBE)
    fault_schema = wsdl.schema(FAULT_NAMESPACE)
    # The field sends these without a namespace.
    fault_schema.set("elementFormDefault", "unqualified")
    fault = complex_type(fault_schema, FAULT)
    element(fault, "code", "xsd:int")
    element(fault, "message", "xsd:string", nillable="true")
    element(fault, "severity", "xsd:string", nillable="true")
    wsdl.message("CaptureFault", "fault", type=f"ns2:{FAULT}")
    wsdl.operations(
        PORT_TYPE,
        BINDING,
        (Described(name, f"{name}Response", FAULT, "CaptureFault") for name in TASKS),
    )
    return wsdl.service(PORT, BINDING, address)
