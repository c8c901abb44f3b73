-- A node's database, version 4, for SQLite 3.35 or newer.
--
-- Times are REAL: seconds since the epoch, UTC. Texts compare by their bytes
-- (BINARY), as in every store, so that sorted answers of several nodes merge.
-- Lists are MessagePack. Custom properties are columns c_… of interactions,
-- added when they are first configured. Indexes ix_view_… are made for the
-- configured views and dropped with them.

CREATE TABLE meta (
    one INTEGER PRIMARY KEY CHECK (one = 1),    -- there is one row
    schema_version INTEGER NOT NULL,            -- the number in this file's name
    epoch INTEGER NOT NULL,                     -- leases so far; every transaction checks it
    last_event_number INTEGER NOT NULL,         -- the batch mark: written by every commit
    last_queue_seq INTEGER NOT NULL             -- the highest interactions.queue_seq ever
);

CREATE TABLE interactions (
    id TEXT NOT NULL PRIMARY KEY,
    tenant_id INTEGER NOT NULL,
    media_type TEXT NOT NULL,
    type TEXT NOT NULL,
    subtype TEXT NOT NULL,
    state INTEGER NOT NULL,                     -- 0 queued, 1 cached, 2 routing, 3 handling
    queue TEXT NOT NULL,                        -- also while it is out: where it goes back
    workbin_type TEXT,                          -- the workbin that it lies in, or goes back to
    workbin_agent TEXT,
    workbin_group TEXT,
    workbin_place TEXT,
    workbin_place_group TEXT,
    is_locked INTEGER NOT NULL,                 -- by a snapshot
    is_online INTEGER NOT NULL,
    is_held INTEGER NOT NULL,
    received_at REAL NOT NULL,
    submitted_at REAL NOT NULL,
    submitted_by TEXT NOT NULL,
    moved_to_queue_at REAL,                     -- first time in this queue; a return keeps it
    placed_in_queue_at REAL,                    -- last time
    delivered_at REAL,                          -- first offered to an agent
    held_at REAL,
    completed_at REAL,                          -- entered a queue of completed-queues
    abandoned_at REAL,                          -- is_online became 0
    parent_id TEXT,
    external_id TEXT,
    priority INTEGER,
    service_objective INTEGER,
    assigned_to TEXT,
    in_queues BLOB NOT NULL,                    -- MessagePack map, or empty
    out_queues BLOB NOT NULL,                   -- MessagePack map, or empty
    queue_seq INTEGER NOT NULL,                 -- order of arrival in the queue; a return keeps it
    user_data BLOB NOT NULL,                    -- MessagePack map
    snapshot_id INTEGER                         -- that has locked it; NULL: none has
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
    interaction_id TEXT NOT NULL,
    session BLOB NOT NULL,                      -- the client session that holds it
    tenant_id INTEGER NOT NULL,
    party_type INTEGER NOT NULL,                -- 1 strategy, 2 agent
    take_number INTEGER NOT NULL,               -- the event number of the take
    joined_at REAL NOT NULL,
    agent_id TEXT NOT NULL,
    place_id TEXT NOT NULL,
    strategy_id TEXT NOT NULL,
    visibility_mode TEXT NOT NULL,
    agent_number INTEGER NOT NULL,              -- the stamp of the agent session: number …
    agent_dbid INTEGER NOT NULL,                -- … and node
    PRIMARY KEY (interaction_id, session)
) WITHOUT ROWID;

-- What a session holds.
CREATE INDEX parties_by_session ON parties (session);

CREATE TABLE agents (
    tenant_id INTEGER NOT NULL,
    agent_id TEXT NOT NULL,
    number INTEGER NOT NULL,                    -- the stamp: number …
    dbid INTEGER NOT NULL,                      -- … and the node that gave it
    place_id TEXT NOT NULL,
    media BLOB NOT NULL,                        -- MessagePack map: media type to 0 or 1
    confirmed INTEGER NOT NULL,                 -- 0: provisional
    logged_in_at REAL NOT NULL,
    sessions BLOB NOT NULL,                     -- MessagePack array of client sessions
    donot_disturb INTEGER NOT NULL DEFAULT 0,   -- 1: no invitations
    reasons BLOB NOT NULL DEFAULT x'80',        -- MessagePack map: media type, or '' for the
                                                -- agent, to the map of a Reason
    PRIMARY KEY (tenant_id, agent_id, number, dbid)
) WITHOUT ROWID;

CREATE TABLE sessions (
    session BLOB NOT NULL PRIMARY KEY,          -- 16 random bytes; a secret
    client_name TEXT NOT NULL,
    client_type TEXT NOT NULL,
    incarnation INTEGER NOT NULL,               -- of its newest connection
    tenants BLOB NOT NULL,                      -- MessagePack array of ids; empty: all
    lost_at REAL,                               -- NULL while connected
    lost_with TEXT NOT NULL DEFAULT ''          -- the application that was lost then
) WITHOUT ROWID;

CREATE TABLE invitations (
    ticket INTEGER NOT NULL PRIMARY KEY,        -- the event number of the invitation
    interaction_id TEXT NOT NULL,
    tenant_id INTEGER NOT NULL,
    operation TEXT NOT NULL,                    -- Deliver, Transfer, Conference
    agent_id TEXT NOT NULL,                     -- who is invited
    agent_number INTEGER NOT NULL,              -- the stamp of the agent session: number …
    agent_dbid INTEGER NOT NULL,                -- … and node
    place_id TEXT NOT NULL,
    visibility_mode TEXT NOT NULL,
    inviter BLOB NOT NULL,                      -- the client session that asked
    inviter_agent TEXT NOT NULL,                -- the agent who asked, or empty
    inviter_strategy TEXT NOT NULL,             -- the strategy that asked, or empty
    invited_at REAL NOT NULL,
    due_at REAL NOT NULL,                       -- when it expires
    extension BLOB NOT NULL                     -- MessagePack map: brought along by the request
);

CREATE TABLE logouts (
    tenant_id INTEGER NOT NULL,
    agent_id TEXT NOT NULL,
    number INTEGER NOT NULL,                    -- the stamp of the session that ended: number …
    dbid INTEGER NOT NULL,                      -- … and node
    place_id TEXT NOT NULL,
    application_name TEXT NOT NULL,             -- what was lost
    lasting INTEGER NOT NULL,                   -- 1: the client could have come back
    due_at REAL NOT NULL,                       -- when it is to be reported
    last_state BLOB NOT NULL,                   -- MessagePack map: what streams that begin are told
    PRIMARY KEY (tenant_id, agent_id)
) WITHOUT ROWID;

CREATE TABLE receipts (
    tenant_id INTEGER NOT NULL,
    submitted_by TEXT NOT NULL,
    receipt TEXT NOT NULL,                      -- the source's own name of the document
    interaction_id TEXT NOT NULL,               -- it may have stopped since
    created_at REAL NOT NULL,
    PRIMARY KEY (tenant_id, submitted_by, receipt)
) WITHOUT ROWID;

CREATE INDEX receipts_by_age ON receipts (created_at);

CREATE TABLE documents (
    point TEXT NOT NULL,                    -- the capture point
    receipt TEXT NOT NULL,                  -- the source's own name of the document
    kept_until REAL NOT NULL,               -- deleted later
    results BLOB NOT NULL,                  -- MessagePack, or empty
    PRIMARY KEY (point, receipt)
) WITHOUT ROWID;

CREATE INDEX documents_by_age ON documents (kept_until);

CREATE TABLE timers (
    kind TEXT NOT NULL,                         -- handling, routing, delivering
    interaction_id TEXT NOT NULL,
    due_at REAL NOT NULL,
    seconds REAL NOT NULL,                      -- how long it runs from each restart
    PRIMARY KEY (kind, interaction_id)
) WITHOUT ROWID;

CREATE INDEX timers_by_due_time ON timers (due_at);

CREATE TABLE outbox (
    event_number INTEGER NOT NULL,
    consumer TEXT NOT NULL,                     -- an event log or a capture point
    body BLOB NOT NULL,                         -- the event as a frame
    PRIMARY KEY (consumer, event_number)        -- read in this order, deleted when consumed
) WITHOUT ROWID;

CREATE TABLE snapshots (
    snapshot_id INTEGER NOT NULL PRIMARY KEY,   -- an event number of the node
    session BLOB NOT NULL,                      -- the client session that has it
    tenant_id INTEGER NOT NULL,
    taken_at REAL NOT NULL,
    size INTEGER NOT NULL,                      -- members in snapshot_members
    state INTEGER NOT NULL                      -- 0 being taken, 1 whole, 2 being freed
);

CREATE TABLE snapshot_members (
    snapshot_id INTEGER NOT NULL,
    interaction_id TEXT NOT NULL,               -- it may have left the node since
    position INTEGER NOT NULL,                  -- from 0
    state INTEGER NOT NULL,                     -- of the interaction when it became a member, or …
    queue_seq INTEGER NOT NULL,                 -- … was moved by the snapshot
    sort_key BLOB NOT NULL,                     -- by the order asked for, or empty
    PRIMARY KEY (snapshot_id, interaction_id)
) WITHOUT ROWID;

-- A page.
CREATE UNIQUE INDEX snapshot_members_by_position ON snapshot_members (snapshot_id, position);

INSERT INTO meta VALUES (1, 4, 0, 0, 0);
