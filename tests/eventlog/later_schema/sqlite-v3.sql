-- The tables of an event log. A row is one event, named for ever by dbid, epoch and event_number.
-- Times are seconds since the epoch, UTC. What an event does not have is NULL.

CREATE TABLE log_schema (
    -- One row: what these tables are.
    version INTEGER NOT NULL,                   -- of these tables
    kind TEXT NOT NULL                          -- 'log': written by nodes; 'merged': by ixctl eventlog merge
);

CREATE TABLE rpt_source (
    -- The nodes that log here, and how far each one has come.
    dbid INTEGER NOT NULL PRIMARY KEY,          -- of a node that logs here
    node TEXT NOT NULL,                         -- its name
    logged_epoch INTEGER NOT NULL,              -- lease epoch of the last event here
    logged_number INTEGER NOT NULL,             -- number of the last event here
    logged_until REAL NOT NULL,                 -- all that it logs and that happened before then is here
    logged_more TEXT DEFAULT 'semi;colon'
);

CREATE TABLE rpt_dropped (
    -- What nobody will ever have: dropped by a node whose spool was full, counted by event.
    dbid INTEGER NOT NULL,                      -- of the node
    epoch INTEGER NOT NULL,                     -- of the lease under which it happened
    first_number INTEGER NOT NULL,              -- of the first event that was dropped
    last_number INTEGER NOT NULL,               -- of the last event that was dropped
    first_time REAL NOT NULL,                   -- when the first happened
    last_time REAL NOT NULL,                    -- when the last happened
    event TEXT NOT NULL,                        -- name of the events that this row counts
    dropped INTEGER NOT NULL,                   -- how many
    PRIMARY KEY (dbid, epoch, first_number, event)
) WITHOUT ROWID;

CREATE TABLE rpt_interaction (
    -- Events about interactions, and custom events that are mapped here.
    dbid INTEGER NOT NULL,                      -- of the node where it happened
    epoch INTEGER NOT NULL,                     -- of the lease under which it happened
    event_number INTEGER NOT NULL,              -- counted by the node
    event_time REAL NOT NULL,                   -- when it happened, by the node's clock
    event TEXT NOT NULL,                        -- its name, such as EventPlacedInQueue
    tenant_id INTEGER NOT NULL,                 -- by its number, as in the configuration
    media_type TEXT,                            -- such as email or chat
    interaction_id TEXT,                        -- which interaction it is about
    interaction_type TEXT,                      -- InteractionType after the event
    interaction_subtype TEXT,                   -- InteractionSubtype, likewise
    interaction_state INTEGER,                  -- 0 queued, 1 cached, 2 routing, 3 handling
    parent_id TEXT,                             -- the interaction that it came from
    external_id TEXT,                           -- what its submitter calls it
    submitted_by TEXT,                          -- the client that submitted it
    received_at REAL,                           -- when it came in, as its submitter said
    submitted_at REAL,                          -- when the node got it
    moved_to_queue_at REAL,                     -- when it was last placed in a queue by a client
    queue TEXT,                                 -- of the event: placed in, taken from, stopped in
    old_queue TEXT,                             -- where it was before
    workbin_type TEXT,                          -- placed in, or taken out of: the type of the workbin …
    workbin_agent TEXT,                         -- … and its owner, one of these four: an agent …
    workbin_group TEXT,                         -- … a group of agents …
    workbin_place TEXT,                         -- … a place …
    workbin_place_group TEXT,                   -- … a group of places
    actor_agent TEXT,                           -- who caused it: an agent …
    actor_place TEXT,                           -- where that agent is
    actor_router TEXT,                          -- … or a router …
    actor_strategy TEXT,                        -- which strategy that router carries out
    actor_media_server TEXT,                    -- … or a media server; all five NULL: the node itself
    party_type INTEGER,                         -- whom it is about: 1 strategy, 2 agent, 3 router
    party_agent TEXT,                           -- the agent, if it is one
    party_place TEXT,                           -- where that agent is
    party_strategy TEXT,                        -- the strategy, if it is one or its router
    party_name TEXT,                            -- what else the party is called
    visibility_mode TEXT,                       -- how an agent takes part
    agent_session_number INTEGER,               -- of that agent's session
    agent_session_dbid INTEGER,                 -- the node that gave the number
    operation TEXT,                             -- why a party came or went
    reason_system_name TEXT,                    -- why it happened: a word for programs
    reason_description TEXT,                    -- why it happened: for a person
    reason INTEGER,                             -- why it happened: a number
    changed_properties TEXT,                    -- JSON: added, changed, deleted; not with log-userdata off
    custom_event_id INTEGER,                    -- of EventCustomReporting: what kind of event, as clients agree on
    custom_event TEXT,                          -- of EventCustomReporting: JSON, what the client said
    PRIMARY KEY (dbid, epoch, event_number)
) WITHOUT ROWID;

CREATE INDEX rpt_interaction_of ON rpt_interaction (interaction_id);
CREATE INDEX rpt_interaction_when ON rpt_interaction (event_time);

CREATE TABLE rpt_agent (
    -- Events about agents, and custom events that are mapped here.
    dbid INTEGER NOT NULL,                      -- of the node where it happened
    epoch INTEGER NOT NULL,                     -- of the lease under which it happened
    event_number INTEGER NOT NULL,              -- counted by the node
    event_time REAL NOT NULL,                   -- when it happened, by the node's clock
    event TEXT NOT NULL,                        -- its name, such as EventAgentLogin
    tenant_id INTEGER NOT NULL,                 -- by its number, as in the configuration
    agent_id TEXT,                              -- whom it is about
    place_id TEXT,                              -- where that agent is
    agent_session_number INTEGER,               -- of the session; with its dbid the same in all nodes for one login
    agent_session_dbid INTEGER,                 -- the node that gave the number
    media_type TEXT,                            -- the channel that it is about
    media_list TEXT,                            -- JSON: at a login, media type to its state
    do_not_disturb INTEGER,                     -- at a login: 1 on
    media_reasons TEXT,                         -- JSON: at a login, media type to why it is not ready
    state_reason_system_name TEXT,              -- at a login: why the agent is in its state
    state_reason_description TEXT,              -- the same for a person
    state_reason INTEGER,                       -- the same as a number
    actor_agent TEXT,                           -- who caused it: an agent …
    actor_place TEXT,                           -- where that agent is
    actor_router TEXT,                          -- … or a router …
    actor_strategy TEXT,                        -- which strategy that router carries out
    actor_media_server TEXT,                    -- … or a media server; all five NULL: the node itself
    reason_system_name TEXT,                    -- why it happened: a word for programs
    reason_description TEXT,                    -- why it happened: for a person
    reason INTEGER,                             -- why it happened: a number
    custom_event_id INTEGER,                    -- of EventCustomReporting: what kind of event, as clients agree on
    custom_event TEXT,                          -- of EventCustomReporting: JSON, what the client said
    PRIMARY KEY (dbid, epoch, event_number)
) WITHOUT ROWID;

CREATE INDEX rpt_agent_of ON rpt_agent (agent_id, event_time);
CREATE INDEX rpt_agent_when ON rpt_agent (event_time);

CREATE TABLE rpt_esp (
    -- Calls to external servers, and their answers.
    dbid INTEGER NOT NULL,                      -- of the node where it happened
    epoch INTEGER NOT NULL,                     -- of the lease under which it happened
    event_number INTEGER NOT NULL,              -- counted by the node
    event_time REAL NOT NULL,                   -- when it happened, by the node's clock
    event TEXT NOT NULL,                        -- EventExternalServiceRequested or …Responded
    tenant_id INTEGER NOT NULL,                 -- by its number, as in the configuration
    media_type TEXT,                            -- such as email or chat, if it is known
    interaction_id TEXT,                        -- which interaction it is about
    esp_server TEXT,                            -- the external server, by its application
    esp_request_id TEXT,                        -- the same in both events of a call
    esp_client_refid INTEGER,                   -- the caller's number of the call
    esp_server_refid INTEGER,                   -- its number towards the server
    service TEXT,                               -- of the envelope
    method TEXT,                                -- of the envelope
    parameters TEXT,                            -- JSON: the rest of the envelope
    fault_code TEXT,                            -- of a call that failed
    fault_text TEXT,                            -- of a call that failed: for a person
    user_data TEXT,                             -- JSON; not with log-userdata off
    actor_agent TEXT,                           -- who called: an agent …
    actor_place TEXT,                           -- where that agent is
    actor_router TEXT,                          -- … or a router …
    actor_strategy TEXT,                        -- which strategy that router carries out
    actor_media_server TEXT,                    -- … or a media server; all five NULL: the node itself
    reason_system_name TEXT,                    -- why it happened: a word for programs
    reason_description TEXT,                    -- why it happened: for a person
    reason INTEGER,                             -- why it happened: a number
    PRIMARY KEY (dbid, epoch, event_number)
) WITHOUT ROWID;

CREATE INDEX rpt_esp_of ON rpt_esp (interaction_id);
CREATE INDEX rpt_esp_when ON rpt_esp (event_time);

CREATE TABLE rpt_custom (
    -- Custom events that are not mapped to another table.
    dbid INTEGER NOT NULL,                      -- of the node where it happened
    epoch INTEGER NOT NULL,                     -- of the lease under which it happened
    event_number INTEGER NOT NULL,              -- counted by the node
    event_time REAL NOT NULL,                   -- when it happened, by the node's clock
    event TEXT NOT NULL,                        -- EventCustomReporting
    tenant_id INTEGER NOT NULL,                 -- by its number, as in the configuration
    media_type TEXT,                            -- such as email or chat, if it is known
    interaction_id TEXT,                        -- which interaction it is about, if any
    custom_event_id INTEGER NOT NULL,           -- what kind of event, as clients agree on; 0: a router's own
    custom_event TEXT NOT NULL,                 -- JSON: what the client said
    actor_agent TEXT,                           -- who said it: an agent …
    actor_place TEXT,                           -- where that agent is
    actor_router TEXT,                          -- … or a router …
    actor_strategy TEXT,                        -- which strategy that router carries out
    actor_media_server TEXT,                    -- … or a media server; all five NULL: the node itself
    reason_system_name TEXT,                    -- why it happened: a word for programs
    reason_description TEXT,                    -- why it happened: for a person
    reason INTEGER,                             -- why it happened: a number
    PRIMARY KEY (dbid, epoch, event_number)
) WITHOUT ROWID;

CREATE INDEX rpt_custom_when ON rpt_custom (event_time);

CREATE TABLE before_it (a INTEGER);
CREATE TABLE in_the_way (a INTEGER);
