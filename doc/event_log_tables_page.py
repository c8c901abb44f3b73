"""Print doc/event-log-tables.md: what stands in the tables of an event log, and how to use them."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

from ixproxy import messages as m
from ixproxy.eventlog.custom_fields import TYPES
from ixproxy.eventlog.rows import NOT_LOGGED, table_of
from ixproxy.eventlog.schema_columns import Table
from ixproxy.eventlog.schemas import EVENT_TABLES, tables
from ixproxy.messages.message import Event

HEAD = """\
# The tables of an event log

What happens on a node, in tables that reporting tools can query: in a file of SQLite
(`sqlite:/path/to/log.db`), or in a database of PostgreSQL (`postgresql://user@host/database`).
How events get there, and the keys that all kinds of logs have, says [Event logs](event-log.md);
[merging](event-log-merge.md) makes one history of the logs of all nodes, and of that or of a
single log there is a [report](event-log-report.md).

The tables are the same on both. They are made when a node first logs there, in a file that is
empty or not there, or in an empty schema; views and indexes of one's own may stand beside them
later. This page is generated from the schema: `make protocol`.

* **A row is one event**, and is written once, whatever crashes: `dbid` (of the node), `epoch` and
  `event_number` name it for ever. The epoch goes up whenever a server of the node becomes
  primary; a node whose database was restored from a backup gives numbers again, in a later epoch.
* **Times** are seconds since 1970, UTC, by the clock of the node: `datetime(event_time,
  'unixepoch')` on SQLite, `to_timestamp(event_time)` on PostgreSQL.
* **What an event does not have is NULL.**
* **JSON** columns are texts. Bytes are texts in base64, and numbers that JSON does not have (NaN,
  infinity) null.
* **No value keeps an event out.** A NUL in a text is kept by SQLite and U+FFFD on PostgreSQL, a
  whole number of more than 64 bits becomes the nearest that has so many.

The rows of a batch, and how far its node has come (`rpt_source`), are one transaction.
"""

QUERIES = """
## Queries

These run on both databases. What came in, by media type:

```sql
SELECT media_type, count(*) AS submitted
FROM rpt_interaction WHERE event = 'EventInteractionSubmitted'
GROUP BY media_type ORDER BY media_type;
```

How long interactions waited in each queue before somebody took them:

```sql
SELECT t.queue, count(*) AS taken, avg(t.event_time - (
    SELECT max(p.event_time) FROM rpt_interaction p
    WHERE p.interaction_id = t.interaction_id AND p.queue = t.queue AND p.event_time <= t.event_time
    AND p.event IN ('EventInteractionSubmitted', 'EventPlacedInQueue'))) AS seconds
FROM rpt_interaction t WHERE t.event = 'EventTakenFromQueue'
GROUP BY t.queue ORDER BY t.queue;
```

Who was logged in when, each login once though every node logs its own pair of events:

```sql
SELECT agent_id, agent_session_number, agent_session_dbid, count(DISTINCT dbid) AS nodes,
    min(CASE WHEN event = 'EventAgentLogin' THEN event_time END) AS logged_in,
    max(CASE WHEN event = 'EventAgentLogout' THEN event_time END) AS logged_out
FROM rpt_agent WHERE event IN ('EventAgentLogin', 'EventAgentLogout')
GROUP BY agent_id, agent_session_number, agent_session_dbid ORDER BY logged_in;
```

What is in JSON has words of each database:

```sql
-- SQLite
SELECT event_time, json_extract(changed_properties, '$.changed.Priority') AS priority
FROM rpt_interaction WHERE event = 'EventPropertiesChanged' ORDER BY event_time;
```

```sql
-- PostgreSQL
SELECT event_time, changed_properties::json #>> '{changed,Priority}' AS priority
FROM rpt_interaction WHERE event = 'EventPropertiesChanged' ORDER BY event_time;
```

Whether all is here, and until when:

```sql
SELECT node, logged_until FROM rpt_source ORDER BY node;
```

```sql
SELECT dbid, first_time, last_time, event, dropped FROM rpt_dropped ORDER BY first_time, event;
```
"""

REST = """
## Which event goes where
"""

FIELDS = f"""
## Custom fields

`custom-fields` maps user data to columns of `rpt_interaction` and `rpt_custom`. A column is named
`c_` and the name; it is added when a node begins and is not there, and stays when the field is no
longer configured. Types are {", ".join(f"`{each}`" for each in TYPES)}.

| type | takes |
|---|---|
| `text` | texts; numbers as they are written; `true` and `false` |
| `integer` | whole numbers of 64 bits, also as texts |
| `number` | finite numbers, also as texts |
| `time` | seconds since 1970, or ISO 8601 as in `2026-11-26T05:00:00Z`; without a zone it is UTC |

What is no such value is NULL, and is counted (`unconverted` in `ixctl status`). With
`log-userdata` off the columns are NULL, as are `changed_properties` and `user_data`. A column
that is there with another type is an error, in the log and in `ixctl status`, until the field has
another name. Where nodes share the tables, [`ixctl check-config`](check-config.md) says so before:
a column of two types is an error, and one that is filled from two keys a warning. The same path
on two hosts is two files.

## Custom events

`custom-events` says to which table events of a client's own go, by `CustomEventId`:
`interaction`, `agent`, or `custom`, which is where all others go. In `rpt_agent` the row is about
the agent that the event names under `AgentId`, with `PlaceId` where that is a text; else about
the agent who has sent it.

## One database for all, or one for each

Both work. **One database for all nodes**: a stream of events is that of one `dbid`; nodes never
wait for each other's rows but for moments. SQLite allows that among nodes of one machine, and
one writes at a time; nodes of several machines share PostgreSQL. **One for each node**: nothing
is shared, and a lost database stops one node's log alone. [`ixctl eventlog
merge`](event-log-merge.md) makes one history of either. Interactions and calls are on one node
each, so their rows are the same in both cases.

**Agents log in on all nodes.** So each node writes its own `EventAgentLogin` and
`EventAgentLogout` and all between, and pairs of several nodes overlap. They are told from two
sessions by `agent_session_number` and `agent_session_dbid`, the same on all nodes for one login
and never given again: rows with the same two are one session, seen by several nodes; an agent who
comes again, be it before the last node has noticed that he went, has others.

## In PostgreSQL

The tables are in the schema that `schema-name` names, which must be there (`CREATE SCHEMA`), or
else in the first one of the role's search path. Nodes may so have logs of their own in one
database. The role must own the schema, or be allowed to make tables in it, and to read and write
them. A password comes from `~/.pgpass`, as for [stores](postgresql.md). In addresses of commands
the schema is `?schema-name=NAME`: `postgresql://reader@db.example/logs?schema-name=ixn1`, with
`%20` and the like for what is no letter or digit. Who merges or reports needs only to read.

## Deletion at logout

`delete-on-logout` makes a trigger that deletes rows of `rpt_agent`, and of no other table:

* `never` (the default): nothing is deleted.
* `at-first-logout`: the first `EventAgentLogout` deletes all rows of the agent until then, of all
  nodes. The consequence, where nodes share the database: the other nodes have the agent logged in
  still, what they wrote is gone, and what they write next has no login. It is rarely noticed, for
  a proxy logs agents out of all nodes at once.
* `after-last-logout`: the rows of a session are deleted when no node has a login of it without
  its logout, and with them the agent's rows that name no session and are not later. The
  consequence: a node that never comes back keeps the rows of those who were logged in on it. A
  node that logs late deletes its own when it has caught up.

A node that ends at a bad moment writes its last batch again when it is back. If its rows were
deleted meanwhile, they come again: those of the session go with the node's own logout, which
comes again too, or came later. What the batch has of the agent behind that logout, and what
names no session, stays until the agent's next logout.

The trigger belongs to the database. Nodes that share it must be configured alike: the last that
begins says what holds. [`ixctl check-config`](check-config.md) has an error where they are not,
and warns where `at-first-logout` is shared. Whatever reads the log, a merge too, must be faster
than logouts: rows that are deleted before a [merge](event-log-merge.md) are in no history, and
nothing says so. To keep histories, leave it at `never` and delete old rows.

## Old rows

Nothing else is ever deleted. Delete what is old, as seldom as you like, some days at a time so
that nodes do not wait long for the write lock of SQLite:

```sql
DELETE FROM rpt_interaction WHERE event_time < 1767225600;
DELETE FROM rpt_agent WHERE event_time < 1767225600;
DELETE FROM rpt_esp WHERE event_time < 1767225600;
DELETE FROM rpt_custom WHERE event_time < 1767225600;
DELETE FROM rpt_dropped WHERE last_time < 1767225600;
```

Leave `rpt_source` as it is, and [merge](event-log-merge.md) first what is to be merged. Free
pages are used again; a file gets smaller by `VACUUM`, while no node logs. Do not move or remove
the file of a log while nodes log into it, for what stands in `…-wal` beside it belongs to it: a
node that finds the one without the other says so, and stores nothing. A copy is made by `VACUUM
INTO` or `.backup`.

## Reading a file

An SQLite log is in WAL mode, and so is what a [merge](event-log-merge.md) writes. Whoever reads it
may do so while others write, and nobody waits for anybody.

* While a node logs, `NAME-wal` and `NAME-shm` are beside it: who may read all three may read the
  log.
* When nobody has it open they are not there. A reader makes them, and may leave an empty `NAME-wal`
  and a `NAME-shm` behind. Nothing is in them: the next program that writes the log removes them
  when it ends, and a copy of `NAME` alone is whole. Who moves the file of a log moves them, too.
* `ixctl` reads also where it may not make them: a folder in which somebody else alone may
  write, or a medium that is only read. It does so without locks then, and says `somebody began to
  write into it while it was read` if that happened: run it again. SQLite's own programs need
  `sqlite3 'file:NAME?immutable=1'` for that.
* Where a node was killed, its last events are in `NAME-wal`, and without them nothing is read:
  `ixctl` says `a part of it is in NAME-wal` to those who may not write there. Start the node, or
  read it once as somebody who may.

## When something is wrong

A database that is away, full, locked for long, of a newer version, a node's store, or of another
program: the node goes on, its spool fills, `ixctl status` says why, and all is tried again until
it works; of one that takes what it is given and says nothing for half a minute the state is
`connecting: no answer for … s`. Nothing is changed in what is not an event log. Older tables are
brought up to date when a node begins, each step in a transaction of its own; nodes of an older
program that share them stop logging then, and keep what they have in their spools until they are
replaced.
"""


def table(what: Table) -> Iterator[str]:
    yield f"\n### `{what.name}`\n"
    key = f" Its key is `{', '.join(what.key)}`." if what.key else ""
    yield f"{what.comment}{key}\n"
    yield "| column | type | meaning |"
    yield "|---|---|---|"
    for column in what.columns:
        kind = f"{column.kind.lower()}{'' if column.needed else ', or NULL'}"
        yield f"| `{column.name}` | {kind} | {column.comment} |"


def every_event() -> Iterator[type[Event]]:
    """All kinds of events that clients can see."""
    for name, kind in sorted(inspect.getmembers(m, inspect.isclass)):
        if name.startswith("Event") and issubclass(kind, Event) and kind is not Event:
            yield kind


def destinations() -> Iterator[str]:
    yield "| table | events |"
    yield "|---|---|"
    for name in EVENT_TABLES:
        events = [f"`{kind.__name__}`" for kind in every_event() if table_of(kind) == name]
        yield f"| `{name}` | {', '.join(events)} |"
    yield "\nIn no table:\n"
    yield "| event | why |"
    yield "|---|---|"
    for kind in every_event():
        if kind in NOT_LOGGED:
            yield f"| `{kind.__name__}` | {NOT_LOGGED[kind]} |"


def page() -> Iterator[str]:
    yield HEAD.rstrip("\n")
    yield QUERIES.rstrip("\n")
    yield "\n## Columns"
    for what in tables().values():
        yield from table(what)
    yield REST
    yield from destinations()
    yield FIELDS.rstrip("\n")


if __name__ == "__main__":
    print("\n".join(page()))
