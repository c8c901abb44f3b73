from __future__ import annotations

from pathlib import Path

import pytest

from ixproxy.config import check
from tests.deployments import EVERYTHING, SMALL, changed


@pytest.mark.parametrize(
    ("store", "placed"),
    [
        ("sqlite:ixn1.db", "sqlite:/etc/ix/ixn1.db"),
        ("sqlite:../var/ixn1.db", "sqlite:/etc/var/ixn1.db"),
        ("sqlite:/var/ixn1.db", "sqlite:/var/ixn1.db"),
    ],
)
def test_a_store_begins_where_the_file_is(store: str, placed: str) -> None:
    text = changed(EVERYTHING, {"sqlite:ixn1.db": store})
    deployment = check(text, Path("/etc/ix")).deployment
    assert deployment is not None
    assert deployment.node("ixn1").store == placed
    assert deployment.node("ixn1-b").store == placed
    assert [log.address for log in deployment.node("ixn1").event_logs] == [
        "sqlite:/etc/ix/ixn1-log.db",
        "sqlite:/etc/ix/all-log.db",
    ]


def test_a_store_in_memory_has_no_place() -> None:
    text = changed(SMALL, {"sqlite:ixn1.db": "sqlite::memory:"})
    deployment = check(text, Path("/etc/ix")).deployment
    assert deployment is not None
    assert deployment.node("ixn1").store == "sqlite::memory:"


def test_certificates_begin_where_the_file_is() -> None:
    deployment = check(EVERYTHING, Path("/etc/ix")).deployment
    assert deployment is not None
    first, second = deployment.node("ixn1").tls, deployment.node("ixn1-b").tls
    assert first is not None
    assert second is not None
    assert (first.certificate, first.private_key, first.trust) == (
        "/etc/ix/ixn1.pem", "/etc/ix/ixn1.key", "/etc/ix/ca.pem",
    )  # fmt: skip
    assert (second.certificate, second.trust) == ("/etc/ix/ixn1-b.pem", "/etc/ix/ca.pem")


def test_stylesheets_of_capture_points_begin_where_the_file_is() -> None:
    text = changed(
        EVERYTHING, {"max-document-size = 4096": 'inbound-transformation = "xsl/in.xsl"'}
    )
    report = check(text, Path("/etc/ix"), try_maker=lambda kind, name, settings: None)
    deployment = report.deployment
    assert deployment is not None
    (point,) = deployment.node("ixn1-b").capture
    assert point.chosen.settings["inbound-transformation"] == "/etc/ix/xsl/in.xsl"
    assert point.chosen.settings["inbound-path"] == "/var/spool/ixn1/in"


def test_a_text_without_a_place_leaves_paths_as_they_are() -> None:
    deployment = check(EVERYTHING).deployment
    assert deployment is not None
    assert deployment.node("ixn1").store == "sqlite:ixn1.db"


def test_one_file_named_in_two_ways_is_still_one_store() -> None:
    text = EVERYTHING + changed(
        EVERYTHING[EVERYTHING.index("[applications.ixn1]") : EVERYTHING.index("event-log")],
        {
            "applications.ixn1": "applications.ixn2",
            "101": "102",
            "tcp:7102": "tcp:7109",
            "node-a.example:7102": "node-a.example:7109",
            'backup = "ixn1-b"\n': "",
            "sqlite:ixn1.db": "sqlite:./sub/../ixn1.db",
        },
    )
    assert not check(text).errors
    errors = check(text, Path("/etc/ix")).errors
    assert [(error.table, error.key) for error in errors] == [("applications.ixn2", "store")]
