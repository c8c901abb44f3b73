"""The guide's advice, beyond the cases of tests/config_doubts*.py."""

from __future__ import annotations

import re

from tests.deployments import EXAMPLE, SMALL, changed, warned

TEXT = EXAMPLE.read_text()
CONTROL = "allow-multiple-agent-connections = false"
MEDIA = 'media-types = "email"'

ESP = """
[applications.classifier]
type = "Third Party Server"
endpoint = "tcp:classifier.example:9001"
"""


def said(text: str) -> list[str]:
    """Warnings without line numbers and without those on what is not served yet."""
    texts = [warning.partition(": ")[2] for warning in warned(text)]
    return [each for each in texts if "not served yet" not in each]


def test_the_example_follows_all_advice() -> None:
    assert warned(TEXT) == []


def test_so_does_the_example_of_pairs_on_either_store() -> None:
    text = EXAMPLE.with_name("pairs.toml").read_text()
    assert warned(text) == []
    other, number = re.subn(r'(?m)^store = "sqlite:.*\n# (?=store = "postgresql:)', "", text)
    assert number == text.count("backup = ") == 3
    assert "sqlite:" not in other
    assert warned(other) == []


def test_nodes_come_in_pairs() -> None:
    alone = [each for each in said(SMALL) if "as a pair" in each]
    assert [warning.partition(":")[0] for warning in alone] == [
        "[applications.ixn1] backup",
        "[applications.ixn2] backup",
    ]


def test_a_proxy_of_a_cluster_stands_alone() -> None:
    spare = '\n[applications.spare]\nlisten = "tcp:7011:interface=127.0.0.1"\n'
    text = TEXT.replace('role = "proxy"', 'role = "proxy"\nbackup = "spare"', 1) + spare
    assert "[applications.proxy1] backup: the guide advises against a backup" in str(said(text))


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
    alone = (
        SMALL[: SMALL.index("[applications.cluster]")]
        + """
[applications.ixn2-b]
listen = "tcp:7102"
endpoint = "tcp:node-b.example:7102"
[applications.ixn2.tls]
certificate = "a.pem"
private-key = "a.key"
"""
    )
    text = changed(alone, {"dbid = 102": 'dbid = 102\nbackup = "ixn2-b"'})
    warning = '[applications.ixn2-b] tls: only one of "ixn2" and "ixn2-b" has a tls table'
    assert warning in said(text)
