from __future__ import annotations

import msgspec
from openapi_spec_validator import OpenAPIV31SpecValidator

from ixproxy.capture.json_face import BATCH, ROUTES
from ixproxy.capture.json_page import API, API_PAGE, human_page

FIELDS = {"interaction_id": "interactionId", "external_id": "externalId"}


def described() -> set[tuple[str, str]]:
    return {
        (path, method.upper())
        for path, methods in API["paths"].items()
        for method in methods
        if method != "parameters"
    }


def test_it_is_a_document_of_openapi_3_1() -> None:
    document = msgspec.json.decode(API_PAGE)
    assert document == API
    assert list(OpenAPIV31SpecValidator(document).iter_errors()) == []


def test_it_describes_what_is_served_and_nothing_else() -> None:
    served = {("/health", "GET"), (f"/{BATCH[0]}", "POST")}
    for pattern, makers in ROUTES.items():
        path = "".join(f"/{part}" for part in pattern)
        for field, name in FIELDS.items():
            path = path.replace(field, name)
        served |= {(path, method) for method in makers}
    assert described() == served


def test_operations_have_different_names() -> None:
    names = [
        each["operationId"]
        for methods in API["paths"].values()
        for method, each in methods.items()
        if method != "parameters"
    ]
    assert len(names) == len(set(names))


def test_the_page_for_persons_needs_nothing_from_elsewhere() -> None:
    page = human_page("<web&in>").decode()
    assert "&lt;web&amp;in&gt;" in page
    assert "<web" not in page
    assert "src=" not in page
    assert page.count("<tr>") == len(described())
