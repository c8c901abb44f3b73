-- What a merged history has beside the tables of a log, the same as in SQLite; run after
-- postgresql-v1.sql.

ALTER TABLE rpt_interaction ADD COLUMN merged_number BIGINT NOT NULL DEFAULT 0;
ALTER TABLE rpt_interaction ADD COLUMN merged_time DOUBLE PRECISION NOT NULL DEFAULT 0;
ALTER TABLE rpt_interaction ADD COLUMN is_late BIGINT NOT NULL DEFAULT 0;
ALTER TABLE rpt_agent ADD COLUMN merged_number BIGINT NOT NULL DEFAULT 0;
ALTER TABLE rpt_agent ADD COLUMN merged_time DOUBLE PRECISION NOT NULL DEFAULT 0;
ALTER TABLE rpt_agent ADD COLUMN is_late BIGINT NOT NULL DEFAULT 0;
ALTER TABLE rpt_esp ADD COLUMN merged_number BIGINT NOT NULL DEFAULT 0;
ALTER TABLE rpt_esp ADD COLUMN merged_time DOUBLE PRECISION NOT NULL DEFAULT 0;
ALTER TABLE rpt_esp ADD COLUMN is_late BIGINT NOT NULL DEFAULT 0;
ALTER TABLE rpt_custom ADD COLUMN merged_number BIGINT NOT NULL DEFAULT 0;
ALTER TABLE rpt_custom ADD COLUMN merged_time DOUBLE PRECISION NOT NULL DEFAULT 0;
ALTER TABLE rpt_custom ADD COLUMN is_late BIGINT NOT NULL DEFAULT 0;
COMMENT ON COLUMN rpt_interaction.merged_number IS
    'order of the clean history, over all tables';
COMMENT ON COLUMN rpt_interaction.merged_time IS
    'when it happened, by a clock common to all nodes';
COMMENT ON COLUMN rpt_interaction.is_late IS
    '1: it came when its time was merged already';
COMMENT ON COLUMN rpt_agent.merged_number IS
    'order of the clean history, over all tables';
COMMENT ON COLUMN rpt_agent.merged_time IS
    'when it happened, by a clock common to all nodes';
COMMENT ON COLUMN rpt_agent.is_late IS
    '1: it came when its time was merged already';
COMMENT ON COLUMN rpt_esp.merged_number IS
    'order of the clean history, over all tables';
COMMENT ON COLUMN rpt_esp.merged_time IS
    'when it happened, by a clock common to all nodes';
COMMENT ON COLUMN rpt_esp.is_late IS
    '1: it came when its time was merged already';
COMMENT ON COLUMN rpt_custom.merged_number IS
    'order of the clean history, over all tables';
COMMENT ON COLUMN rpt_custom.merged_time IS
    'when it happened, by a clock common to all nodes';
COMMENT ON COLUMN rpt_custom.is_late IS
    '1: it came when its time was merged already';

CREATE INDEX rpt_interaction_merged ON rpt_interaction (merged_number);
CREATE INDEX rpt_agent_merged ON rpt_agent (merged_number);
CREATE INDEX rpt_esp_merged ON rpt_esp (merged_number);
CREATE INDEX rpt_custom_merged ON rpt_custom (merged_number);
CREATE INDEX rpt_agent_session ON rpt_agent (agent_session_number, agent_session_dbid);
CREATE INDEX rpt_agent_near ON rpt_agent (agent_id, merged_time);

CREATE TABLE merge_state (
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (name)
);
COMMENT ON TABLE merge_state IS
    'What the next run needs to know.';
COMMENT ON COLUMN merge_state.name IS
    'of one value';
COMMENT ON COLUMN merge_state.value IS
    'JSON';

CREATE TABLE merge_stream (
    source TEXT NOT NULL,
    dbid BIGINT NOT NULL,
    node TEXT NOT NULL,
    epoch BIGINT NOT NULL,
    event_number BIGINT NOT NULL,
    last_time DOUBLE PRECISION NOT NULL,
    marks TEXT NOT NULL,
    PRIMARY KEY (source, dbid)
);
COMMENT ON TABLE merge_stream IS
    'What is merged of each node, by the database where it logs.';
COMMENT ON COLUMN merge_stream.source IS
    'address of the database, without secrets';
COMMENT ON COLUMN merge_stream.dbid IS
    'of the node';
COMMENT ON COLUMN merge_stream.node IS
    'its name, empty: not known';
COMMENT ON COLUMN merge_stream.epoch IS
    'of the last event that was merged';
COMMENT ON COLUMN merge_stream.event_number IS
    'its number';
COMMENT ON COLUMN merge_stream.last_time IS
    'its time, by the common clock';
COMMENT ON COLUMN merge_stream.marks IS
    'JSON: the last event of each table, to know the database by';

CREATE TABLE merge_session (
    name TEXT NOT NULL,
    session TEXT NOT NULL,
    PRIMARY KEY (name)
);
COMMENT ON TABLE merge_session IS
    'Agent sessions that are open, or were a moment ago.';
COMMENT ON COLUMN merge_session.name IS
    'of an agent session that is open, or was a moment ago';
COMMENT ON COLUMN merge_session.session IS
    'JSON: what is known of it';

CREATE TABLE merge_skew (
    first_dbid BIGINT NOT NULL,
    second_dbid BIGINT NOT NULL,
    samples TEXT NOT NULL,
    PRIMARY KEY (first_dbid, second_dbid)
);
COMMENT ON TABLE merge_skew IS
    'How far clocks of nodes are apart.';
COMMENT ON COLUMN merge_skew.first_dbid IS
    'of one node';
COMMENT ON COLUMN merge_skew.second_dbid IS
    'of another, greater';
COMMENT ON COLUMN merge_skew.samples IS
    'JSON: seconds by which the second''s clock was ahead, the newest last';
