-- The tables of an event log. A row is one event, named for ever by dbid, epoch and event_number.
-- Times are seconds since the epoch, UTC. What an event does not have is NULL.

CREATE TABLE log_schema (
    version INTEGER NOT NULL,                   -- of these tables
    kind TEXT NOT NULL                          -- 'log': written by nodes; 'merged': by ixctl eventlog merge
);

CREATE TABLE rpt_source (
    dbid INTEGER NOT NULL PRIMARY KEY,          -- of a node that logs here
    node TEXT NOT NULL,                         -- its name
    logged_epoch INTEGER NOT NULL,              -- lease epoch of the last event here
    logged_number INTEGER NOT NULL,             -- number of the last event here
    logged_until REAL NOT NULL                  -- all that it logs and that happened until then is here
);

CREATE TABLE rpt_dropped (
    dbid INTEGER NOT NULL,                      -- of the node
    epoch INTEGER NOT NULL,                     -- of the lease under which it happened
    first_number INTEGER NOT NULL,              -- of the first event that was dropped
    last_number INTEGER NOT NULL,               -- of the last
    first_time REAL NOT NULL,                   -- when the first happened
    last_time REAL NOT NULL,                    -- when the last did
    event TEXT NOT NULL,                        -- name of the events that this row counts
    dropped INTEGER NOT NULL,                   -- how many
    PRIMARY KEY (dbid, epoch, first_number, event)
) WITHOUT ROWID;

CREATE TABLE rpt_interaction (
    dbid INTEGER NOT NULL,                      -- of the node where it happened
    epoch INTEGER NOT NULL,                     -- of the lease under which it happened
    event_number INTEGER NOT NULL,              -- counted by the node
    event_time REAL NOT NULL,                   -- when it happened, by the node's clock
    event TEXT NOT NULL,                        -- its name, such as EventPlacedInQueue
    tenant_id INTEGER NOT NULL,
    media_type TEXT,
    interaction_id TEXT,
    interaction_type TEXT,                      -- InteractionType after the event, and so on
    interaction_subtype TEXT,
    interaction_state INTEGER,                  -- 0 queued, 1 cached, 2 routing, 3 handling
    parent_id TEXT,                             -- the interaction that it came from
    external_id TEXT,
    submitted_by TEXT,                          -- the client that submitted it
    received_at REAL,                           -- when it came in, as its submitter said
    submitted_at REAL,                          -- when the node got it
    moved_to_queue_at REAL,                     -- when it was last placed in a queue by a client
    queue TEXT,                                 -- of the event: placed in, taken from, stopped in
    old_queue TEXT,                             -- where it was before
    workbin_type TEXT,
    workbin_agent TEXT,                         -- the owner: one of these four
    workbin_group TEXT,
    workbin_place TEXT,
    workbin_place_group TEXT,
    actor_agent TEXT,                           -- who caused it: an agent …
    actor_place TEXT,
    actor_router TEXT,                          -- … or a router …
    actor_strategy TEXT,
    actor_media_server TEXT,                    -- … or a media server; all NULL: the node itself
    party_type INTEGER,                         -- whom it is about: 1 strategy, 2 agent, 3 router
    party_agent TEXT,
    party_place TEXT,
    party_strategy TEXT,
    party_name TEXT,
    visibility_mode TEXT,                       -- how an agent takes part
    agent_session_number INTEGER,               -- with …_dbid: of the agent's session
    agent_session_dbid INTEGER,
    operation TEXT,                             -- why a party came or went
    reason_system_name TEXT,
    reason_description TEXT,
    reason INTEGER,
    changed_properties TEXT,                    -- JSON: added, changed, deleted; not with log-userdata off
    custom_event_id INTEGER,                    -- of EventCustomReporting
    custom_event TEXT,                          -- JSON: what the client said
    PRIMARY KEY (dbid, epoch, event_number)
) WITHOUT ROWID;

CREATE INDEX rpt_interaction_of ON rpt_interaction (interaction_id);
CREATE INDEX rpt_interaction_when ON rpt_interaction (event_time);

CREATE TABLE rpt_agent (
    dbid INTEGER NOT NULL,                      -- of the node where it happened
    epoch INTEGER NOT NULL,                     -- of the lease under which it happened
    event_number INTEGER NOT NULL,              -- counted by the node
    event_time REAL NOT NULL,                   -- when it happened, by the node's clock
    event TEXT NOT NULL,                        -- its name, such as EventAgentLogin
    tenant_id INTEGER NOT NULL,
    agent_id TEXT,
    place_id TEXT,
    agent_session_number INTEGER,               -- with …_dbid: the same in all nodes for one login
    agent_session_dbid INTEGER,
    media_type TEXT,                            -- the channel that it is about
    media_list TEXT,                            -- JSON: at a login, media type to its state
    do_not_disturb INTEGER,                     -- at a login: 1 on
    media_reasons TEXT,                         -- JSON: at a login, media type to why it is not ready
    state_reason_system_name TEXT,              -- at a login: why the agent is in its state
    state_reason_description TEXT,
    state_reason INTEGER,
    actor_agent TEXT,                           -- who caused it, as in rpt_interaction
    actor_place TEXT,
    actor_router TEXT,
    actor_strategy TEXT,
    actor_media_server TEXT,
    reason_system_name TEXT,
    reason_description TEXT,
    reason INTEGER,
    custom_event_id INTEGER,                    -- of EventCustomReporting
    custom_event TEXT,                          -- JSON: what the client said
    PRIMARY KEY (dbid, epoch, event_number)
) WITHOUT ROWID;

CREATE INDEX rpt_agent_of ON rpt_agent (agent_id, event_time);
CREATE INDEX rpt_agent_when ON rpt_agent (event_time);

CREATE TABLE rpt_esp (
    dbid INTEGER NOT NULL,                      -- of the node where it happened
    epoch INTEGER NOT NULL,                     -- of the lease under which it happened
    event_number INTEGER NOT NULL,              -- counted by the node
    event_time REAL NOT NULL,                   -- when it happened, by the node's clock
    event TEXT NOT NULL,                        -- EventExternalServiceRequested or …Responded
    tenant_id INTEGER NOT NULL,
    media_type TEXT,
    interaction_id TEXT,
    esp_server TEXT,                            -- the external server, by its application
    esp_request_id TEXT,                        -- the same in both events of a call
    esp_client_refid INTEGER,                   -- the caller's number of the call
    esp_server_refid INTEGER,                   -- its number towards the server
    service TEXT,                               -- of the envelope
    method TEXT,
    parameters TEXT,                            -- JSON: the rest of the envelope
    fault_code TEXT,                            -- of a call that failed
    fault_text TEXT,
    user_data TEXT,                             -- JSON; not with log-userdata off
    actor_agent TEXT,                           -- who called, as in rpt_interaction
    actor_place TEXT,
    actor_router TEXT,
    actor_strategy TEXT,
    actor_media_server TEXT,
    reason_system_name TEXT,
    reason_description TEXT,
    reason INTEGER,
    PRIMARY KEY (dbid, epoch, event_number)
) WITHOUT ROWID;

CREATE INDEX rpt_esp_of ON rpt_esp (interaction_id);
CREATE INDEX rpt_esp_when ON rpt_esp (event_time);

CREATE TABLE rpt_custom (
    dbid INTEGER NOT NULL,                      -- of the node where it happened
    epoch INTEGER NOT NULL,                     -- of the lease under which it happened
    event_number INTEGER NOT NULL,              -- counted by the node
    event_time REAL NOT NULL,                   -- when it happened, by the node's clock
    event TEXT NOT NULL,                        -- EventCustomReporting
    tenant_id INTEGER NOT NULL,
    media_type TEXT,
    interaction_id TEXT,
    custom_event_id INTEGER NOT NULL,           -- what kind of event, as clients agree on; 0: a router's own
    custom_event TEXT NOT NULL,                 -- JSON: what the client said
    actor_agent TEXT,                           -- who said it, as in rpt_interaction
    actor_place TEXT,
    actor_router TEXT,
    actor_strategy TEXT,
    actor_media_server TEXT,
    reason_system_name TEXT,
    reason_description TEXT,
    reason INTEGER,
    PRIMARY KEY (dbid, epoch, event_number)
) WITHOUT ROWID;

CREATE INDEX rpt_custom_when ON rpt_custom (event_time);
