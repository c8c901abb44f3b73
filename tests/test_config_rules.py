from __future__ import annotations

import pytest

from tests.deployments import EVERYTHING, SMALL, changed, found

CONNECTIONS = 'connections = ["cluster"]'
MEMBERS = 'connections = ["ixn1", "ixn2"]'
FIRST_LISTENS, SECOND_LISTENS = 'listen = "tcp:7001"\n', 'listen = "tcp:7002"\n'
FIRST, SECOND = FIRST_LISTENS + CONNECTIONS, SECOND_LISTENS + CONNECTIONS
OF_TENANT = '"Environment"]\nlisten = "tcp:7101"\nendpoint = "tcp:node-b'
CLUSTER_SETTINGS = "[applications.ixn1.options.cluster-settings]"
SETTINGS = "allow-multiple-agent-connections = false"
MORE = """
[applications.proxy2]
type = "Interaction Server"
role = "proxy"
listen = "tcp:7002"
connections = ["cluster"]
[applications.switch]
type = "T-Server"
[applications.proxies]
type = "Application Cluster"
connections = ["proxy2"]
[applications.proxies.options.cluster-settings]
cluster-type = "Interaction Server Proxy"
"""


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        pytest.param(
            {"dbid = 102": "dbid = 101"},
            '[applications.ixn2] dbid: "ixn1" has this dbid already; it stands in generated ids',
            id="a dbid is one node's",
        ),
        pytest.param(
            {"node-b.example": "node-a.example"},
            '[applications.ixn2] endpoint: "ixn1" is reached by this endpoint already',
            id="an endpoint is one server's",
        ),
        pytest.param(
            {"tcp:node-b.example:7101": "tcp:node-a.example:7102"},
            '[applications.ixn2] listen: "ixn1" listens on this address of the same host already',
            id="an address is one server's",
        ),
        pytest.param(
            {"ixn2.db": "ixn1.db"},
            '[applications.ixn2] store: "ixn1" keeps its state there already;'
            " each node has a database of its own",
            id="a store is one node's",
        ),
        pytest.param(
            {"tcp:7001": "tcp:0"},
            '[applications.proxy1] endpoint: expected an endpoint: how others reach "tcp:0"'
            " is not known",
            id="others can reach a listener",
        ),
        pytest.param(
            {OF_TENANT: OF_TENANT.replace("Environment", "Enviroment")},
            '[applications.ixn2] tenants: no tenant "Enviroment"; did you mean "Environment"?',
            id="a tenant is known",
        ),
        pytest.param(
            {MEMBERS: 'connections = ["ixn1", "ixn3"]'},
            '[applications.cluster] connections: no application "ixn3"; did you mean "ixn2"?',
            id="a member is known",
        ),
        pytest.param(
            {CONNECTIONS: 'connections = ["clutser"]'},
            '[applications.proxy1] connections: no application "clutser"; did you mean "cluster"?',
            id="a connection is known",
        ),
        pytest.param(
            {"dbid = 101": 'dbid = 101\nbackup = "spare"'},
            '[applications.ixn1] backup: no application "spare"; there are: cluster, ixn1, ixn2,'
            " proxies, proxy1, proxy2, switch",
            id="a backup is known",
        ),
        pytest.param(
            {"dbid = 101": 'dbid = 101\nbackup = "ixn1"'},
            "[applications.ixn1] backup: expected another application: it names itself",
            id="nobody is his own backup",
        ),
        pytest.param(
            {MEMBERS: 'connections = ["ixn1", "ixn2", "proxy1"]'},
            '[applications.cluster] connections: "proxy1" is a proxy; this cluster is one of'
            ' nodes ("Interaction Server")',
            id="a cluster of nodes has no proxies",
        ),
        pytest.param(
            {'connections = ["proxy2"]': 'connections = ["ixn1"]'},
            '[applications.proxies] connections: "ixn1" is a node; this cluster is one of'
            ' proxies ("Interaction Server Proxy")',
            id="a cluster of proxies has no nodes",
        ),
        pytest.param(
            {MEMBERS: 'connections = ["ixn1", "ixn2", "proxies"]'},
            '[applications.cluster] connections: "proxies" is a cluster itself; expected servers',
            id="a cluster has no clusters",
        ),
        pytest.param(
            {'cluster-type = "Interaction Server"\n': 'cluster-type = "Interaction Servers"\n'},
            "[applications.cluster.options.cluster-settings] cluster-type: expected one of"
            ' "Interaction Server", "Interaction Server Proxy", not the text "Interaction Servers";'
            ' did you mean "Interaction Server"?',
            id="a cluster says of what it is",
        ),
        pytest.param(
            {FIRST: f'{FIRST_LISTENS}connections = ["cluster", "proxy2"]'},
            "[applications.proxy1] connections: expected nodes or one proxy, not both:"
            ' "proxy2" leads to a proxy',
            id="a proxy has nodes or a proxy",
        ),
        pytest.param(
            {FIRST: f'{FIRST_LISTENS}connections = ["proxies", "proxy2"]'},
            "[applications.proxy1] connections: expected one proxy or one cluster of proxies,"
            " not 2",
            id="a proxy has one proxy",
        ),
        pytest.param(
            {FIRST: f'{FIRST_LISTENS}connections = ["switch"]'},
            "[applications.proxy1] connections: expected at least one node, proxy or cluster of"
            " them to connect to",
            id="a proxy has somewhere to go",
        ),
        pytest.param(
            {SECOND: f'{SECOND_LISTENS}connections = ["proxies"]'},
            "[applications.proxy2] connections: expected no circle: its connections lead back to"
            " itself",
            id="proxies run in no circle",
        ),
        pytest.param(
            {"id = 1": 'id = 1\nagents = ["kim"]\nagent-groups = { sales = ["kimm"] }'},
            '[tenants.Environment.agent-groups] sales: no agent "kimm"; did you mean "kim"?',
            id="a member of a group is listed",
        ),
        pytest.param(
            {SETTINGS: f"{SETTINGS}\nmax-frame = 100_000"},
            "[applications.ixn1.options.settings] max-frame: expected at least 589824:"
            " max-userdata-size and 65536 bytes for the rest of a frame, not 100000",
            id="a frame holds the largest user data",
        ),
        pytest.param(
            {SETTINGS: f"{SETTINGS}\nmax-userdata-size = 1_000_000\nmax-frame = 2_000_000"},
            "[applications.proxy1.options.settings] max-frame: expected at least 1065536, not"
            ' 1048576: node "ixn1" takes user data of 1000000 bytes',
            id="a proxy's frame holds it too",
        ),
        pytest.param(
            {SETTINGS: f"{SETTINGS}\nagent-session-restore-timeout = 20"},
            "[applications.proxy1.options.settings] node-loss-grace: expected at most 20, the"
            " agent-session-restore-timeout of [applications.ixn1.options.settings], not 30",
            id="sessions outlast the grace",
        ),
        pytest.param(
            {SETTINGS: f"{SETTINGS}\n{CLUSTER_SETTINGS}\nmedia-types = 'e-mail'"},
            "[applications.ixn1.options.cluster-settings] media-types: no tenant of this node has"
            ' a media type "e-mail"; did you mean "email"?',
            id="a media type is known",
        ),
        pytest.param(
            {SETTINGS: f"{SETTINGS}\ncompleted-queues = 'Done'"},
            "[applications.ixn1.options.settings] completed-queues: no tenant of this node has a"
            ' queue "Done"; there are: Inbound',
            id="a queue is known",
        ),
        pytest.param(
            {"dbid = 101": 'dbid = 101\nconnections = ["proxy1"]'},
            "[applications.ixn1] connections: expected ESP servers (type"
            ' "Third Party Server"), and "proxy1" is none',
            id="a node connects to ESP servers",
        ),
    ],
)
def test_a_rule_across_tables(changes: dict[str, str], error: str) -> None:
    text = SMALL + MORE
    for old, new in changes.items():
        assert old in text, old
        text = text.replace(old, new, 1)
    errors = [each.partition(": ")[2] for each in found(text)]
    assert error in errors, errors


def test_two_mistakes_of_one_kind_are_both_reported() -> None:
    errors = found(changed(SMALL, {'Environment"]': 'Branch"]'}))
    assert [error.partition(": no tenant")[0] for error in errors] == [
        "line 12: [applications.ixn1] tenants",
        "line 22: [applications.ixn2] tenants",
    ]


def test_tenant_ids_are_unique() -> None:
    assert found(SMALL + "[tenants.Branch]\nid = 1\n")[0].endswith(
        '[tenants.Branch] id: tenant "Environment" has this id already'
    )


def test_every_host_may_use_the_same_port() -> None:
    assert found(SMALL) == []


def test_interfaces_of_one_host_are_told_apart() -> None:
    text = changed(SMALL, {
        "tcp:node-b.example:7101": "tcp:node-a.example:7102",
    })  # fmt: skip
    apart = text.replace('"tcp:7101"', '"tcp:7101:interface=10.0.0.1"', 1)
    assert len(found(apart)) == 1
    last = apart.rindex('"tcp:7101"')
    apart = apart[:last] + '"tcp:7101:interface=10.0.0.2"' + apart[last + len('"tcp:7101"') :]
    assert found(apart) == []


def test_many_nodes_may_live_in_memory() -> None:
    text = changed(
        SMALL, {"sqlite:ixn1.db": "sqlite::memory:", "sqlite:ixn2.db": "sqlite::memory:"}
    )
    assert found(text) == []


def test_a_backup_is_named_neither_in_a_cluster_nor_by_a_proxy_nor_twice() -> None:
    text = changed(EVERYTHING, {'"ixn1", "switch"': '"ixn1", "ixn1-b"'})
    assert '"ixn1-b" is the backup of "ixn1"; expected primaries only: name "ixn1"' in str(
        found(text)
    )
    text = changed(EVERYTHING, {'connections = ["proxies"]': 'connections = ["proxy1-b"]'})
    assert '"proxy1-b" is the backup of "proxy1"; expected primaries only' in str(found(text))
    text = changed(EVERYTHING, {'backup = "proxy1-b"': 'backup = "ixn1-b"'})
    assert '[applications.proxy1] backup: "ixn1-b" is the backup of "ixn1" already' in str(
        found(text)
    )


def test_a_circle_of_backups_is_reported() -> None:
    names = {
        "dbid = 101": 'dbid = 101\nbackup = "ixn2"',
        "dbid = 102": 'dbid = 102\nbackup = "proxy1"',
    }
    text = changed(
        SMALL, {**names, "[applications.cluster]": '[applications.cluster]\nbackup = "ixn1"'}
    )
    assert found(text)
    text = changed(SMALL, {**names, 'role = "proxy"': 'role = "proxy"\nbackup = "ixn1"'})
    assert "expected an application without a backup itself" in str(found(text))


def test_what_a_peer_is_allowed_must_exist() -> None:
    errors = found(changed(EVERYTHING, {'"MediaServer"': '"MailServer"'}))
    assert 'allow#2] client-types: no client type "MailServer"; did you mean "MediaServer"?' in str(
        errors
    )
    errors = found(
        changed(
            EVERYTHING, {'client-types = ["Proxy"]\ntenants = ["Environment"]': 'tenants = ["X"]'}
        )
    )
    assert 'allow#1] tenants: no tenant "X"; there are: Environment' in str(errors)


def test_an_application_of_an_unknown_type_is_still_there_for_others() -> None:
    errors = found(changed(EVERYTHING, {'type = "T-Server"': 'type = "U-Server"'}))
    assert len(errors) == 1
    assert "[applications.switch] type: expected one of" in errors[0]


def test_what_is_no_interaction_server_is_reported_and_left_out() -> None:
    text = SMALL + MORE.replace('connections = ["proxy2"]', 'connections = ["proxy2", "switch"]')
    assert found(text) == []
