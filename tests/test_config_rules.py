"""Rules between servers, beyond the cases of tests/config_mistakes*.py."""

from __future__ import annotations

from tests.deployments import EVERYTHING, SMALL, changed, found

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
    assert "[applications.switch] type: expected the type of an application" in errors[0]


def test_what_is_no_interaction_server_is_reported_and_left_out() -> None:
    text = SMALL + MORE.replace('connections = ["proxy2"]', 'connections = ["proxy2", "switch"]')
    assert found(text) == []
