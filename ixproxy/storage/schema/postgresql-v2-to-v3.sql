-- Snapshots are rows, as are their members; what is locked says by which one. Nobody could lock
-- anything before.

ALTER TABLE interactions ADD COLUMN snapshot_id BIGINT;

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
