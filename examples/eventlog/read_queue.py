"""
Reads the event log of nodes from a queue of a message broker into a table of SQLite.

    python examples/eventlog/read_queue.py amqp://guest@127.0.0.1:5672 \
        /amq/queue/ixproxy-event-log events.db --password-file /etc/ixproxy/broker

Kill it whenever you like, and start it again: a message is acknowledged when it is in the table,
and one that comes again is known by its id. So is one that a node has given twice.

The address of the queue is the broker's: `/amq/queue/NAME` with RabbitMQ 3, `/queues/NAME` with
RabbitMQ 4, else the name alone.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import sys
import time
from contextlib import closing
from pathlib import Path
from threading import Event
from typing import Any

from proton import ConnectionException, Message, ProtonException, Timeout
from proton.utils import BlockingConnection

AT_ONCE = 200
PAUSE = 1.0

TABLE = """
CREATE TABLE IF NOT EXISTS events (
    id TEXT PRIMARY KEY,      -- of the message: dbid, epoch and number
    dbid INTEGER NOT NULL,    -- of the node
    epoch INTEGER NOT NULL,   -- with the number, the order of what a node has logged
    number INTEGER NOT NULL,
    time REAL NOT NULL,       -- seconds since the epoch, UTC
    event TEXT NOT NULL,
    body TEXT NOT NULL        -- all of it, in JSON
) WITHOUT ROWID
"""
INSERT = "INSERT OR IGNORE INTO events VALUES (?, ?, ?, ?, ?, ?, ?)"


def row_of(message: Message) -> tuple[Any, ...] | None:
    """What the table has of a message; None: it is no event, and somebody else's."""
    given: Any = message.body
    try:
        body = bytes(given).decode()
        said = json.loads(body)
        named = (said["dbid"], said["epoch"], said["number"])
        return (message.id, *named, said["time"], said["event"], body)
    except (TypeError, ValueError, KeyError) as problem:
        print(f"message {message.id!r}: no event: {problem!r}", file=sys.stderr, flush=True)
        return None


def keep(receiver: Any, database: sqlite3.Connection, wait: float) -> int:
    """
    Put what is there into the table, and acknowledge it.

    :param wait: seconds to wait for the first message.
    :return: how many messages there were.
    """
    came: list[Message] = []
    try:
        while len(came) < AT_ONCE:
            came.append(receiver.receive(timeout=0.1 if came else wait))
    except Timeout:
        pass
    with database:
        database.executemany(INSERT, filter(None, map(row_of, came)))
    # Only now: what is not acknowledged comes again.
    for _ in came:
        receiver.accept()
    if came:
        receiver.link.flow(len(came))
    return len(came)


def read(args: argparse.Namespace, database: sqlite3.Connection) -> None:
    """Read by one connection, until nothing has come for as long as is asked."""
    said: dict[str, Any] = {"allowed_mechs": "PLAIN" if args.password else "ANONYMOUS"}
    connection = BlockingConnection(
        args.broker, timeout=10, heartbeat=20, password=args.password, **said
    )
    with closing(connection):
        receiver = connection.create_receiver(args.queue, credit=AT_ONCE)
        idle_since = time.monotonic()
        while True:
            if keep(receiver, database, 1.0):
                idle_since = time.monotonic()
            elif args.until_idle and time.monotonic() - idle_since > args.until_idle:
                return


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("broker", help="amqp://USER@HOST:PORT")
    parser.add_argument("queue", help="the address of the queue")
    parser.add_argument("database", help="a file of SQLite")
    parser.add_argument("--password-file", help="its one line is the password")
    parser.add_argument("--until-idle", type=float, help="end after so many seconds of silence")
    args = parser.parse_args()
    file = args.password_file
    args.password = Path(file).read_text().strip() if file else None
    with closing(sqlite3.connect(args.database)) as database:
        database.execute(TABLE)
        while True:
            try:
                read(args, database)
                return
            except (ConnectionException, ProtonException, OSError) as problem:
                print(f"{args.broker}: {problem}; again soon", file=sys.stderr, flush=True)
                Event().wait(PAUSE)


if __name__ == "__main__":
    main()
