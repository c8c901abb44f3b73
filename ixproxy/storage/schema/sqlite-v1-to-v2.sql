-- Agents have reasons and do-not-disturb; invitations are rows.

ALTER TABLE agents ADD COLUMN donot_disturb INTEGER NOT NULL DEFAULT 0;
ALTER TABLE agents ADD COLUMN reasons BLOB NOT NULL DEFAULT x'80';

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
