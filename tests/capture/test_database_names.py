"""Names of columns and parameters: known, misspelt, and where they have a value."""

from __future__ import annotations

from ixproxy.capture.database_names import misspelt, unfed, wanted, wrong_parameter
from ixproxy.capture.database_parameters import Statement
from ixproxy.node.intake_work import Said


def test_a_name_that_differs_in_letter_case_alone_is_misspelt() -> None:
    assert misspelt("externalid") == "ExternalId"
    assert misspelt("ExternalId") == ""
    assert misspelt("errorCode") == "ErrorCode"
    assert misspelt("Colour") == ""


def test_any_other_name_may_be_a_column_or_user_data() -> None:
    assert wrong_parameter("held-update", Statement("", ("Colour", "EventTime"))) == ""
    assert wrong_parameter("error-update", Statement("", ("row id", "ErrorCode"))) == ""
    assert "of errors" in wrong_parameter("held-update", Statement("", ("ErrorCode",)))


def test_a_mark_may_name_columns_ids_and_errors() -> None:
    statement = Statement("", ("row", "InteractionId", "ErrorCode", "Nothing"))
    assert unfed(statement, ("row",)) == "Nothing"
    assert unfed(statement, ("row", "Nothing")) == ""


def test_only_what_has_a_query_is_wanted() -> None:
    statement = Statement("", ())
    assert wanted({"capture-query": statement}) == frozenset()
    assert wanted({"held-update": statement}) == {Said.HELD}
    assert wanted({"rejected-update": statement}) == {Said.PLACED_IN_QUEUE}
