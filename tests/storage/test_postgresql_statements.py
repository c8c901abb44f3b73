from __future__ import annotations

from ixproxy.node.rows import ROW_TYPES, AgentRow, InteractionRow, PartyRow, TimerRow
from ixproxy.storage.columns import Columns
from ixproxy.storage.postgresql_arrays import Array, Bigints, Blobs, Doubles, Numerics, Texts
from ixproxy.storage.postgresql_statements import TableStatements


def test_the_statements_of_a_table_are_the_same_for_any_number_of_rows() -> None:
    timers = TableStatements(Columns(TimerRow), {})
    row = ("handling", "i1", 5.0, 60.0)
    for number in (1, 2, 300):
        said = timers.put([row] * number)
        assert said.text == (
            'INSERT INTO timers ("kind", "interaction_id", "due_at", "seconds") '
            "SELECT * FROM unnest(%s, %s, %s, %s) ON CONFLICT "
            '("kind", "interaction_id") DO UPDATE SET "due_at" = excluded."due_at", '
            '"seconds" = excluded."seconds"'
        )
        kinds: list[type[Array]] = [Texts, Texts, Doubles, Doubles]
        assert said.parameters == [
            kind.of([value] * number) for kind, value in zip(kinds, row, strict=True)
        ]
    gone = timers.delete([("handling", "i1")])
    assert gone is not None
    assert gone.text == (
        "DELETE FROM timers USING unnest(%s, %s) AS wanted (k0, k1) "
        'WHERE timers."kind" = k0 AND timers."interaction_id" = k1'
    )
    found = TableStatements(Columns(PartyRow), {}).fetch(("session",), [(b"s",)])
    assert found is not None
    assert found.text.endswith('FROM parties WHERE "session" = ANY (%s)')
    assert found.parameters == [Blobs.of([b"s"])]


def test_keys_that_nothing_can_be_stored_under_are_not_asked_for() -> None:
    timers = TableStatements(Columns(TimerRow), {})
    assert timers.fetch(("kind",), [("\0",)]) is None
    assert timers.delete([("handling", "\0")]) is None


def test_each_column_has_the_kind_of_its_field() -> None:
    custom = {"c_a": "string", "c_b": "number", "c_c": "timestamp"}
    rows = TableStatements(Columns(InteractionRow, list(custom)), custom)
    kinds = rows._kinds
    assert (kinds["id"], kinds["workbin_type"], kinds["c_a"]) == (Texts,) * 3
    assert (kinds["priority"], kinds["tenant_id"]) == (Bigints,) * 2
    assert (kinds["held_at"], kinds["received_at"], kinds["c_c"]) == (Doubles,) * 3
    assert (kinds["user_data"], kinds["c_b"]) == (Blobs, Numerics)
    agents = TableStatements(Columns(AgentRow), {})._kinds
    assert (agents["media"], agents["confirmed"], agents["sessions"]) == (Blobs, Bigints, Blobs)
    for row_type in ROW_TYPES:
        assert TableStatements(Columns(row_type), {})._kinds
