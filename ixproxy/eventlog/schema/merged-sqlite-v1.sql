-- What a merged history has beside the tables of a log; run after sqlite-v1.sql.

ALTER TABLE rpt_interaction ADD COLUMN merged_number INTEGER NOT NULL DEFAULT 0;    -- order of the clean history, over all tables
ALTER TABLE rpt_interaction ADD COLUMN merged_time REAL NOT NULL DEFAULT 0;         -- when it happened, by a clock common to all nodes
ALTER TABLE rpt_interaction ADD COLUMN is_late INTEGER NOT NULL DEFAULT 0;          -- 1: it came when its time was merged already
ALTER TABLE rpt_agent ADD COLUMN merged_number INTEGER NOT NULL DEFAULT 0;          -- order of the clean history, over all tables
ALTER TABLE rpt_agent ADD COLUMN merged_time REAL NOT NULL DEFAULT 0;               -- when it happened, by a clock common to all nodes
ALTER TABLE rpt_agent ADD COLUMN is_late INTEGER NOT NULL DEFAULT 0;                -- 1: it came when its time was merged already
ALTER TABLE rpt_esp ADD COLUMN merged_number INTEGER NOT NULL DEFAULT 0;            -- order of the clean history, over all tables
ALTER TABLE rpt_esp ADD COLUMN merged_time REAL NOT NULL DEFAULT 0;                 -- when it happened, by a clock common to all nodes
ALTER TABLE rpt_esp ADD COLUMN is_late INTEGER NOT NULL DEFAULT 0;                  -- 1: it came when its time was merged already
ALTER TABLE rpt_custom ADD COLUMN merged_number INTEGER NOT NULL DEFAULT 0;         -- order of the clean history, over all tables
ALTER TABLE rpt_custom ADD COLUMN merged_time REAL NOT NULL DEFAULT 0;              -- when it happened, by a clock common to all nodes
ALTER TABLE rpt_custom ADD COLUMN is_late INTEGER NOT NULL DEFAULT 0;               -- 1: it came when its time was merged already

CREATE INDEX rpt_interaction_merged ON rpt_interaction (merged_number);
CREATE INDEX rpt_agent_merged ON rpt_agent (merged_number);
CREATE INDEX rpt_esp_merged ON rpt_esp (merged_number);
CREATE INDEX rpt_custom_merged ON rpt_custom (merged_number);
CREATE INDEX rpt_agent_session ON rpt_agent (agent_session_number, agent_session_dbid);
CREATE INDEX rpt_agent_near ON rpt_agent (agent_id, merged_time);

CREATE TABLE merge_state (
    -- What the next run needs to know.
    name TEXT NOT NULL PRIMARY KEY,             -- of one value
    value TEXT NOT NULL                         -- JSON
);

CREATE TABLE merge_stream (
    -- What is merged of each node, by the database where it logs.
    source TEXT NOT NULL,                       -- address of the database, without secrets
    dbid INTEGER NOT NULL,                      -- of the node
    node TEXT NOT NULL,                         -- its name, empty: not known
    epoch INTEGER NOT NULL,                     -- of the last event that was merged
    event_number INTEGER NOT NULL,              -- its number
    last_time REAL NOT NULL,                    -- its time, by the common clock
    marks TEXT NOT NULL,                        -- JSON: the last event of each table, to know the database by
    PRIMARY KEY (source, dbid)
);

CREATE TABLE merge_session (
    -- Agent sessions that are open, or were a moment ago.
    name TEXT NOT NULL PRIMARY KEY,             -- of an agent session that is open, or was a moment ago
    session TEXT NOT NULL                       -- JSON: what is known of it
);

CREATE TABLE merge_skew (
    -- How far clocks of nodes are apart.
    first_dbid INTEGER NOT NULL,                -- of one node
    second_dbid INTEGER NOT NULL,               -- of another, greater
    samples TEXT NOT NULL,                      -- JSON: seconds by which the second's clock was ahead, the newest last
    PRIMARY KEY (first_dbid, second_dbid)
);
