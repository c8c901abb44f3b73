"""Where the clients of a deployment connect to."""

from __future__ import annotations

import pytest

from ixproxy.client import Member, Pair, ProxyCluster, WarmStandby
from ixproxy.config import check, client_view, load
from ixproxy.config_tables import Cluster, ServerApplication
from ixproxy.errors import ConfigError
from tests.deployments import EVERYTHING, EXAMPLE, SMALL, changed, found

SECOND = """\
[tenants.Branch]
id = 2
[applications.proxy2]
type = "Interaction Server"
role = "proxy"
tenants = ["Environment"]
listen = "tcp:7002"
endpoint = "tcp:b.example:7001"
backup = "proxy2-b"
connections = ["cluster"]
[applications.proxy2-b]
listen = "tcp:7003"
endpoint = "tcp:c.example:7001"
[applications.desktops]
type = "Application Cluster"
connections = ["proxy1", "proxy2"]
[applications.desktops.options.cluster-settings]
cluster-type = "Interaction Server Proxy"
"""
TWO = SMALL.replace('"tcp:7001"', '"tcp:7001"\nendpoint = "tcp:a.example:7001"') + SECOND
IN_CLUSTER = TWO + "[applications.desktops.options.settings]\n"
MEMBERS = (
    Member("proxy1", ("tcp:a.example:7001",)),
    Member("proxy2", ("tcp:b.example:7001", "tcp:c.example:7001"), frozenset({1})),
)


def client(connections: str, more: str = "", type: str = "Agent Desktop") -> str:
    return f"""\
[applications.desk]
type = "{type}"
connections = {connections}
{more}
"""


def test_a_cluster_of_proxies_gives_its_members_with_their_tenants_and_backups() -> None:
    view = client_view(load(TWO), "desktops")
    assert view.place == ProxyCluster(MEMBERS, WarmStandby(10.0, 2.0))
    assert view.tenants == ()


@pytest.mark.parametrize(
    "spelled",
    [
        "warm-standby.retry-delay = 4\nwarm-standby.reconnection-random-delay-range = 0",
        '"warm-standby.retry-delay" = 4\n"warm-standby.reconnection-random-delay-range" = 0',
        "warm-standby = { retry-delay = 4, reconnection-random-delay-range = 0 }",
        'warm-standby.retry-delay = 4\n"warm-standby.reconnection-random-delay-range" = 0',
    ],
)
def test_the_delays_stand_in_the_cluster_s_settings_however_they_are_spelled(spelled: str) -> None:
    deployment = load(IN_CLUSTER + spelled)
    assert client_view(deployment, "desktops").place.standby == WarmStandby(4.0, 0.0)


@pytest.mark.parametrize(
    ("spelled", "problem"),
    [
        (
            "warm-standby.retry-delay = 0",
            "[applications.desktops.options.settings.warm-standby] retry-delay: the number 0 is out"
            " of range: expected a whole number of seconds from 1 to 3600",
        ),
        (
            '"warm-standby.retry-delay" = "soon"',
            "[applications.desktops.options.settings] warm-standby.retry-delay: expected a whole"
            ' number of seconds from 1 to 3600, not the text "soon"',
        ),
        (
            "warm-standby.retry-dealy = 4",
            "[applications.desktops.options.settings.warm-standby] retry-dealy: unknown key;"
            ' did you mean "retry-delay"?',
        ),
        (
            "warm-standby = 4",
            "[applications.desktops.options.settings] warm-standby: expected a table, not the"
            " number 4",
        ),
        (
            'warm-standby.retry-delay = 4\n"warm-standby.retry-delay" = 5',
            "[applications.desktops.options.settings] warm-standby.retry-delay: warm-standby has"
            " retry-delay already",
        ),
    ],
)
def test_a_mistake_in_them_is_told_with_key_and_line(spelled: str, problem: str) -> None:
    line = IN_CLUSTER.count("\n") + 1 + spelled.count("\n")
    assert found(IN_CLUSTER + spelled) == [f"line {line}: {problem}"]


def test_they_are_for_clusters_of_proxies_only() -> None:
    text = SMALL + "[applications.cluster.options.settings]\nwarm-standby.retry-delay = 4\n"
    [problem] = found(text)
    assert "[applications.cluster.options.settings] warm-standby: clients use no" in problem


def test_a_client_s_own_options_go_before_the_cluster_s() -> None:
    cluster = IN_CLUSTER + (
        "warm-standby.retry-delay = 4\nwarm-standby.reconnection-random-delay-range = 1\n"
    )
    own = 'tenants = ["Environment"]\n[applications.desk.options.settings]\n'
    own += '"warm-standby.retry-delay" = 30\n"login.voice" = true'
    deployment = load(cluster + client('["desktops"]', own))
    view = client_view(deployment, "desk")
    assert view.place == ProxyCluster(MEMBERS, WarmStandby(30.0, 1.0))
    assert view.tenants == (1,)
    desk, desktops = deployment.applications["desk"], deployment.applications["desktops"]
    assert isinstance(desk, ServerApplication)
    assert isinstance(desktops, Cluster)
    assert desk.options == {"settings": {"warm-standby.retry-delay": 30, "login.voice": True}}
    assert desktops.standby.retry_delay == 4


def test_a_client_of_one_proxy_has_a_pair_and_one_of_several_a_cluster() -> None:
    options = "[applications.desk.options.settings]\nwarm-standby.retry-delay = 3"
    deployment = load(TWO + client('["proxy2"]', options, "Media Server"))
    standby = WarmStandby(3.0, 2.0)
    pair = Pair("tcp:b.example:7001", "tcp:c.example:7001", standby)
    assert client_view(deployment, "desk").place == pair
    deployment = load(TWO + client('["proxy1", "proxy2", "desktops"]', options))
    assert client_view(deployment, "desk").place == ProxyCluster(MEMBERS, standby)


def test_a_server_may_be_named_in_the_place_of_a_client() -> None:
    deployment = load(EXAMPLE)
    assert client_view(deployment, "ixn1").place == Pair("tcp:127.0.0.1:7101", "tcp:127.0.0.1:7111")
    assert client_view(deployment, "ixn1-b").place == Pair("tcp:127.0.0.1:7111")
    assert client_view(deployment, "proxy1").place == Pair("tcp:127.0.0.1:7001")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("ixn9", "no application 'ixn9' in the file; there are: ixn1, ixn2, cluster"),
        ("cluster", "a client needs all: name a proxy in front of it, or one of ixn1, ixn2"),
        ("desk", r"\[applications.desk\]: it has no proxy among its connections"),
    ],
)
def test_where_nobody_can_connect_it_is_said_why(name: str, text: str) -> None:
    deployment = load(TWO + client('["ixn1"]'))
    with pytest.raises(ConfigError, match=text):
        client_view(deployment, name)


def test_a_client_for_whose_tenants_there_is_no_proxy_is_warned_of() -> None:
    own = 'tenants = ["Environment", "Branch"]'
    report = check(TWO + client('["proxy2"]', own))
    assert report.errors == ()
    assert any('"Branch", which "proxy2" does not name' in str(each) for each in report.warnings)
    report = check(TWO + client('["desktops"]', own))
    assert not any("cannot connect" in str(each) for each in report.warnings)
    deployment = load(TWO + client('["desktops"]', own))
    view = client_view(deployment, "desk")
    assert view.place.serving(view.tenants).groups == (MEMBERS[0].endpoints,)


def test_a_foreign_application_s_options_pass_as_they_are() -> None:
    text = changed(
        EVERYTHING,
        {
            "[applications.switch]": "[applications.classifier.options.settings]"
            "\nwarm-standby.retry-delay = 2\nx.y = 1\n[applications.switch]"
        },
    )
    classifier = load(text).applications["classifier"]
    assert isinstance(classifier, ServerApplication)
    assert classifier.options["settings"] == {"warm-standby": {"retry-delay": 2}, "x": {"y": 1}}
