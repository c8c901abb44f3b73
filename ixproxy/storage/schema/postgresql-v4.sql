-- A node's database, version 4, for PostgreSQL 14 or newer; made in the current schema.
--
-- The same tables as on SQLite, and the lease. Times are DOUBLE PRECISION: seconds since the epoch,
-- UTC. Texts compare by their bytes (COLLATE "C"), as in every store, so that sorted answers of
-- several nodes merge. Lists are MessagePack. Custom properties are columns c_... of interactions,
-- added when they are first configured. Indexes ix_view_... are made for the configured views and
-- dropped with them.

CREATE TABLE meta (
    one INTEGER PRIMARY KEY CHECK (one = 1),        -- there is one row
    application TEXT NOT NULL,                      -- whose database it is
    schema_version INTEGER NOT NULL,                -- the number in this file's name
    epoch BIGINT NOT NULL,                          -- leases so far; every transaction checks it
    session_number BIGINT NOT NULL,                 -- writing sessions so far; checked likewise
    last_event_number BIGINT NOT NULL,              -- the batch mark: written by every commit
    last_queue_seq BIGINT NOT NULL,                 -- the highest interactions.queue_seq ever
    written_by BIGINT NOT NULL,                     -- the transaction that wrote this row: a row that
                                                    -- was restored was written by another one
    home TEXT NOT NULL                              -- server, timeline and database that it was opened in
) WITH (fillfactor = 10);

CREATE TABLE lease (
    one INTEGER PRIMARY KEY CHECK (one = 1),        -- there is one row
    name TEXT NOT NULL,                             -- who took the lease last: which process, where
    pid BIGINT NOT NULL,                            -- the session of the server that locks for it
    beat BIGINT NOT NULL                            -- raised as long as it lives
) WITH (fillfactor = 10);

CREATE TABLE interactions (
    id TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    tenant_id BIGINT NOT NULL,
    media_type TEXT COLLATE "C" NOT NULL,
    type TEXT COLLATE "C" NOT NULL,
    subtype TEXT COLLATE "C" NOT NULL,
    state BIGINT NOT NULL,                          -- 0 queued, 1 cached, 2 routing, 3 handling
    queue TEXT COLLATE "C" NOT NULL,                -- also while it is out: where it goes back
    workbin_type TEXT COLLATE "C",                  -- the workbin that it lies in, or goes back to
    workbin_agent TEXT COLLATE "C",
    workbin_group TEXT COLLATE "C",
    workbin_place TEXT COLLATE "C",
    workbin_place_group TEXT COLLATE "C",
    is_locked BIGINT NOT NULL,                      -- by a snapshot
    is_online BIGINT NOT NULL,
    is_held BIGINT NOT NULL,
    received_at DOUBLE PRECISION NOT NULL,
    submitted_at DOUBLE PRECISION NOT NULL,
    submitted_by TEXT COLLATE "C" NOT NULL,
    moved_to_queue_at DOUBLE PRECISION,             -- first time in this queue; a return keeps it
    placed_in_queue_at DOUBLE PRECISION,            -- last time
    delivered_at DOUBLE PRECISION,                  -- first offered to an agent
    held_at DOUBLE PRECISION,
    completed_at DOUBLE PRECISION,                  -- entered a queue of completed-queues
    abandoned_at DOUBLE PRECISION,                  -- is_online became 0
    parent_id TEXT COLLATE "C",
    external_id TEXT COLLATE "C",
    priority BIGINT,
    service_objective BIGINT,
    assigned_to TEXT COLLATE "C",
    in_queues BYTEA NOT NULL,                       -- MessagePack map, or empty
    out_queues BYTEA NOT NULL,                      -- MessagePack map, or empty
    queue_seq BIGINT NOT NULL,                      -- order of arrival in the queue; a return keeps it
    user_data BYTEA NOT NULL,                       -- MessagePack map
    snapshot_id BIGINT                              -- that has locked it; NULL: none has
);

-- A workbin's content.
CREATE INDEX interactions_in_workbin ON interactions (
    tenant_id, workbin_type, workbin_agent, workbin_group, workbin_place, workbin_place_group
) WHERE workbin_type IS NOT NULL;

-- What is being worked on: counted by segmentation.
CREATE INDEX interactions_out ON interactions (tenant_id, queue) WHERE state > 1;

-- For one capture point the newest with an external id, however many share it.
CREATE INDEX interactions_by_external_id ON interactions (
    external_id, submitted_by, submitted_at, id
) WHERE external_id IS NOT NULL;

CREATE TABLE parties (
    interaction_id TEXT COLLATE "C" NOT NULL,
    session BYTEA NOT NULL,                         -- the client session that holds it
    tenant_id BIGINT NOT NULL,
    party_type BIGINT NOT NULL,                     -- 1 strategy, 2 agent
    take_number BIGINT NOT NULL,                    -- the event number of the take
    joined_at DOUBLE PRECISION NOT NULL,
    agent_id TEXT COLLATE "C" NOT NULL,
    place_id TEXT COLLATE "C" NOT NULL,
    strategy_id TEXT COLLATE "C" NOT NULL,
    visibility_mode TEXT COLLATE "C" NOT NULL,
    agent_number BIGINT NOT NULL,                   -- the stamp of the agent session: number …
    agent_dbid BIGINT NOT NULL,                     -- … and node
    PRIMARY KEY (interaction_id, session)
);

-- What a session holds.
CREATE INDEX parties_by_session ON parties (session);

CREATE TABLE agents (
    tenant_id BIGINT NOT NULL,
    agent_id TEXT COLLATE "C" NOT NULL,
    number BIGINT NOT NULL,                         -- the stamp: number …
    dbid BIGINT NOT NULL,                           -- … and the node that gave it
    place_id TEXT COLLATE "C" NOT NULL,
    media BYTEA NOT NULL,                           -- MessagePack map: media type to 0 or 1
    confirmed BIGINT NOT NULL,                      -- 0: provisional
    logged_in_at DOUBLE PRECISION NOT NULL,
    sessions BYTEA NOT NULL,                        -- MessagePack array of client sessions
    donot_disturb BIGINT NOT NULL DEFAULT 0,        -- 1: no invitations
    reasons BYTEA NOT NULL DEFAULT '\x80',          -- MessagePack map: media type, or '' for the
                                                    -- agent, to the map of a Reason
    PRIMARY KEY (tenant_id, agent_id, number, dbid)
);

CREATE TABLE sessions (
    session BYTEA NOT NULL PRIMARY KEY,             -- 16 random bytes; a secret
    client_name TEXT COLLATE "C" NOT NULL,
    client_type TEXT COLLATE "C" NOT NULL,
    incarnation BIGINT NOT NULL,                    -- of its newest connection
    tenants BYTEA NOT NULL,                         -- MessagePack array of ids; empty: all
    lost_at DOUBLE PRECISION,                       -- NULL while connected
    lost_with TEXT COLLATE "C" NOT NULL DEFAULT ''  -- the application that was lost then
);

CREATE TABLE invitations (
    ticket BIGINT NOT NULL PRIMARY KEY,             -- the event number of the invitation
    interaction_id TEXT COLLATE "C" NOT NULL,
    tenant_id BIGINT NOT NULL,
    operation TEXT COLLATE "C" NOT NULL,            -- Deliver, Transfer, Conference
    agent_id TEXT COLLATE "C" NOT NULL,             -- who is invited
    agent_number BIGINT NOT NULL,                   -- the stamp of the agent session: number …
    agent_dbid BIGINT NOT NULL,                     -- … and node
    place_id TEXT COLLATE "C" NOT NULL,
    visibility_mode TEXT COLLATE "C" NOT NULL,
    inviter BYTEA NOT NULL,                         -- the client session that asked
    inviter_agent TEXT COLLATE "C" NOT NULL,        -- the agent who asked, or empty
    inviter_strategy TEXT COLLATE "C" NOT NULL,     -- the strategy that asked, or empty
    invited_at DOUBLE PRECISION NOT NULL,
    due_at DOUBLE PRECISION NOT NULL,               -- when it expires
    extension BYTEA NOT NULL                        -- MessagePack map: brought along by the request
);

CREATE TABLE logouts (
    tenant_id BIGINT NOT NULL,
    agent_id TEXT COLLATE "C" NOT NULL,
    number BIGINT NOT NULL,                         -- the stamp of the session that ended: number …
    dbid BIGINT NOT NULL,                           -- … and node
    place_id TEXT COLLATE "C" NOT NULL,
    application_name TEXT COLLATE "C" NOT NULL,     -- what was lost
    lasting BIGINT NOT NULL,                        -- 1: the client could have come back
    due_at DOUBLE PRECISION NOT NULL,               -- when it is to be reported
    last_state BYTEA NOT NULL,                      -- MessagePack map: what streams that begin are told
    PRIMARY KEY (tenant_id, agent_id)
);

CREATE TABLE receipts (
    tenant_id BIGINT NOT NULL,
    submitted_by TEXT COLLATE "C" NOT NULL,
    receipt TEXT COLLATE "C" NOT NULL,              -- the source's own name of the document
    interaction_id TEXT COLLATE "C" NOT NULL,       -- it may have stopped since
    created_at DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (tenant_id, submitted_by, receipt)
);

CREATE INDEX receipts_by_age ON receipts (created_at);

CREATE TABLE documents (
    point TEXT COLLATE "C" NOT NULL,                -- the capture point
    receipt TEXT COLLATE "C" NOT NULL,              -- the source's own name of the document
    kept_until DOUBLE PRECISION NOT NULL,           -- deleted later
    results BYTEA NOT NULL,                         -- MessagePack, or empty
    PRIMARY KEY (point, receipt)
);

CREATE INDEX documents_by_age ON documents (kept_until);

CREATE TABLE timers (
    kind TEXT COLLATE "C" NOT NULL,                 -- handling, routing, delivering
    interaction_id TEXT COLLATE "C" NOT NULL,
    due_at DOUBLE PRECISION NOT NULL,
    seconds DOUBLE PRECISION NOT NULL,              -- how long it runs from each restart
    PRIMARY KEY (kind, interaction_id)
);

CREATE INDEX timers_by_due_time ON timers (due_at);

CREATE TABLE outbox (
    event_number BIGINT NOT NULL,
    consumer TEXT COLLATE "C" NOT NULL,             -- an event log or a capture point
    body BYTEA NOT NULL,                            -- the event as a frame
    PRIMARY KEY (consumer, event_number)            -- read in this order, deleted when consumed
);

CREATE TABLE snapshots (
    snapshot_id BIGINT NOT NULL PRIMARY KEY,        -- an event number of the node
    session BYTEA NOT NULL,                         -- the client session that has it
    tenant_id BIGINT NOT NULL,
    taken_at DOUBLE PRECISION NOT NULL,
    size BIGINT NOT NULL,                           -- members in snapshot_members
    state BIGINT NOT NULL                           -- 0 being taken, 1 whole, 2 being freed
);

CREATE TABLE snapshot_members (
    snapshot_id BIGINT NOT NULL,
    interaction_id TEXT COLLATE "C" NOT NULL,       -- it may have left the node since
    position BIGINT NOT NULL,                       -- from 0
    state BIGINT NOT NULL,                          -- of the interaction when it became a member, or ...
    queue_seq BIGINT NOT NULL,                      -- ... was moved by the snapshot
    sort_key BYTEA NOT NULL,                        -- by the order asked for, or empty
    PRIMARY KEY (snapshot_id, interaction_id)
);

-- A page.
CREATE UNIQUE INDEX snapshot_members_by_position ON snapshot_members (snapshot_id, position);

INSERT INTO meta VALUES
    (1, 'ixproxy node', 4, 0, 0, 0, 0, pg_current_xact_id()::text::bigint, '');
INSERT INTO lease VALUES (1, '', 0, 0);
