"""What ixproxy offers to twistd and to its own plug-in search; names only."""

from __future__ import annotations

from twisted.application.service import ServiceMaker

from ixproxy.plugin import (
    CapturePointMaker,
    EventLogMaker,
    MergePolicyMaker,
    PullStrategyMaker,
    RoutingStrategyMaker,
    StoreMaker,
)

proxy = ServiceMaker(
    "ixproxy", "ixproxy.tap", "One door to a cluster of Interaction Servers.", "ixproxy"
)
node = ServiceMaker("ixnode", "ixproxy.node_tap", "One Interaction Server of a cluster.", "ixnode")

_STRATEGIES = "ixproxy.strategies"

routing_round_robin = RoutingStrategyMaker(
    "round-robin", "Each node in turn.", f"{_STRATEGIES}.round_robin.make"
)
routing_media_dedicated = RoutingStrategyMaker(
    "media-dedicated",
    "First the nodes that are set aside for the media type.",
    f"{_STRATEGIES}.media_dedicated.make",
)
routing_least_backlog = RoutingStrategyMaker(
    "least-backlog", "The node with the least waiting work.", f"{_STRATEGIES}.least_backlog.make"
)
routing_weighted = RoutingStrategyMaker(
    "weighted", "Each node as often as its weight says.", f"{_STRATEGIES}.weighted.make"
)
routing_hash_of_id = RoutingStrategyMaker(
    "hash-of-id",
    "Equal interaction ids meet on one node, which refuses the second.",
    f"{_STRATEGIES}.hash_of_id.make",
)

pull_round_robin = PullStrategyMaker(
    "round-robin",
    "One node after the other, the next start moves on.",
    f"{_STRATEGIES}.pull_in_turn.make",
)
pull_hold_override = PullStrategyMaker(
    "hold-override",
    "In turn; only the last node asked may hold the pull.",
    f"{_STRATEGIES}.hold_override.make",
)
pull_busiest_first = PullStrategyMaker(
    "busiest-first", "The node with the deepest view first.", f"{_STRATEGIES}.busiest_first.make"
)

merge_union = MergePolicyMaker(
    "union", "All answers in one; a lost node is an error.", f"{_STRATEGIES}.merge_union.make"
)
merge_partial = MergePolicyMaker(
    "partial",
    "What answers there are, marked when some are missing.",
    f"{_STRATEGIES}.merge_partial.make",
)
merge_all_must_agree = MergePolicyMaker(
    "all-must-agree", "One refusal refuses the whole.", f"{_STRATEGIES}.merge_all_must_agree.make"
)
merge_first_found = MergePolicyMaker(
    "first-found", "The first answer that is not empty.", f"{_STRATEGIES}.merge_first_found.make"
)

store_sqlite = StoreMaker(
    "sqlite", "A file, or memory with sqlite::memory:.", "ixproxy.storage.sqlite.make"
)
store_postgresql = StoreMaker(
    "postgresql",
    "A database of a PostgreSQL server: postgresql://user@host/database.",
    "ixproxy.storage.postgresql_maker.make",
)

capture_file = CapturePointMaker(
    "file",
    "Documents are files in a directory, and so is what is told.",
    "ixproxy.capture.file.make",
)
capture_jms = CapturePointMaker(
    "jms",
    "Documents are messages of a queue: STOMP or AMQP 1.0, with RabbitMQ, ActiveMQ and others.",
    "ixproxy.capture.jms.make",
)
capture_webservice = CapturePointMaker(
    "webservice", "Calls over HTTP: SOAP and JSON.", "ixproxy.capture.web_service.make"
)
capture_database = CapturePointMaker(
    "database", "Rows of tables in SQLite or PostgreSQL.", "ixproxy.capture.database.make"
)
capture_kafka = CapturePointMaker(
    "kafka", "Records of Kafka's topics.", "ixproxy.capture.kafka.make"
)

_EVENT_LOGS = "ixproxy.eventlog"

eventlog_sqlite = EventLogMaker(
    "sqlite", "Tables in a file: sqlite:PATH.", f"{_EVENT_LOGS}.sqlite_log.make"
)
eventlog_postgresql = EventLogMaker(
    "postgresql",
    "Tables in a database of a PostgreSQL server: postgresql://user@host/database.",
    f"{_EVENT_LOGS}.postgresql_maker.make",
)
eventlog_amqp = EventLogMaker(
    "amqp",
    "Messages in a durable queue of a broker: amqp://user@host.",
    f"{_EVENT_LOGS}.amqp_maker.make",
)
eventlog_amqps = EventLogMaker(
    "amqps", "The same over TLS: amqps://user@host.", f"{_EVENT_LOGS}.amqp_maker.make"
)
