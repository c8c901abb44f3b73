"""What a deployment file may not say of event logs, and what it had better not."""

from __future__ import annotations

from tests.config_cases import Case, case

EVENT_LOGS = "design 10, event logs"
LIMITATIONS = "guide, Event Log Limitations"


def both(first: str, second: str) -> dict[str, str]:
    """Both nodes log into one database, each with lines of its own."""
    address = 'address = "postgresql://log@db.example/logs"\n'
    return {
        "[applications.ixn1.event-logs]": address + first,
        "[applications.ixn2.event-logs]": address + second,
    }


MISTAKES_OF_EVENT_LOGS: tuple[Case, ...] = (
    case(
        "An event log is no store",
        LIMITATIONS,
        {"applications.ixn2": 'event-log = "sqlite:/srv/ixn1.db"'},
        'line 35: [applications.ixn2] event-log: "ixn1" keeps its state there; an event log '
        "has a database of its own",
    ),
    case(
        "Event logs of one node have names of their own",
        EVENT_LOGS,
        {
            "[applications.ixn1.event-logs]": (
                'address = "sqlite:/srv/a.db"\n'
                "[[applications.ixn1.event-logs]]\n"
                'address = "sqlite:/srv/b.db"'
            ),
        },
        "line 99: [applications.ixn1.event-logs#2] name: another event log of this node is "
        'named "sqlite" already',
    ),
    case(
        "Event logs of one node are in places of their own",
        EVENT_LOGS,
        {
            "applications.ixn1": 'event-log = "sqlite:/srv/a.db"',
            "[applications.ixn1.event-logs]": 'address = "sqlite:/srv/a.db"',
        },
        "line 99: [applications.ixn1.event-logs#1] address: another event log of this node is "
        "there already",
    ),
    case(
        "A column that nodes share has one type",
        EVENT_LOGS,
        both(
            'custom-fields = { amount = { key = "Amount", type = "number" } }',
            'custom-fields = { amount = "Amount" }',
        ),
        'line 102: [applications.ixn2.event-logs#1.custom-fields] amount: "ixn1" has '
        "the column c_amount of this log as number, not text: whichever node begins "
        "later could store nothing",
    ),
    case(
        "Rows that nodes share are deleted in one way",
        LIMITATIONS,
        both('delete-on-logout = "at-first-logout"', 'delete-on-logout = "never"'),
        'line 102: [applications.ixn2.event-logs#1] delete-on-logout: "ixn1" has at-'
        "first-logout for this log, not never: the node that begins last would say what"
        " holds",
    ),
)

DOUBTS_OF_EVENT_LOGS: tuple[Case, ...] = (
    case(
        "An event log is for all nodes, or for one",
        LIMITATIONS,
        {
            "applications.ixn1": 'event-log = "sqlite:/srv/log.db"',
            "applications.ixn2": 'event-log = "sqlite:/srv/log.db"',
            "applications.ixn3": (
                'type = "Interaction Server"\n'
                "dbid = 103\n"
                'tenants = ["Environment"]\n'
                'listen = "tcp:7103:interface=10.0.0.4"\n'
                'store = "sqlite:/srv/ixn3.db"\n'
                'event-log = "sqlite:/srv/ixn3-log.db"'
            ),
        },
        "line 36: [applications.ixn2] event-log: the guide has one event log for all nodes, "
        'or one for each: this one is "ixn1"\'s too, and not that of all',
        "line 99: [applications.ixn3] backup: the guide configures every node as a pair: "
        "without a backup, nobody can process this node's interactions while it is down",
        "line 99: [applications.ixn3]: no proxy connects to this node, directly or by a cluster",
        "line 99: [applications.ixn3.options.settings] allow-multiple-agent-connections: the "
        "guide recommends false in a cluster, not true: notifications multiply",
    ),
    case(
        "A filter by names lets through what no class keeps out",
        EVENT_LOGS,
        {
            "[applications.ixn1.event-logs]": (
                'address = "sqlite:/srv/log.db"\n'
                'event-filter-by-id = "EventPlacedInQueue"\n'
                "log-agent-state = false\n"
                "log-agent-activity = false\n"
                "log-queue = false\n"
                "log-strategy = false\n"
                "log-esp-service = false"
            ),
        },
        "line 99: [applications.ixn1.event-logs#1] event-filter-by-id: all classes of events are "
        "switched off: few of these can be logged, or none",
    ),
    case(
        "A column that nodes share is filled from one key",
        EVENT_LOGS,
        both('custom-fields = { amount = "Amount" }', 'custom-fields = { amount = "Sum" }'),
        'line 102: [applications.ixn2.event-logs#1.custom-fields] amount: "ixn1" fills '
        'the column c_amount of this log from "Amount", not "Sum": whoever reads it '
        "cannot tell them apart",
    ),
    case(
        "A column of numbers that nodes share has numbers of one type",
        EVENT_LOGS,
        both(
            'custom-fields = { due = { key = "Due", type = "time" } }',
            'custom-fields = { due = { key = "Due", type = "number" } }',
        ),
        'line 102: [applications.ixn2.event-logs#1.custom-fields] due: "ixn1" has the '
        "column c_due of this log as time, not number: both are numbers, and whoever "
        "reads them cannot tell them apart",
    ),
    case(
        "A logout deletes nothing that other nodes wrote",
        LIMITATIONS,
        both('delete-on-logout = "at-first-logout"', 'delete-on-logout = "at-first-logout"'),
        "line 102: [applications.ixn2.event-logs#1] delete-on-logout: this log is "
        "\"ixn1\"'s, too, and an agent's first logout deletes what all nodes wrote of the"
        " agent, who may be logged in on others still: after-last-logout waits for "
        "them, and only never keeps what a merge needs",
    ),
)
