"""
The option catalogue of nodes: `[settings]`, with type, unit, range and default.

Names are the field's. Where its documentation gives a default or a range, that
stands here; most of its options are known by name only, and their values here
are ours. Options that are ours altogether stand at the end.
"""

from __future__ import annotations

from dataclasses import dataclass

from ixproxy.config_keys import rate_text
from ixproxy.config_sections import choice, flag, names, text, whole

WEEK = 7 * 24 * 3600
FRAME_MARGIN = 64 * 1024
"""What a frame must have room for beside the largest user data, in bytes."""


@dataclass(frozen=True, slots=True)
class WireSettings:
    """Options of `[settings]` that nodes and proxies have in common."""

    registration_timeout: int = whole(
        30, 1, 3600, "seconds", "How long a peer may be connected without registering."
    )
    max_frame: int = whole(
        1 << 20, FRAME_MARGIN, 1 << 28, "bytes", "The longest frame that is taken from a peer."
    )
    keep_alive_interval: int = whole(
        15, 0, 3600, "seconds", "A peer silent for so long is asked whether it is there; 0: never."
    )
    keep_alive_timeout: int = whole(
        30, 1, 3600, "seconds", "A peer that stays silent for so long after that is closed."
    )
    max_connections: int = whole(
        10_000, 1, 1_000_000, "connections", "Registered peers; others are told so and closed."
    )
    max_unregistered: int = whole(
        1_000, 1, 1_000_000, "connections", "Peers that have not registered; the oldest make room."
    )
    client_window: int = whole(
        1_000, 1, 1_000_000, "requests", "One client's on the way; above, it is left unread."
    )
    max_client_output: int = whole(
        4 << 20, 1 << 16, 1 << 30, "bytes", "Output that may wait for one slow reader."
    )
    max_pending_per_client: int = whole(
        10_000, 1, 1_000_000, "requests", "Requests that one client may have without an answer."
    )


@dataclass(frozen=True, slots=True)
class NodeSettings(WireSettings):
    """`[settings]` of a node."""

    agent_login_control: str = choice(
        "none", ("none", "ignore"), "ignore: the agent id serves as the name of the place."
    )
    agent_session_restore_timeout: int = whole(
        60, 1, WEEK, "seconds", "How long a lost client session keeps what it holds."
    )
    allow_duplicates_in_change: bool = flag(
        False, "A change may name one key as added, changed or deleted more than once."
    )
    allow_duplicates_in_submit: bool = flag(
        False, "A submit may name a property both as attribute and in the user data."
    )
    allow_multiple_agent_connections: str = choice(
        "true",
        ("true", "false", "force-logout"),
        "What a second login of an agent does: join, be refused, or end the first.",
    )
    collect_error_counters: bool = flag(False, "Count errors by code.", served=False)
    collect_esp_error_counters: bool = flag(False, "Count ESP errors.", served=False)
    collect_request_counters: bool = flag(False, "Count requests by name.", served=False)
    completed_queues: tuple[str, ...] = names(
        "Queues that stamp CompletedAt on what is placed in them."
    )
    database_request_timeout: int = whole(30, 1, 3600, "seconds", "How long a long read may take.")
    database_request_warning_timeout: int = whole(
        5, 1, 3600, "seconds", "Slower statements are logged.", served=False
    )
    default_max_submission_rate: str = text(
        "", "Interactions pushed to one router, such as 25/minute; none given: any.", rate_text
    )
    default_max_submitted_per_router: int = whole(
        500, 0, 50_000, "interactions", "How many one router may have, of those pushed; 0 stops."
    )
    default_max_submitted_per_strategy: int = whole(
        500, 0, 50_000, "interactions", "The same for one strategy, on all routers together."
    )
    default_view_freeze_interval: int = whole(
        60, 1, 86_400, "seconds", "How old the answer of a time-dependent condition may be."
    )
    delay_updates: bool = flag(False, "Write property changes later.", served=False)
    delayed_logout_panic_threshold: int = whole(
        50, 1, 1_000_000, "agents", "Lost together: one report of all instead."
    )
    delayed_logout_timeout: int = whole(
        30, 0, 3600, "seconds", "Delay of logout reports after a loss; 0: none."
    )
    delivering_timeout: int = whole(
        30, 1, 86_400, "seconds", "How long an invited agent may take to accept."
    )
    enable_place_in_queue_reason: bool = flag(
        False, "Report the reason of a placement.", served=False
    )
    enable_revoke_from_agent: bool = flag(
        False, "Others may take an interaction from an agent.", served=False
    )
    handling_timeout: int = whole(
        180, 1, 1440, "minutes", "How long an agent may keep an interaction without a request."
    )
    have_segmentation_indexes: bool = flag(False, "Index segments.", served=False)
    hide_attached_data: bool = flag(False, "Keep user data out of the log.", served=False)
    hide_strategy_change_activity: bool = flag(
        False, "No reporting of changes that strategies make.", served=False
    )
    hide_strategy_esp_activity: bool = flag(
        False, "No reporting of ESP requests that routing clients make."
    )
    high_pull_threshold: int = whole(
        2000, 1, 1_000_000, "interactions", "Stop filling a view's cache.", served=False
    )
    honor_segmentation_generations: bool = flag(
        False, "Finish a generation of segments before the next.", served=False
    )
    ignore_read_only_on_change: bool = flag(
        False, "Read-only properties in a change are left out instead of refused."
    )
    ignore_read_only_on_submit: bool = flag(
        False, "Read-only properties in a submit are left out instead of refused."
    )
    incremental_login_request_timeout: int = whole(
        10, 1, 3600, "seconds", "Answer time of one login in a series.", served=False
    )
    login_session_timeout: int = whole(
        1440,
        1,
        525_600,
        "minutes",
        "How long an agent may be logged in without any request.",
    )
    low_pull_threshold: int = whole(
        500, 0, 1_000_000, "interactions", "Fill a view's cache again.", served=False
    )
    max_current_clients: int = whole(
        50_000, 1, 1_000_000, "clients", "Registered clients, those behind proxies included."
    )
    max_current_database_requests: int = whole(
        10_000, 1, 1_000_000, "requests", "Statements under way.", served=False
    )
    max_current_interactions_cached: int = whole(
        10_000, 0, 10_000_000, "interactions", "Rows kept in memory.", served=False
    )
    max_current_loggers_queue_size: int = whole(
        20_000, 1, 10_000_000, "events", "Events that wait for event logs.", served=False
    )
    max_current_request_queue_size: int = whole(
        20_000, 1, 10_000_000, "requests", "Requests that wait; further ones are answered busy."
    )
    max_current_request_queue_wait: int = whole(
        60, 1, 3600, "seconds", "How long a request may wait."
    )
    max_current_tasks: int = whole(10_000, 1, 1_000_000, "tasks", "Work at once.", served=False)
    max_database_request_queue_size: int = whole(
        10_000, 1, 1_000_000, "requests", "Statements that wait."
    )
    max_interactions_per_pull: int = whole(
        100, 1, 10_000, "interactions", "The most that one pull takes."
    )
    max_interactions_per_snapshot: int = whole(
        500, 100, 10_000, "interactions", "The most in one snapshot."
    )
    max_number_of_snapshots: int = whole(100, 1, 100_000, "snapshots", "Snapshots at a time.")
    max_output_timeout: int = whole(
        60, 1, 3600, "seconds", "How long output may wait for a reader."
    )
    max_userdata_size: int = whole(
        512 << 10, 1024, 1 << 27, "bytes", "The largest user data of one interaction."
    )
    max_workbin_interactions: int = whole(
        1000, 1, 100_000, "interactions", "The most that a workbin's content returns."
    )
    no_userdata_changed_response_to_urs: bool = flag(
        False, "Spare a router EventAttachedDataChanged for its own changes."
    )
    not_ready_on_invitation_timeout: bool = flag(
        False, "An agent who lets an invitation expire becomes not ready for its media type."
    )
    notify_workbin_userdata_changed: bool = flag(
        False, "Tell a workbin's subscribers of changed user data.", served=False
    )
    number_of_database_connections: int = whole(
        2, 1, 64, "connections", "Readers for finds and workbin contents, beside the writer."
    )
    pull_hold_timeout: int = whole(
        10, 0, 600, "seconds", "How long an empty pull for a strategy is held."
    )
    reset_states_on_shutdown: bool = flag(False, "An orderly stop logs agents out.", served=False)
    routing_timeout: int = whole(
        720, 20, 525_600, "minutes", "How long a strategy may keep an interaction."
    )
    schema_name: str = text("", "The database schema.", served=False)
    statistic_interval: int = whole(
        60, 1, 86_400, "seconds", "How often counters are logged.", served=False
    )
    submit_timer_interval: int = whole(
        1, 1, 3600, "seconds", "How often a router gets its share, where it has a rate."
    )
    third_party_server_queue_size: int = whole(
        1000, 0, 1_000_000, "requests", "ESP requests that wait, for each name or type called."
    )
    third_party_server_timeout: int = whole(
        30, 1, 3600, "seconds", "How long an ESP server may take."
    )
    third_party_server_window_size: int = whole(
        100, 1, 100_000, "requests", "ESP requests under way, for each server."
    )
    max_interactions_per_find: int = whole(
        1000, 1, 100_000, "interactions", "The most that a find returns."
    )
    max_held_pulls: int = whole(
        50_000, 1, 10_000_000, "pulls", "Pulls that wait for work; of one client a quarter."
    )
    submit_receipt_retention: int = whole(
        24, 1, 8760, "hours", "How long a submit receipt is remembered."
    )
    router_restore_timeout: int = whole(
        5, 0, WEEK, "seconds", "What was pushed to a lost router goes to others after that."
    )
    lease_limit: int = whole(
        10, 2, 300, "seconds", "A primary that shows no life for so long is ended by its backup."
    )
