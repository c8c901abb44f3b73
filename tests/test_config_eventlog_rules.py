"""Event logs beside the rest of the deployment, beyond the cases."""

from __future__ import annotations

import pytest

from tests.config_cases import GOOD, put
from tests.deployments import found
from tests.test_config_advice import said

LOG = '\n[[applications.ixn1.event-logs]]\naddress = "sqlite:/srv/log.db"\n'


@pytest.mark.parametrize("second", ["sqlite:/srv/log.db", "sqlite:/srv/other.db"])
def test_one_event_log_for_all_and_one_for_each_are_both_right(second: str) -> None:
    text = put(GOOD, "applications.ixn1", 'event-log = "sqlite:/srv/log.db"')
    assert said(put(text, "applications.ixn2", f'event-log = "{second}"')) == []


def test_logs_of_two_nodes_may_have_one_name() -> None:
    text = GOOD + LOG + LOG.replace("ixn1", "ixn2")
    assert found(text) == []


def test_the_name_of_the_short_form_is_taken() -> None:
    text = put(GOOD, "applications.ixn1", 'event-log = "sqlite:/srv/log.db"')
    (problem,) = found(text + LOG.replace("log.db", "b.db") + 'name = "log"\n')
    assert 'another event log of this node is named "log" already' in problem


def test_what_the_log_itself_refuses_is_said_with_its_table() -> None:
    (problem,) = found(GOOD + LOG + "custom-fields = { Customer = 1 }\n")
    assert "[applications.ixn1.event-logs#1" in problem
    assert "Customer" in problem


def test_an_address_that_its_log_refuses_is_said_at_the_short_form_too() -> None:
    (problem,) = found(put(GOOD, "applications.ixn1", 'event-log = "oracle:/srv/log.db"'))
    assert "[applications.ixn1] event-log: no eventlog plug-in is named" in problem


ONE = "postgresql://log:pw@DB.example:5432/logs"
AGAIN = "postgresql://db.example/logs?user=other&sslmode=require"


def test_a_database_is_the_same_however_its_address_is_written() -> None:
    text = put(GOOD, "applications.ixn1", f'event-log = "{ONE}"')
    second = LOG.replace("sqlite:/srv/log.db", AGAIN)
    (problem,) = found(text + second)
    assert "another event log of this node is there already" in problem
    assert found(text + second + 'schema-name = "other"\n') == []


def test_a_store_is_known_however_its_address_is_written() -> None:
    text = GOOD.replace("sqlite:/srv/ixn1.db", ONE)
    (problem,) = found(text + LOG.replace("sqlite:/srv/log.db", AGAIN))
    assert '"ixn1" keeps its state there' in problem


def test_nodes_share_a_log_however_its_address_is_written() -> None:
    text = put(GOOD, "applications.ixn1", f'event-log = "{ONE}"') + LOG
    (advice,) = said(put(text, "applications.ixn2", f'event-log = "{AGAIN}"'))
    assert 'this one is "ixn1"\'s too, and not that of all' in advice


def test_nodes_share_no_log_in_different_schemas() -> None:
    text = put(GOOD, "applications.ixn1", f'event-log = "{ONE}"') + LOG
    other = LOG.replace("ixn1", "ixn2").replace("sqlite:/srv/log.db", AGAIN)
    assert len(said(text + other)) == 1
    assert said(text + other + 'schema-name = "ixn2"\n') == []


NUMBER = 'custom-fields = { amount = { key = "Amount", type = "number" } }\n'
TEXT = 'custom-fields = { amount = "Amount" }\n'


def both(first: str, second: str, text: str = GOOD) -> str:
    """A file in which both nodes have a log at one address, with these lines."""
    return text + LOG + first + LOG.replace("ixn1", "ixn2") + second


def on_one_host(text: str) -> str:
    return text.replace("10.0.0.2", "10.0.0.1")


def test_a_file_that_nodes_of_one_host_share_has_columns_of_one_type() -> None:
    (problem,) = found(on_one_host(both(NUMBER, TEXT)))
    assert "[applications.ixn2.event-logs#1.custom-fields] amount" in problem
    assert '"ixn1" has the column c_amount of this log as number, not text' in problem


def test_a_path_on_two_hosts_is_two_files() -> None:
    assert found(both(NUMBER, TEXT)) == []


@pytest.mark.parametrize("hosts", [("NODE.example", "node.example"), ("localhost", "127.0.0.1")])
def test_a_host_is_the_same_however_it_is_called(hosts: tuple[str, str]) -> None:
    text = both(NUMBER, TEXT)
    for node, host in zip(("10.0.0.1", "10.0.0.2"), hosts, strict=True):
        text = text.replace(f'endpoint = "tcp:{node}:', f'endpoint = "tcp:{host}:')
    assert len(found(text)) == 1


def test_columns_of_logs_that_nodes_do_not_share_may_differ() -> None:
    text = on_one_host(both(NUMBER, TEXT))
    other = text.replace("sqlite:/srv/log.db", "sqlite:/srv/other.db", 1)
    assert said(other) == []


def test_nodes_that_share_a_log_may_each_have_columns_of_their_own() -> None:
    text = both(TEXT, 'custom-fields = { sum = { key = "Sum", type = "number" } }\n')
    assert said(on_one_host(text)) == []


def test_nodes_may_share_a_queue_whatever_they_select_by() -> None:
    text = both(NUMBER, TEXT).replace("sqlite:/srv/log.db", "amqp://broker.example")
    assert said(text) == []


def test_a_third_node_is_held_against_whoever_has_its_column_first() -> None:
    third = (
        '\n[applications.ixn3]\ntype = "Interaction Server"\ndbid = 103\n'
        'tenants = ["Environment"]\nlisten = "tcp:7103"\nendpoint = "tcp:10.0.0.1:7103"\n'
        'store = "sqlite:/srv/ixn3.db"\n'
    )
    text = on_one_host(both("", TEXT)) + third + LOG.replace("ixn1", "ixn3") + NUMBER
    (problem,) = found(text)
    assert '[applications.ixn3.event-logs#1.custom-fields] amount: "ixn2" has' in problem


def test_of_a_field_that_is_wrong_only_that_is_said() -> None:
    (problem,) = found(on_one_host(both(NUMBER, TEXT.replace('"Amount"', "5"))))
    assert "expected a key of the user data" in problem


FIRST, LAST = (f'delete-on-logout = "{each}-logout"\n' for each in ("at-first", "after-last"))


@pytest.mark.parametrize(("first", "second"), [(FIRST, LAST), (LAST, ""), ("", FIRST)])
def test_nodes_that_share_a_log_delete_alike(first: str, second: str) -> None:
    (problem,) = found(on_one_host(both(first, second)))
    assert '[applications.ixn2.event-logs#1] delete-on-logout: "ixn1" has' in problem


def test_a_log_in_short_deletes_nothing_and_says_so_at_its_own_key() -> None:
    text = put(on_one_host(GOOD), "applications.ixn2", 'event-log = "sqlite:/srv/log.db"')
    (problem,) = found(text + LOG + FIRST)
    assert '[applications.ixn2] event-log: "ixn1" has at-first-logout' in problem


def test_a_log_of_one_node_may_delete_as_it_likes() -> None:
    assert said(both(FIRST, LAST)) == []
    assert said(GOOD + LOG + FIRST) == []


def test_nodes_may_share_a_log_that_deletes_after_the_last_logout() -> None:
    assert said(on_one_host(both(LAST, LAST))) == []


def test_of_a_log_that_deletes_at_first_logouts_is_warned_once() -> None:
    (advice,) = said(on_one_host(both(FIRST, FIRST)))
    assert "[applications.ixn2.event-logs#1] delete-on-logout: this log is" in advice
