"""The tables of a merged history as files that other programs read: CSV and Parquet."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from ixproxy.errors import StorageError
from ixproxy.eventlog.log_databases import LogDatabase, Row
from ixproxy.eventlog.log_tables import TABLES, kind_of
from ixproxy.eventlog.schemas import DROPPED, MERGED, SOURCE

GROUP = 2_000
"""Rows that are in memory at a time, and those of a row group of Parquet."""

TABLES_OF_FILES = (*TABLES, DROPPED, SOURCE)

CSV, PARQUET = "csv", "parquet"


def files_of(folder: Path, kind: str) -> list[Path]:
    """
    The files that an export writes or replaces.

    :param kind: CSV or PARQUET.
    """
    paths = [_path(folder, table, kind) for table in TABLES_OF_FILES]
    return [*paths, *map(_new, paths)]


def _path(folder: Path, table: str, kind: str) -> Path:
    return folder / f"{table}.{kind}"


def _new(path: Path) -> Path:
    """What a file is called until it is whole."""
    return path.with_name(f".{path.name}.new")


def export_csv(database: LogDatabase, folder: Path) -> dict[str, int]:
    """
    Write one `TABLE.csv` for each table, with the names of the columns in the first line.

    NULL is an empty field. A file is replaced when the new one is whole.

    :return: the rows of each file, by its path.
    :raise StorageError: the database is no merged history, or a file cannot be written.
    """
    written = {}
    for table, columns in _tables(database).items():
        path = _path(folder, table, CSV)
        with _replacing(path) as new:
            written[str(path)] = _write_csv(new, list(columns), _pages(database, table))
    return written


def _write_csv(path: Path, names: list[str], pages: Iterable[list[Row]]) -> int:
    count = 0
    with path.open("w", encoding="utf-8", errors="replace", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(names)
        for page in pages:
            writer.writerows(page)
            count += len(page)
    return count


def require_parquet() -> tuple[Any, Any]:
    """
    The modules that write Parquet.

    :raise StorageError: they are not installed.
    """
    try:
        return import_module("pyarrow"), import_module("pyarrow.parquet")
    except ImportError as problem:
        raise StorageError("Parquet needs pyarrow: install ixproxy[parquet]") from problem


def export_parquet(database: LogDatabase, folder: Path) -> dict[str, int]:
    """
    Write one `TABLE.parquet` for each table; the same otherwise as `export_csv`.

    :raise StorageError: pyarrow is not installed, too.
    """
    pyarrow, parquet = require_parquet()
    types = {
        "INTEGER": pyarrow.int64(),
        "REAL": pyarrow.float64(),
        "TEXT": pyarrow.string(),
    }
    written = {}
    for table, columns in _tables(database).items():
        path = _path(folder, table, PARQUET)
        schema = pyarrow.schema([(name, types[kind]) for name, kind in columns.items()])
        count = 0
        with _replacing(path) as new, parquet.ParquetWriter(new, schema) as writer:
            for page in _pages(database, table):
                try:
                    batch = pyarrow.RecordBatch.from_arrays(
                        [
                            pyarrow.array([row[place] for row in page], field.type)
                            for place, field in enumerate(schema)
                        ],
                        schema=schema,
                    )
                except (pyarrow.ArrowException, UnicodeError) as problem:
                    raise StorageError(f"{path}: {table} cannot be written: {problem}") from problem
                writer.write_batch(batch, row_group_size=GROUP)
                count += len(page)
        written[str(path)] = count
    return written


def _tables(database: LogDatabase) -> dict[str, dict[str, str]]:
    if kind_of(database) != MERGED:
        raise StorageError(f"{database.name}: this is no merged history")
    return {table: database.columns(table) for table in TABLES_OF_FILES}


def _pages(database: LogDatabase, table: str) -> Iterable[list[Row]]:
    columns = ", ".join(database.reading(table, name) for name in database.columns(table))
    order = "merged_number" if table in TABLES else "dbid"
    return database.pages(f"SELECT {columns} FROM {table} ORDER BY {order}", GROUP)


@contextmanager
def _replacing(path: Path) -> Iterator[Path]:
    """A new file beside `path`, which takes its place when it is whole."""
    new = _new(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield new
            os.replace(new, path)
        finally:
            new.unlink(missing_ok=True)
    except OSError as problem:
        raise StorageError(f"{path}: {problem.strerror or problem}") from problem
