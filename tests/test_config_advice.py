from __future__ import annotations

import pytest

from tests.deployments import EXAMPLE, SMALL, changed, warned

TEXT = EXAMPLE.read_text()
CONTROL = "allow-multiple-agent-connections = false"
MEDIA = 'media-types = "email"'

PROXY = """
[applications.proxy3]
type = "Interaction Server"
role = "proxy"
listen = "tcp:7003:interface=127.0.0.1"
connections = ["ixn-cluster"]
"""
ESP = """
[applications.classifier]
type = "Third Party Server"
"""


def said(text: str) -> list[str]:
    """Warnings without line numbers and without those on what is not served yet."""
    texts = [warning.partition(": ")[2] for warning in warned(text)]
    return [each for each in texts if "not served yet" not in each]


def test_the_example_follows_all_advice() -> None:
    assert warned(TEXT) == []


@pytest.mark.parametrize(
    ("changes", "warning"),
    [
        (
            {CONTROL: "allow-multiple-agent-connections = true"},
            "[applications.ixn1.options.settings] allow-multiple-agent-connections: the guide"
            " recommends false in a cluster, not true: notifications multiply",
        ),
        (
            {CONTROL: f"{CONTROL}\nlogin-session-timeout = 60"},
            "[applications.ixn1.options.settings] login-session-timeout: the guide recommends"
            " 1440, not 60",
        ),
        (
            {CONTROL: f'{CONTROL}\nagent-login-control = "ignore"'},
            "[applications.ixn2.options.settings] agent-login-control: the guide recommends the"
            ' same on all nodes, and "ixn1" has "ignore", not "none"',
        ),
        (
            {'["ixn1", "ixn2", "ixn3"]': '["ixn2", "ixn3"]'},
            "[applications.ixn1]: no proxy connects to this node, directly or by a cluster",
        ),
        (
            {
                'tenants = ["Environment"]': 'tenants = ["Branch"]',
                'completed-queues = "Done"\n\n': "\n",
            },
            "[tenants.Environment.media-types.workitem]: no node takes this media type: submits of"
            " it are refused with code 2001",
        ),
        (
            {MEDIA: 'media-types = "fax"'},
            '[applications.ixn1.options.cluster-settings] media-types: media type "fax" is'
            " disabled for all tenants of this node",
        ),
        (
            {"tcp:127.0.0.1:7111": "tcp:10.0.0.9:7111"},
            "[applications.ixn1-b] endpoint: both servers of a pair on SQLite run on one host, for"
            ' they share the file; their endpoints say "127.0.0.1" and "10.0.0.9"',
        ),
    ],
)
def test_advice_that_is_not_followed_is_a_warning(changes: dict[str, str], warning: str) -> None:
    text = TEXT
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new, 1)
    assert warning in said(text), said(text)


def test_a_timeout_of_an_invitation_should_not_change_an_agents_state() -> None:
    text = TEXT.replace(CONTROL, f"{CONTROL}\nnot-ready-on-invitation-timeout = true", 1)
    assert "recommends false: else nodes disagree on an agent's state" in str(said(text))


def test_nodes_come_in_pairs() -> None:
    assert [warning.partition(":")[0] for warning in said(SMALL)] == [
        "[applications.ixn1] backup",
        "[applications.ixn2] backup",
    ]


def test_a_proxy_of_a_cluster_stands_alone() -> None:
    spare = '\n[applications.spare]\nlisten = "tcp:7011:interface=127.0.0.1"\n'
    text = TEXT.replace('role = "proxy"', 'role = "proxy"\nbackup = "spare"', 1) + spare
    assert "[applications.proxy1] backup: the guide advises against a backup" in str(said(text))


@pytest.mark.parametrize(
    "client",
    [
        "E-mail Server",
        "Chat Server",
        "Stat Server",
        "Interaction Concentrator",
        "Orchestration Server",
    ],
)
def test_media_reporting_and_routing_clients_have_a_pair_of_proxies(client: str) -> None:
    application = f'[applications.client]\ntype = "{client}"\nconnections = ["{{}}"]\n'
    assert said(TEXT + PROXY + application.format("proxy3")) == [
        f'[applications.client] connections: the guide connects a client of type "{client}" to a'
        ' pair of proxies, and "proxy3" has no backup'
    ]
    assert "of its own, not to the cluster" in str(said(TEXT + application.format("desktops")))
    pair = PROXY + 'backup = "spare"\n[applications.spare]\nlisten = "tcp:7013"\n'
    assert said(TEXT + pair + application.format("proxy3")) == []


def test_a_desktop_may_use_a_proxy_without_a_backup() -> None:
    desktop = '[applications.desk]\ntype = "Agent Desktop"\nconnections = ["desktops"]\n'
    assert said(TEXT + desktop) == []


def test_a_universal_router_is_connected_to_every_node_and_to_no_proxy() -> None:
    router = '[applications.urs]\ntype = "Universal Routing Server"\nconnections = {}\n'
    assert said(TEXT + router.format('["ixn-cluster"]')) == []
    assert said(TEXT + router.format('["ixn1", "ixn3"]')) == [
        "[applications.urs] connections: the guide connects it to every node; missing: ixn2"
    ]
    assert '"proxy1" is a proxy' in str(said(TEXT + router.format('["ixn-cluster", "proxy1"]')))


def test_nodes_of_one_media_type_have_the_same_esp_servers() -> None:
    text = TEXT.replace(
        'store = "sqlite:ixn1.db"', 'store = "sqlite:ixn1.db"\nconnections = ["classifier"]'
    )
    warnings = said(text + ESP)
    assert [warning.partition(":")[0] for warning in warnings] == [
        "[applications.ixn2] connections",
        "[applications.ixn3] connections",
    ]
    assert '("Environment", "email"); missing: classifier' in warnings[0]
    everywhere = text
    for name in ("ixn2", "ixn3"):
        store = f'store = "sqlite:{name}.db"'
        everywhere = changed(everywhere, {store: f'{store}\nconnections = ["classifier"]'})
    assert said(everywhere + ESP) == []


def test_a_media_type_that_every_node_drains_is_a_warning_and_no_error() -> None:
    text = changed(TEXT, {MEDIA: f"{MEDIA}\nenable-submit = false"})
    text = changed(text, {'"email, chat, sms"': '"email, chat, sms"\nenable-submit = false'})
    drained = [each for each in said(text) if "enable-submit off" in each]
    assert [each.partition(":")[0] for each in drained] == [
        "[tenants.Branch.media-types.email]",
        "[tenants.Branch.media-types.chat]",
    ]


def test_one_server_of_a_pair_without_tls_is_a_warning() -> None:
    alone = SMALL[: SMALL.index("[applications.cluster]")] + """
[applications.ixn2-b]
listen = "tcp:7102"
endpoint = "tcp:node-b.example:7102"
[applications.ixn2.tls]
certificate = "a.pem"
private-key = "a.key"
"""
    text = changed(alone, {"dbid = 102": 'dbid = 102\nbackup = "ixn2-b"'})
    warning = '[applications.ixn2-b] tls: only one of "ixn2" and "ixn2-b" has a tls table'
    assert warning in said(text)
