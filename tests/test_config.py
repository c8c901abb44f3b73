from __future__ import annotations

from pathlib import Path

import pytest
import tomlkit

from ixproxy import config
from ixproxy.config import Report, check, load
from ixproxy.errors import ConfigError
from tests.deployments import EVERYTHING, EXAMPLE, SMALL, changed, found, warned

# The deployment file as doc/ and the design show it: a piece of each table.
DESIGN = """\
[tenants.Environment]
id = 1
[tenants.Environment.media-types]
email = {}
chat = {}
fax = { enabled = false }
[tenants.Environment.queues.Inbound.views.Urgent]
condition = "[media_type] = 'email' AND priority > 5"
order = "priority DESC, received_at"
[tenants.Environment.workbins.Drafts]
owner = "agent"

[licences]
agent-seats = 100

[applications.ixn1]
type = "Interaction Server"
dbid = 101
tenants = ["Environment"]
listen = "tcp:7101"
endpoint = "tcp:node-a.example:7101"
backup = "ixn1-b"
store = "sqlite:/var/lib/ixproxy/ixn1.db"
event-log = "sqlite:/var/lib/ixproxy/ixn1-log.db"
connections = ["classifier"]
[applications.ixn1.tls]
certificate = "ixn1.pem"
private-key = "ixn1.key"
trust = "ca.pem"
require-client-certificate = true
[[applications.ixn1.allow]]
subject = "CN=proxy1"
client-types = ["Proxy"]
tenants = ["Environment"]
[applications.ixn1.options.settings]
pull-hold-timeout = 10
[applications.ixn1.options.cluster-settings]
media-types = "email"
[[applications.ixn1.capture]]
name = "mail-in"
use = "file"
inbound-path = "/var/spool/ixn1/in"
error-path = "/var/spool/ixn1/error"

[applications.ixn-cluster]
type = "Application Cluster"
connections = ["ixn1", "ixn2"]
[applications.ixn-cluster.options.cluster-settings]
cluster-type = "Interaction Server"

[applications.proxy1]
type = "Interaction Server"
role = "proxy"
tenants = ["Environment"]
listen = "tcp:7001"
connections = ["ixn-cluster"]
[applications.proxy1.options.settings]
pull-hold-timeout = 2
[applications.proxy1.routing]
use = "round-robin"

[applications.desktops]
type = "Application Cluster"
connections = ["proxy1", "proxy2"]
[applications.desktops.options.cluster-settings]
cluster-type = "Interaction Server Proxy"
"""


def test_every_mistake_of_a_file_is_in_one_report_in_the_order_of_the_file() -> None:
    text = changed(
        SMALL,
        {
            "id = 1\n": 'id = "one"\n',
            "dbid = 101": "dbid = 0",
            "listen =": "lisen =",
            "chat = {}": "chat = 1",
            '"Interaction Server"\nrole': '"Interaction Servr"\nrole',
        },
    )
    with pytest.raises(ConfigError) as raised:
        load(text)
    assert str(raised.value).splitlines() == [str(problem) for problem in raised.value.problems]
    places = [(problem.line, problem.table, problem.key) for problem in raised.value.problems]
    assert places == [
        (2, "tenants.Environment", "id"),
        (5, "tenants.Environment.media-types", "chat"),
        (9, "applications.ixn1", "listen"),
        (11, "applications.ixn1", "dbid"),
        (13, "applications.ixn1", "lisen"),
        (19, "applications.ixn2", "listen"),
        (23, "applications.ixn2", "lisen"),
        (36, "applications.proxy1", "type"),
    ]
    assert all(
        "expected" in problem.text or "did you mean" in problem.text
        for problem in raised.value.problems
    )


def test_the_example_checks_clean() -> None:
    report = check(EXAMPLE.read_text())
    assert (report.errors, report.warnings) == ((), ())
    assert report.deployment == check(EXAMPLE.read_text()).deployment


def test_the_file_of_the_design_lacks_only_what_it_leaves_out() -> None:
    assert [error.partition(": ")[2] for error in found(DESIGN)] == [
        '[applications.ixn1] backup: no application "ixn1-b"; did you mean "ixn1"?',
        '[applications.ixn1] connections: no application "classifier"; there are: desktops,'
        " ixn-cluster, ixn1, proxy1",
        '[applications.ixn-cluster] connections: no application "ixn2"; did you mean "ixn1"?',
        '[applications.proxy1] tls: expected a tls table: "ixn1" listens with TLS and must see a'
        " certificate",
        '[applications.desktops] connections: no application "proxy2"; did you mean "proxy1"?',
    ]


def test_what_is_not_served_yet_is_a_warning_and_not_an_error() -> None:
    warnings = [each for each in warned(EVERYTHING) if "not served yet" in each]
    assert [each.partition(": known")[0].partition(": ")[2] for each in warnings] == [
        "[applications.ixn1.options.agent-reservation] request-collection-time",
        "[applications.ixn1.options.health-service] enable-keepalive",
        "[applications.ixn1.options.logger-settings] batch-size",
        "[applications.ixn1.options.logger-settings] event-filter-by-id",
    ]
    assert "it has no effect" in str(warnings)


def test_advice_is_not_drawn_from_a_file_with_mistakes() -> None:
    report = check(changed(SMALL, {"dbid = 101": "dbid = 0"}))
    assert report.errors
    assert report.warnings == ()
    assert report.deployment is None


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("a = \n", "line 1: (file): not TOML: Invalid value, in column 5"),
        ("\n\n[a", "line 3: (file): not TOML: Expected ']' at the end of a table declaration"),
        ("a = 1\na = 2\n", "line 2: (file): not TOML: Cannot overwrite a value, in column 6"),
        ("[a.b]\n[a.b]\n", "line 2: (file): not TOML: Cannot declare [a.b] twice, in column 5"),
        ("a = 1\0\n", "line 1: (file): not TOML: Expected newline or end of document"),
        ("a = " + "[" * 100_000 + "\n", "(file): not TOML: too deeply nested"),
        ("a = " + "9" * 5000 + "\n", "(file): not TOML: Exceeds the limit"),
        ("[a]\n" * 5_000_000, "(file): expected at most 16777216 characters, not 20000000"),
        ("", ""),
    ],
)
def test_a_text_that_cannot_be_read_is_one_error_with_its_line(text: str, error: str) -> None:
    errors = found(text)
    assert len(errors) == (1 if error else 0)
    assert all(each.startswith(error) for each in errors), errors


def test_line_ends_of_another_system_and_a_mark_at_the_start_are_no_mistakes(
    tmp_path: Path,
) -> None:
    file = tmp_path / "cluster.toml"
    file.write_bytes(b"\xef\xbb\xbf" + SMALL.replace("\n", "\r\n").encode())
    assert load(file).node("ixn1").dbid == 101
    assert found("\ufeff" + SMALL) == []
    spoilt = changed(SMALL, {"dbid = 101": "dbid = 0"}).replace("\n", "\r\n")
    assert found(spoilt)[0].startswith("line 11: ")


def test_a_file_is_loaded_by_its_path_and_a_text_by_itself(tmp_path: Path) -> None:
    file = tmp_path / "cluster.toml"
    file.write_text(SMALL)
    for loaded in (load(file), load(str(file))):
        assert loaded.node("ixn1").store == f"sqlite:{tmp_path}/ixn1.db"
    assert load(SMALL).node("ixn1").store == "sqlite:ixn1.db"


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00", b"a = 1\xc3\n"])
def test_a_file_that_cannot_be_read_is_a_configuration_error(
    tmp_path: Path, content: bytes | None
) -> None:
    file = tmp_path / "cluster.toml"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigError, match=r"cluster\.toml: cannot be read"):
        load(file)
    with pytest.raises(ConfigError, match="cannot be read"):
        load(str(tmp_path))
    with pytest.raises(ConfigError, match="cannot be read"):
        load("a\0b")


@pytest.mark.parametrize("text", [SMALL, EVERYTHING, EXAMPLE.read_text()])
def test_what_is_read_can_be_written_back_with_its_comments(text: str) -> None:
    document = tomlkit.parse(text)
    assert tomlkit.dumps(document) == text
    assert check(tomlkit.dumps(document)).deployment == check(text).deployment


def test_a_tenant_alone_is_a_deployment_without_servers() -> None:
    report = check("[tenants.T]\nid = 1\n")
    assert isinstance(report, Report)
    assert report.deployment is not None
    assert list(report.deployment.nodes()) == []


def test_everything_that_is_promised_is_there() -> None:
    assert [name for name in config.__all__ if not hasattr(config, name)] == []
