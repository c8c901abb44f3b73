from __future__ import annotations

import tomllib

import pytest

from ixproxy.config_build import build
from ixproxy.config_check import Findings
from ixproxy.config_deployment import Deployment
from ixproxy.config_lines import Lines
from ixproxy.config_tables import (
    Allow,
    CapturePoint,
    Chosen,
    Cluster,
    CustomProperty,
    EventLog,
    ServerApplication,
    View,
    Workbin,
)
from ixproxy.values import TlsFiles
from tests.deployments import EVERYTHING, SMALL, changed, found


def built(text: str) -> Deployment:
    findings = Findings(Lines(text))
    deployment = build(tomllib.loads(text), findings)
    assert not findings.errors
    return deployment


def test_a_tenant_has_all_that_its_tables_say() -> None:
    tenant = built(EVERYTHING).tenants["Environment"]
    assert (tenant.name, tenant.id) == ("Environment", 1)
    assert tenant.agents == frozenset({"kim", "lee"})
    assert tenant.places == frozenset({"desk-1"})
    assert tenant.agent_groups == {"sales": ("kim",)}
    assert tenant.place_groups == {"hall": ("desk-1",)}
    assert tenant.routers == frozenset({"urs"})
    assert tenant.strategies == frozenset({"Mail"})
    assert tenant.media_types["email"].settings.handling_timeout == 60
    assert [each.name for each in tenant.media_types.values() if each.enabled] == ["email"]
    assert tenant.custom_properties == {"product": CustomProperty("product", "string")}
    assert tenant.workbins == {"Drafts": Workbin("Drafts", "agent")}
    assert tenant.queues["Inbound"].views == {
        "Urgent": View(
            "Urgent",
            "[media_type] = 'email' AND product = 'Loan'",
            "priority DESC, received_at",
            "product",
            5,
            30,
            "Mail",
        )
    }


def test_a_node_has_all_that_its_tables_say() -> None:
    node = built(EVERYTHING).node("ixn1")
    assert (node.dbid, node.tenants, node.backup, node.primary) == (
        101, ("Environment",), "ixn1-b", "",
    )  # fmt: skip
    assert node.store == "sqlite:ixn1.db"
    assert node.event_logs == (
        EventLog("log", "sqlite:ixn1-log.db", short=True),
        EventLog(
            "shared",
            "sqlite:all-log.db",
            batch_size=50,
            event_filter_by_id=("EventPlacedInQueue",),
            custom_fields={"customer": "Customer"},
            custom_events={"1001": "agent"},
        ),
    )
    assert node.connections == ("classifier",)
    assert node.tls == TlsFiles("ixn1.pem", "ixn1.key", "ca.pem", True)
    assert node.allow == (
        Allow("CN=proxy1", ("Proxy",), ("Environment",)),
        Allow("CN=mail", ("MediaServer",)),
    )
    assert node.capture == (
        CapturePoint(
            "mail-in",
            Chosen(
                "file",
                {
                    "inbound-path": "/var/spool/ixn1/in",
                    "error-path": "/var/spool/ixn1/error",
                    "max-document-size": 4096,
                },
            ),
            tenant="Environment",
            defaults={"MediaType": "email"},
        ),
    )
    assert node.settings.allow_multiple_agent_connections == "force-logout"
    assert node.settings.completed_queues == ("Inbound",)
    assert node.cluster_settings.media_types == ("email",)
    assert node.cluster_settings.enable_submit
    assert node.logger_settings.event_filter_by_id == ("12", "13")
    assert node.agent_reservation.reservation_time == 10_000
    assert node.licences.ics_multi_media_agent_seat == 30


def test_a_backup_inherits_everything_but_listen_endpoint_and_tls() -> None:
    deployment = built(EVERYTHING)
    primary, backup = deployment.node("ixn1"), deployment.node("ixn1-b")
    assert (backup.name, backup.primary, backup.backup) == ("ixn1-b", "ixn1", "")
    assert (backup.listen, backup.endpoint) == ("tcp:7102", "tcp:node-a.example:7102")
    assert backup.tls == TlsFiles("ixn1-b.pem", "ixn1-b.key", "ca.pem")
    for name in ("dbid", "tenants", "store", "event_logs", "allow", "capture", "settings",
                 "cluster_settings", "connections", "licences"):  # fmt: skip
        assert getattr(backup, name) == getattr(primary, name), name


def test_a_backup_may_stand_before_its_primary_in_the_file() -> None:
    start, end = EVERYTHING.index("[applications.ixn1-b]"), EVERYTHING.index("[applications.class")
    block = EVERYTHING[start:end]
    deployment = built(block + EVERYTHING.replace(block, ""))
    assert deployment.node("ixn1-b").dbid == 101


def test_a_proxy_has_all_that_its_tables_say() -> None:
    proxy = built(EVERYTHING).proxy("proxy1")
    assert (proxy.dbid, proxy.tenants) == (301, ("Environment",))
    assert proxy.endpoint == "tcp:127.0.0.1:7001"
    assert proxy.settings.pull_hold_timeout == 2
    assert proxy.routing == Chosen("weighted", {"weights": {"ixn1": 2}})
    assert proxy.pull == Chosen("busiest-first")
    assert proxy.merge == Chosen("partial", {"on-loss": "report"})
    backup = built(EVERYTHING).proxy("proxy1-b")
    assert (backup.endpoint, backup.connections, backup.routing) == (
        "tcp:127.0.0.1:7002", proxy.connections, proxy.routing,
    )  # fmt: skip


def test_clusters_and_foreign_applications_are_values_too() -> None:
    deployment = built(EVERYTHING)
    assert deployment.cluster("cluster") == Cluster(
        "cluster", "Interaction Server", ("ixn1", "switch")
    )
    classifier = deployment.applications["classifier"]
    assert isinstance(classifier, ServerApplication)
    assert (classifier.type, classifier.dbid) == ("Third Party Server", 201)
    assert classifier.options == {"anything": {"at-all": [1, 2]}}
    urs = deployment.applications["urs"]
    assert isinstance(urs, ServerApplication)
    assert urs.options["ixn1"]["max-submitted-interactions"] == 100
    assert deployment.agent_seats == 100


def test_applications_keep_the_order_of_the_file() -> None:
    names = list(tomllib.loads(EVERYTHING)["applications"])
    assert list(built(EVERYTHING).applications) == names


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {'type = "Application Cluster"': 'type = "Aplication Cluster"'},
            'did you mean "Application',
        ),
        ({'type = "Application Cluster"\n': ""}, "[applications.cluster] type: missing; expected"),
        ({'type = "Application Cluster"': "type = 7"}, "not the number 7"),
        ({'role = "proxy"': 'role = "prxy"'}, 'did you mean "proxy"?'),
        (
            {'listen = "tcp:7001"\n': ""},
            "[applications.proxy1] listen: missing; expected an address",
        ),
        ({"dbid = 102\n": ""}, "[applications.ixn2] dbid: missing; expected a whole number from 1"),
        ({"dbid = 102": "dbid = 2176782336"}, "from 1 to 2176782335"),
        ({"dbid = 102": "dbid = 0"}, "out of range"),
        ({"[applications.proxy1]": '[applications."proxy1 "]'}, "no blanks at its ends"),
    ],
)
def test_an_application_that_does_not_fit_is_told_so(changes: dict[str, str], said: str) -> None:
    errors = found(changed(SMALL, changes))
    assert any(said in error for error in errors), errors


def test_applications_and_tenants_that_are_no_tables_are_told_so() -> None:
    assert found("applications = 1\ntenants = []\n") == [
        "line 1: (file) applications: expected a table, not the number 1",
        "line 2: (file) tenants: expected a table, not a list",
    ]
    assert found("[applications]\nixn1 = 1\n") == [
        "line 2: [applications] ixn1: expected a table, not the number 1"
    ]


@pytest.mark.parametrize(
    ("added", "said"),
    [
        ("dbid = 101", 'a backup inherits this from "ixn1": expected it there only'),
        ('store = "sqlite:x.db"', 'a backup inherits this from "ixn1"'),
        ('backup = "proxy1"', 'a backup has no backup itself; "ixn1" names it as its own'),
        ('role = "proxy"', 'expected the same as that of its primary "ixn1": the text "node"'),
        ("nonsense = 1", 'a backup inherits this from "ixn1"'),
    ],
)
def test_a_backup_says_nothing_that_it_inherits(added: str, said: str) -> None:
    text = changed(EVERYTHING, {'listen = "tcp:7102"': f'listen = "tcp:7102"\n{added}'})
    errors = found(text)
    assert [said in error for error in errors] == [True], errors


def test_of_two_that_name_each_other_the_first_is_the_primary() -> None:
    text = changed(SMALL, {"dbid = 101": 'dbid = 101\nbackup = "ixn2"'})
    text = changed(text, {"dbid = 102": 'dbid = 102\nbackup = "ixn1"'})
    errors = found(text)
    assert '[applications.ixn2] backup: a backup has no backup itself; "ixn1" names it' in str(
        errors
    )
    assert not any("[applications.ixn1]" in error for error in errors)
