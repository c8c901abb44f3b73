-- Agents have reasons and do-not-disturb; invitations are rows, and so are logouts that are not
-- reported yet.

ALTER TABLE agents ADD COLUMN donot_disturb INTEGER NOT NULL DEFAULT 0;
ALTER TABLE agents ADD COLUMN reasons BLOB NOT NULL DEFAULT x'80';
ALTER TABLE sessions ADD COLUMN lost_with TEXT NOT NULL DEFAULT '';

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
    PRIMARY KEY (tenant_id, agent_id)
) WITHOUT ROWID;
