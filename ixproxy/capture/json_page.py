"""What the JSON face is, as an OpenAPI 3.1 document and as a page for persons."""

from __future__ import annotations

from html import escape
from typing import Any

import msgspec

from ixproxy.capture.json_reading import MOST_OPERATIONS
from ixproxy.node.intake_work import Verb

Page = dict[str, Any]

_RECEIPT = {"$ref": "#/components/parameters/receipt"}
_PROBLEM = {"$ref": "#/components/responses/problem"}


def _ref(name: str) -> Page:
    return {"$ref": f"#/components/schemas/{name}"}


def _json(name: str, description: str) -> Page:
    return {"description": description, "content": {"application/json": {"schema": _ref(name)}}}


def _takes(name: str, *, required: bool = True) -> Page:
    return {"required": required, "content": {"application/json": {"schema": _ref(name)}}}


def _operation(
    name: str, summary: str, answer: Page, *, body: Page | None = None, receipt: bool = True,
    parameters: tuple[Page, ...] = (),
) -> Page:  # fmt: skip
    made: Page = {
        "operationId": name,
        "summary": summary,
        "parameters": [*parameters, *([_RECEIPT] if receipt else [])],
        "responses": {"200": answer, "default": _PROBLEM},
    }
    if body is not None:
        made["requestBody"] = body
    return made


def _of_one(suffix: str, name: str, described: str) -> Page:
    """The paths of one interaction, named in one of the two ways."""
    whom: Page = {
        "name": name,
        "in": "path",
        "required": True,
        "description": described,
        "schema": {"type": "string", "minLength": 1},
    }
    ending = "ByExternalId" if suffix else ""
    outcome = _json("Outcome", "It is done, durably.")
    why = tuple(
        {"name": each, "in": "query", "schema": {"type": "string"}}
        for each in ("reason", "description")
    )
    path = f"/interactions{suffix}/{{{name}}}"
    return {
        path: {
            "parameters": [whom],
            "get": _operation(
                f"get{ending}", "All properties", _json("Properties", "What it has now."),
                receipt=False,
            ),
            "patch": _operation(
                f"update{ending}", "Change properties; another Queue moves it", outcome,
                body=_takes("Update"),
            ),
            "delete": _operation(f"stop{ending}", "Stop it", outcome, parameters=why),
        },
        f"{path}/hold": {
            "parameters": [whom],
            "post": _operation(
                f"hold{ending}", "Put it on hold", outcome, body=_takes("Why", required=False)
            ),
        },
        f"{path}/resume": {
            "parameters": [whom],
            "post": _operation(
                f"resume{ending}", "Take it off hold", outcome, body=_takes("Why", required=False)
            ),
        },
    }  # fmt: skip


def _submit() -> Page:
    made = _operation(
        "submit", "A new interaction", _json("Outcome", "It was done before: this repeats it."),
        body=_takes("Submit"),
    )  # fmt: skip
    made["responses"]["201"] = {
        **_json("Outcome", "It is there, durably."),
        "headers": {"Location": {"schema": {"type": "string"}}},
    }
    return made


_VALUE: Page = {
    "description": "A text, a whole number of 64 bits, true or false (1 or 0), or more of them.",
    "anyOf": [
        {"type": "string"},
        {"type": "integer"},
        {"type": "boolean"},
        {"type": "object", "additionalProperties": _ref("Value")},
    ],
}
_VALUES: Page = {"type": "object", "additionalProperties": _ref("Value")}
_TEXT: Page = {"type": "string"}
_REASON: Page = {
    "type": "object",
    "properties": {"systemName": _TEXT, "description": _TEXT},
    "additionalProperties": False,
}
_NAMES: Page = {"interactionId": _TEXT, "externalId": _TEXT}
_DELETED: Page = {"type": "array", "items": _TEXT, "description": "Names of what is removed."}


def _object(properties: Page, required: tuple[str, ...] = (), *, closed: bool = True) -> Page:
    made: Page = {"type": "object", "properties": properties}
    if required:
        made["required"] = list(required)
    if closed:
        made["additionalProperties"] = False
    return made


_SCHEMAS: Page = {
    "Value": _VALUE,
    "Submit": _object(
        {**_NAMES, "properties": _VALUES, "userData": _VALUES, "hold": {"type": "boolean"}}
    ),
    "Update": _object({"properties": _VALUES, "userData": _VALUES, "deleted": _DELETED}),
    "Why": _object({"reason": _REASON}),
    "Operation": _object(
        {
            "operation": {"type": "string", "enum": [verb.value for verb in Verb]},
            **_NAMES,
            "properties": _VALUES,
            "userData": _VALUES,
            "deleted": _DELETED,
            "hold": {"type": "boolean"},
            "reason": _REASON,
        },
        ("operation",),
    ),
    "Batch": _object(
        {
            "operations": {
                "type": "array",
                "minItems": 1,
                "maxItems": MOST_OPERATIONS,
                "items": _ref("Operation"),
            }
        },
        ("operations",),
    ),
    "Outcome": _object({**_NAMES, "repeated": {"type": "boolean"}}, closed=False),
    "Properties": _object({**_NAMES, "properties": {"type": "object"}}, closed=False),
    "Results": _object(
        {
            "repeated": {"type": "boolean"},
            "results": {
                "type": "array",
                "items": _object(
                    {
                        "operation": _TEXT,
                        **_NAMES,
                        "properties": {"type": "object"},
                        "problem": _object(
                            {"code": {"type": "integer"}, "title": _TEXT, "detail": _TEXT},
                            ("code", "title", "detail"),
                            closed=False,
                        ),
                    },
                    ("operation",),
                    closed=False,
                ),
            },
        },
        ("repeated", "results"),
        closed=False,
    ),
    "Health": _object({"status": _TEXT}, ("status",), closed=False),
    "Problem": _object(
        {
            "type": _TEXT,
            "title": _TEXT,
            "status": {"type": "integer"},
            "detail": _TEXT,
            "code": {"type": "integer", "description": "Of the server, where it has one for it."},
            "inDoubt": {
                "type": "boolean",
                "description": "It may have been done all the same: ask again with a receipt.",
            },
        },
        ("type", "title", "status", "detail"),
        closed=False,
    ),
}

API: Page = {
    "openapi": "3.1.0",
    "info": {
        "title": "ixproxy web service capture point",
        "version": "1",
        "description": "Brings interactions in, changes them, and says how they are. "
        "What was answered with a status of 200 or 201 is durable.",
        "license": {"name": "MIT", "identifier": "MIT"},
    },
    "servers": [{"url": "/"}],
    "security": [{}, {"password": []}],
    "paths": {
        "/interactions": {"post": _submit()},
        **_of_one("", "interactionId", "Its id."),
        **_of_one("/by-external-id", "externalId", "What its source calls it."),
        "/batch": {
            "post": _operation(
                "batch",
                "Many operations in one transaction; one that is refused leaves the others alone",
                _json("Results", "All are durable, but for those that have a problem."),
                body=_takes("Batch"),
            )
        },
        "/ping": {
            "get": _operation(
                "ping", "Figures of the node", _json("Properties", "The node is there."),
                receipt=False,
            )
        },
        "/health": {
            "get": _operation(
                "health", "For balancers; asks for no password", _json("Health", "Work is taken."),
                receipt=False,
            )
            | {"security": [{}]}
        },
    },
    "components": {
        "schemas": _SCHEMAS,
        "parameters": {
            "receipt": {
                "name": "Idempotency-Key",
                "in": "header",
                "description": "A name of this request of your own. Whatever breaks, give it again "
                "with the same name, and it is done once. Another request needs another name: "
                "under one that is known it is refused with 422.",
                "schema": {"type": "string", "maxLength": 255},
            }
        },
        "responses": {
            "problem": {
                "description": "Why it was not done.",
                "content": {"application/problem+json": {"schema": _ref("Problem")}},
            }
        },
        "securitySchemes": {"password": {"type": "http", "scheme": "basic"}},
    },
}  # fmt: skip

API_PAGE = msgspec.json.format(msgspec.json.encode(API), indent=1)

_STYLE = (
    "body{font:1rem/1.5 sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "td,th{text-align:left;padding:.2rem 1rem .2rem 0;vertical-align:top}"
    "code,pre{font-family:monospace}"
)


def human_page(name: str) -> bytes:
    """A page that needs nothing from anywhere else: what there is, and an example."""
    rows = "".join(
        f"<tr><td><code>{method.upper()}</code></td><td><code>{escape(path)}</code></td>"
        f"<td>{escape(described['summary'])}</td></tr>"
        for path, methods in API["paths"].items()
        for method, described in methods.items()
        if method != "parameters"
    )
    example = escape(
        "curl -H 'Content-Type: application/json' -H 'Idempotency-Key: \"sr-1001\"' \\\n"
        '  -d \'{"externalId": "SR-1001", "properties": {"Queue": "Inbound"}}\' \\\n'
        "  http://this-server/interactions"
    )
    return (
        f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{escape(name)}</title>'
        f"<style>{_STYLE}</style></head><body><h1>{escape(name)}</h1>"
        f"<p>{escape(API['info']['description'])}</p><table>{rows}</table>"
        f'<pre>{example}</pre><p><a href="/openapi.json">OpenAPI 3.1</a></p></body></html>\n'
    ).encode()
