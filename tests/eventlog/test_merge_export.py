"""A merged history as files."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ixproxy.errors import StorageError
from ixproxy.eventlog import merge_export
from ixproxy.eventlog.log_databases import LogDatabase, open_database
from ixproxy.eventlog.log_tables import TABLES
from ixproxy.eventlog.merge_export import export_csv, export_parquet, files_of, require_parquet
from tests.eventlog.logs import interaction, log_at, login, rows_of
from tests.eventlog.merges import Merging

pyarrow = pytest.importorskip("pyarrow")


def shapes_of_files(target: str, folder: Path) -> dict[str, tuple[str, list[object]]]:
    """What the Parquet files of a target hold: by name schema and rows."""
    from pyarrow import parquet

    database = open_database(target)
    written = export_parquet(database, folder)
    database.close()
    tables = {Path(path).name: parquet.read_table(path) for path in written}
    return {name: (str(table.schema), table.to_pylist()) for name, table in tables.items()}


@pytest.fixture
def merged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LogDatabase]:
    monkeypatch.setattr(merge_export, "GROUP", 2)
    log = log_at(tmp_path)
    log.run("ALTER TABLE rpt_interaction ADD COLUMN c_amount REAL")
    amounts = [2.5, None, 3.5]
    log.write(
        1,
        [
            login(1),
            *(interaction(5 - n, f'"{n}", \n', c_amount=each) for n, each in enumerate(amounts)),
        ],
    )
    merging = Merging(f"sqlite:{tmp_path / 'merged.db'}")
    merging(log.address, final=True)
    database = open_database(merging.target)
    yield database
    database.close()


def test_each_table_is_a_file_with_its_rows_in_the_order_of_the_history(
    merged: LogDatabase, tmp_path: Path
) -> None:
    written = export_csv(merged, tmp_path / "new" / "csv")
    assert {Path(path).stem: rows for path, rows in written.items()} == {
        "rpt_interaction": 3,
        "rpt_agent": 1,
        "rpt_esp": 0,
        "rpt_custom": 0,
        "rpt_dropped": 0,
        "rpt_source": 1,
    }
    with (tmp_path / "new" / "csv" / "rpt_interaction.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == list(merged.columns("rpt_interaction"))
    assert [row["interaction_id"] for row in rows] == ['"0", \n', '"1", \n', '"2", \n']
    assert [row["c_amount"] for row in rows] == ["2.5", "", "3.5"]
    assert [row["merged_number"] for row in rows] == ["2", "3", "4"]


def test_parquet_has_the_types_of_the_columns_and_bounded_row_groups(
    merged: LogDatabase, tmp_path: Path
) -> None:
    from pyarrow import parquet

    export_parquet(merged, tmp_path)
    file = parquet.ParquetFile(tmp_path / "rpt_interaction.parquet")
    assert [file.metadata.row_group(n).num_rows for n in range(file.num_row_groups)] == [2, 1]
    table = file.read()
    assert [str(table.schema.field(name).type) for name in ("dbid", "c_amount", "queue")] == [
        "int64",
        "double",
        "string",
    ]
    for name in TABLES:
        read = parquet.read_table(tmp_path / f"{name}.parquet")
        rows = [tuple(row.values()) for row in read.to_pylist()]
        assert rows == rows_of(merged.name, f"SELECT * FROM {name} ORDER BY merged_number")


def test_it_is_known_beforehand_which_files_are_written(
    merged: LogDatabase, tmp_path: Path
) -> None:
    for export, kind in ((export_csv, "csv"), (export_parquet, "parquet")):
        assert set(export(merged, tmp_path)) <= {str(path) for path in files_of(tmp_path, kind)}
    assert tmp_path / ".rpt_agent.csv.new" in files_of(tmp_path, "csv")


def full_disk() -> Iterator[list[object]]:
    yield []
    raise StorageError("the disk is full")


def test_a_file_is_replaced_when_the_new_one_is_whole(
    merged: LogDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for export, name in ((export_csv, "rpt_agent.csv"), (export_parquet, "rpt_agent.parquet")):
        (tmp_path / name).write_text("old")
        with monkeypatch.context() as patch:
            patch.setattr(merge_export, "_pages", lambda database, table: full_disk())
            with pytest.raises(StorageError, match="the disk is full"):
                export(merged, tmp_path)
        assert (tmp_path / name).read_text() == "old"
        export(merged, tmp_path)
        assert (tmp_path / name).read_bytes() != b"old"
        assert not list(tmp_path.glob(".rpt*"))


def test_a_folder_that_cannot_be_made_is_said(merged: LogDatabase, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match=r"rpt_interaction\.csv: "):
        export_csv(merged, tmp_path / "file")


def test_what_does_not_fit_its_column_is_said(merged: LogDatabase, tmp_path: Path) -> None:
    database = open_database(merged.name, create=True)
    database.run("UPDATE rpt_agent SET do_not_disturb = 'never'")
    database.close()
    with pytest.raises(StorageError, match=r"rpt_agent\.parquet: rpt_agent cannot be written"):
        export_parquet(merged, tmp_path)


def test_only_a_merged_history_is_exported(tmp_path: Path) -> None:
    database = open_database(log_at(tmp_path).address)
    with pytest.raises(StorageError, match="this is no merged history"):
        export_csv(database, tmp_path)
    database.close()


def test_without_pyarrow_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [each for each in sys.modules if each.partition(".")[0] == "pyarrow"]:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(StorageError, match=r"install ixproxy\[parquet\]"):
        require_parquet()
