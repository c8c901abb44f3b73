-- Snapshots are rows, as are their members; what is locked says by which one. Nobody could lock
-- anything before.

ALTER TABLE interactions ADD COLUMN snapshot_id INTEGER;

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
