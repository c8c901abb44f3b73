-- The tables of an event log, the same as in SQLite. A row is one event, named for ever by
-- dbid, epoch and event_number. Times are seconds since the epoch, UTC. What an event does not
-- have is NULL.

CREATE TABLE log_schema (
    version BIGINT NOT NULL,
    kind TEXT NOT NULL
);
COMMENT ON TABLE log_schema IS
    'One row: what these tables are.';
COMMENT ON COLUMN log_schema.version IS
    'of these tables';
COMMENT ON COLUMN log_schema.kind IS
    '''log'': written by nodes; ''merged'': by ixctl eventlog merge';

CREATE TABLE rpt_source (
    dbid BIGINT NOT NULL,
    node TEXT NOT NULL,
    logged_epoch BIGINT NOT NULL,
    logged_number BIGINT NOT NULL,
    logged_until DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (dbid)
);
COMMENT ON TABLE rpt_source IS
    'The nodes that log here, and how far each one has come.';
COMMENT ON COLUMN rpt_source.dbid IS
    'of a node that logs here';
COMMENT ON COLUMN rpt_source.node IS
    'its name';
COMMENT ON COLUMN rpt_source.logged_epoch IS
    'lease epoch of the last event here';
COMMENT ON COLUMN rpt_source.logged_number IS
    'number of the last event here';
COMMENT ON COLUMN rpt_source.logged_until IS
    'all that it logs and that happened before then is here';

CREATE TABLE rpt_dropped (
    dbid BIGINT NOT NULL,
    epoch BIGINT NOT NULL,
    first_number BIGINT NOT NULL,
    last_number BIGINT NOT NULL,
    first_time DOUBLE PRECISION NOT NULL,
    last_time DOUBLE PRECISION NOT NULL,
    event TEXT NOT NULL,
    dropped BIGINT NOT NULL,
    PRIMARY KEY (dbid, epoch, first_number, event)
);
COMMENT ON TABLE rpt_dropped IS
    'What nobody will ever have: dropped by a node whose spool was full, counted by event.';
COMMENT ON COLUMN rpt_dropped.dbid IS
    'of the node';
COMMENT ON COLUMN rpt_dropped.epoch IS
    'of the lease under which it happened';
COMMENT ON COLUMN rpt_dropped.first_number IS
    'of the first event that was dropped';
COMMENT ON COLUMN rpt_dropped.last_number IS
    'of the last event that was dropped';
COMMENT ON COLUMN rpt_dropped.first_time IS
    'when the first happened';
COMMENT ON COLUMN rpt_dropped.last_time IS
    'when the last happened';
COMMENT ON COLUMN rpt_dropped.event IS
    'name of the events that this row counts';
COMMENT ON COLUMN rpt_dropped.dropped IS
    'how many';

CREATE TABLE rpt_interaction (
    dbid BIGINT NOT NULL,
    epoch BIGINT NOT NULL,
    event_number BIGINT NOT NULL,
    event_time DOUBLE PRECISION NOT NULL,
    event TEXT NOT NULL,
    tenant_id BIGINT NOT NULL,
    media_type TEXT,
    interaction_id TEXT,
    interaction_type TEXT,
    interaction_subtype TEXT,
    interaction_state BIGINT,
    parent_id TEXT,
    external_id TEXT,
    submitted_by TEXT,
    received_at DOUBLE PRECISION,
    submitted_at DOUBLE PRECISION,
    moved_to_queue_at DOUBLE PRECISION,
    queue TEXT,
    old_queue TEXT,
    workbin_type TEXT,
    workbin_agent TEXT,
    workbin_group TEXT,
    workbin_place TEXT,
    workbin_place_group TEXT,
    actor_agent TEXT,
    actor_place TEXT,
    actor_router TEXT,
    actor_strategy TEXT,
    actor_media_server TEXT,
    party_type BIGINT,
    party_agent TEXT,
    party_place TEXT,
    party_strategy TEXT,
    party_name TEXT,
    visibility_mode TEXT,
    agent_session_number BIGINT,
    agent_session_dbid BIGINT,
    operation TEXT,
    reason_system_name TEXT,
    reason_description TEXT,
    reason BIGINT,
    changed_properties TEXT,
    custom_event_id BIGINT,
    custom_event TEXT,
    PRIMARY KEY (dbid, epoch, event_number)
);
CREATE INDEX rpt_interaction_of ON rpt_interaction (interaction_id);
CREATE INDEX rpt_interaction_when ON rpt_interaction (event_time);
COMMENT ON TABLE rpt_interaction IS
    'Events about interactions, and custom events that are mapped here.';
COMMENT ON COLUMN rpt_interaction.dbid IS
    'of the node where it happened';
COMMENT ON COLUMN rpt_interaction.epoch IS
    'of the lease under which it happened';
COMMENT ON COLUMN rpt_interaction.event_number IS
    'counted by the node';
COMMENT ON COLUMN rpt_interaction.event_time IS
    'when it happened, by the node''s clock';
COMMENT ON COLUMN rpt_interaction.event IS
    'its name, such as EventPlacedInQueue';
COMMENT ON COLUMN rpt_interaction.tenant_id IS
    'by its number, as in the configuration';
COMMENT ON COLUMN rpt_interaction.media_type IS
    'such as email or chat';
COMMENT ON COLUMN rpt_interaction.interaction_id IS
    'which interaction it is about';
COMMENT ON COLUMN rpt_interaction.interaction_type IS
    'InteractionType after the event';
COMMENT ON COLUMN rpt_interaction.interaction_subtype IS
    'InteractionSubtype, likewise';
COMMENT ON COLUMN rpt_interaction.interaction_state IS
    '0 queued, 1 cached, 2 routing, 3 handling';
COMMENT ON COLUMN rpt_interaction.parent_id IS
    'the interaction that it came from';
COMMENT ON COLUMN rpt_interaction.external_id IS
    'what its submitter calls it';
COMMENT ON COLUMN rpt_interaction.submitted_by IS
    'the client that submitted it';
COMMENT ON COLUMN rpt_interaction.received_at IS
    'when it came in, as its submitter said';
COMMENT ON COLUMN rpt_interaction.submitted_at IS
    'when the node got it';
COMMENT ON COLUMN rpt_interaction.moved_to_queue_at IS
    'when it was last placed in a queue by a client';
COMMENT ON COLUMN rpt_interaction.queue IS
    'of the event: placed in, taken from, stopped in';
COMMENT ON COLUMN rpt_interaction.old_queue IS
    'where it was before';
COMMENT ON COLUMN rpt_interaction.workbin_type IS
    'placed in, or taken out of: the type of the workbin …';
COMMENT ON COLUMN rpt_interaction.workbin_agent IS
    '… and its owner, one of these four: an agent …';
COMMENT ON COLUMN rpt_interaction.workbin_group IS
    '… a group of agents …';
COMMENT ON COLUMN rpt_interaction.workbin_place IS
    '… a place …';
COMMENT ON COLUMN rpt_interaction.workbin_place_group IS
    '… a group of places';
COMMENT ON COLUMN rpt_interaction.actor_agent IS
    'who caused it: an agent …';
COMMENT ON COLUMN rpt_interaction.actor_place IS
    'where that agent is';
COMMENT ON COLUMN rpt_interaction.actor_router IS
    '… or a router …';
COMMENT ON COLUMN rpt_interaction.actor_strategy IS
    'which strategy that router carries out';
COMMENT ON COLUMN rpt_interaction.actor_media_server IS
    '… or a media server; all five NULL: the node itself';
COMMENT ON COLUMN rpt_interaction.party_type IS
    'whom it is about: 1 strategy, 2 agent, 3 router';
COMMENT ON COLUMN rpt_interaction.party_agent IS
    'the agent, if it is one';
COMMENT ON COLUMN rpt_interaction.party_place IS
    'where that agent is';
COMMENT ON COLUMN rpt_interaction.party_strategy IS
    'the strategy, if it is one or its router';
COMMENT ON COLUMN rpt_interaction.party_name IS
    'what else the party is called';
COMMENT ON COLUMN rpt_interaction.visibility_mode IS
    'how an agent takes part';
COMMENT ON COLUMN rpt_interaction.agent_session_number IS
    'of that agent''s session';
COMMENT ON COLUMN rpt_interaction.agent_session_dbid IS
    'the node that gave the number';
COMMENT ON COLUMN rpt_interaction.operation IS
    'why a party came or went';
COMMENT ON COLUMN rpt_interaction.reason_system_name IS
    'why it happened: a word for programs';
COMMENT ON COLUMN rpt_interaction.reason_description IS
    'why it happened: for a person';
COMMENT ON COLUMN rpt_interaction.reason IS
    'why it happened: a number';
COMMENT ON COLUMN rpt_interaction.changed_properties IS
    'JSON: added, changed, deleted; not with log-userdata off';
COMMENT ON COLUMN rpt_interaction.custom_event_id IS
    'of EventCustomReporting: what kind of event, as clients agree on';
COMMENT ON COLUMN rpt_interaction.custom_event IS
    'of EventCustomReporting: JSON, what the client said';

CREATE TABLE rpt_agent (
    dbid BIGINT NOT NULL,
    epoch BIGINT NOT NULL,
    event_number BIGINT NOT NULL,
    event_time DOUBLE PRECISION NOT NULL,
    event TEXT NOT NULL,
    tenant_id BIGINT NOT NULL,
    agent_id TEXT,
    place_id TEXT,
    agent_session_number BIGINT,
    agent_session_dbid BIGINT,
    media_type TEXT,
    media_list TEXT,
    do_not_disturb BIGINT,
    media_reasons TEXT,
    state_reason_system_name TEXT,
    state_reason_description TEXT,
    state_reason BIGINT,
    actor_agent TEXT,
    actor_place TEXT,
    actor_router TEXT,
    actor_strategy TEXT,
    actor_media_server TEXT,
    reason_system_name TEXT,
    reason_description TEXT,
    reason BIGINT,
    custom_event_id BIGINT,
    custom_event TEXT,
    PRIMARY KEY (dbid, epoch, event_number)
);
CREATE INDEX rpt_agent_of ON rpt_agent (agent_id, event_time);
CREATE INDEX rpt_agent_when ON rpt_agent (event_time);
COMMENT ON TABLE rpt_agent IS
    'Events about agents, and custom events that are mapped here.';
COMMENT ON COLUMN rpt_agent.dbid IS
    'of the node where it happened';
COMMENT ON COLUMN rpt_agent.epoch IS
    'of the lease under which it happened';
COMMENT ON COLUMN rpt_agent.event_number IS
    'counted by the node';
COMMENT ON COLUMN rpt_agent.event_time IS
    'when it happened, by the node''s clock';
COMMENT ON COLUMN rpt_agent.event IS
    'its name, such as EventAgentLogin';
COMMENT ON COLUMN rpt_agent.tenant_id IS
    'by its number, as in the configuration';
COMMENT ON COLUMN rpt_agent.agent_id IS
    'whom it is about';
COMMENT ON COLUMN rpt_agent.place_id IS
    'where that agent is';
COMMENT ON COLUMN rpt_agent.agent_session_number IS
    'of the session; with its dbid the same in all nodes for one login';
COMMENT ON COLUMN rpt_agent.agent_session_dbid IS
    'the node that gave the number';
COMMENT ON COLUMN rpt_agent.media_type IS
    'the channel that it is about';
COMMENT ON COLUMN rpt_agent.media_list IS
    'JSON: at a login, media type to its state';
COMMENT ON COLUMN rpt_agent.do_not_disturb IS
    'at a login: 1 on';
COMMENT ON COLUMN rpt_agent.media_reasons IS
    'JSON: at a login, media type to why it is not ready';
COMMENT ON COLUMN rpt_agent.state_reason_system_name IS
    'at a login: why the agent is in its state';
COMMENT ON COLUMN rpt_agent.state_reason_description IS
    'the same for a person';
COMMENT ON COLUMN rpt_agent.state_reason IS
    'the same as a number';
COMMENT ON COLUMN rpt_agent.actor_agent IS
    'who caused it: an agent …';
COMMENT ON COLUMN rpt_agent.actor_place IS
    'where that agent is';
COMMENT ON COLUMN rpt_agent.actor_router IS
    '… or a router …';
COMMENT ON COLUMN rpt_agent.actor_strategy IS
    'which strategy that router carries out';
COMMENT ON COLUMN rpt_agent.actor_media_server IS
    '… or a media server; all five NULL: the node itself';
COMMENT ON COLUMN rpt_agent.reason_system_name IS
    'why it happened: a word for programs';
COMMENT ON COLUMN rpt_agent.reason_description IS
    'why it happened: for a person';
COMMENT ON COLUMN rpt_agent.reason IS
    'why it happened: a number';
COMMENT ON COLUMN rpt_agent.custom_event_id IS
    'of EventCustomReporting: what kind of event, as clients agree on';
COMMENT ON COLUMN rpt_agent.custom_event IS
    'of EventCustomReporting: JSON, what the client said';

CREATE TABLE rpt_esp (
    dbid BIGINT NOT NULL,
    epoch BIGINT NOT NULL,
    event_number BIGINT NOT NULL,
    event_time DOUBLE PRECISION NOT NULL,
    event TEXT NOT NULL,
    tenant_id BIGINT NOT NULL,
    media_type TEXT,
    interaction_id TEXT,
    esp_server TEXT,
    esp_request_id TEXT,
    esp_client_refid BIGINT,
    esp_server_refid BIGINT,
    service TEXT,
    method TEXT,
    parameters TEXT,
    fault_code TEXT,
    fault_text TEXT,
    user_data TEXT,
    actor_agent TEXT,
    actor_place TEXT,
    actor_router TEXT,
    actor_strategy TEXT,
    actor_media_server TEXT,
    reason_system_name TEXT,
    reason_description TEXT,
    reason BIGINT,
    PRIMARY KEY (dbid, epoch, event_number)
);
CREATE INDEX rpt_esp_of ON rpt_esp (interaction_id);
CREATE INDEX rpt_esp_when ON rpt_esp (event_time);
COMMENT ON TABLE rpt_esp IS
    'Calls to external servers, and their answers.';
COMMENT ON COLUMN rpt_esp.dbid IS
    'of the node where it happened';
COMMENT ON COLUMN rpt_esp.epoch IS
    'of the lease under which it happened';
COMMENT ON COLUMN rpt_esp.event_number IS
    'counted by the node';
COMMENT ON COLUMN rpt_esp.event_time IS
    'when it happened, by the node''s clock';
COMMENT ON COLUMN rpt_esp.event IS
    'EventExternalServiceRequested or …Responded';
COMMENT ON COLUMN rpt_esp.tenant_id IS
    'by its number, as in the configuration';
COMMENT ON COLUMN rpt_esp.media_type IS
    'such as email or chat, if it is known';
COMMENT ON COLUMN rpt_esp.interaction_id IS
    'which interaction it is about';
COMMENT ON COLUMN rpt_esp.esp_server IS
    'the external server, by its application';
COMMENT ON COLUMN rpt_esp.esp_request_id IS
    'the same in both events of a call';
COMMENT ON COLUMN rpt_esp.esp_client_refid IS
    'the caller''s number of the call';
COMMENT ON COLUMN rpt_esp.esp_server_refid IS
    'its number towards the server';
COMMENT ON COLUMN rpt_esp.service IS
    'of the envelope';
COMMENT ON COLUMN rpt_esp.method IS
    'of the envelope';
COMMENT ON COLUMN rpt_esp.parameters IS
    'JSON: the rest of the envelope';
COMMENT ON COLUMN rpt_esp.fault_code IS
    'of a call that failed';
COMMENT ON COLUMN rpt_esp.fault_text IS
    'of a call that failed: for a person';
COMMENT ON COLUMN rpt_esp.user_data IS
    'JSON; not with log-userdata off';
COMMENT ON COLUMN rpt_esp.actor_agent IS
    'who called: an agent …';
COMMENT ON COLUMN rpt_esp.actor_place IS
    'where that agent is';
COMMENT ON COLUMN rpt_esp.actor_router IS
    '… or a router …';
COMMENT ON COLUMN rpt_esp.actor_strategy IS
    'which strategy that router carries out';
COMMENT ON COLUMN rpt_esp.actor_media_server IS
    '… or a media server; all five NULL: the node itself';
COMMENT ON COLUMN rpt_esp.reason_system_name IS
    'why it happened: a word for programs';
COMMENT ON COLUMN rpt_esp.reason_description IS
    'why it happened: for a person';
COMMENT ON COLUMN rpt_esp.reason IS
    'why it happened: a number';

CREATE TABLE rpt_custom (
    dbid BIGINT NOT NULL,
    epoch BIGINT NOT NULL,
    event_number BIGINT NOT NULL,
    event_time DOUBLE PRECISION NOT NULL,
    event TEXT NOT NULL,
    tenant_id BIGINT NOT NULL,
    media_type TEXT,
    interaction_id TEXT,
    custom_event_id BIGINT NOT NULL,
    custom_event TEXT NOT NULL,
    actor_agent TEXT,
    actor_place TEXT,
    actor_router TEXT,
    actor_strategy TEXT,
    actor_media_server TEXT,
    reason_system_name TEXT,
    reason_description TEXT,
    reason BIGINT,
    PRIMARY KEY (dbid, epoch, event_number)
);
CREATE INDEX rpt_custom_when ON rpt_custom (event_time);
COMMENT ON TABLE rpt_custom IS
    'Custom events that are not mapped to another table.';
COMMENT ON COLUMN rpt_custom.dbid IS
    'of the node where it happened';
COMMENT ON COLUMN rpt_custom.epoch IS
    'of the lease under which it happened';
COMMENT ON COLUMN rpt_custom.event_number IS
    'counted by the node';
COMMENT ON COLUMN rpt_custom.event_time IS
    'when it happened, by the node''s clock';
COMMENT ON COLUMN rpt_custom.event IS
    'EventCustomReporting';
COMMENT ON COLUMN rpt_custom.tenant_id IS
    'by its number, as in the configuration';
COMMENT ON COLUMN rpt_custom.media_type IS
    'such as email or chat, if it is known';
COMMENT ON COLUMN rpt_custom.interaction_id IS
    'which interaction it is about, if any';
COMMENT ON COLUMN rpt_custom.custom_event_id IS
    'what kind of event, as clients agree on; 0: a router''s own';
COMMENT ON COLUMN rpt_custom.custom_event IS
    'JSON: what the client said';
COMMENT ON COLUMN rpt_custom.actor_agent IS
    'who said it: an agent …';
COMMENT ON COLUMN rpt_custom.actor_place IS
    'where that agent is';
COMMENT ON COLUMN rpt_custom.actor_router IS
    '… or a router …';
COMMENT ON COLUMN rpt_custom.actor_strategy IS
    'which strategy that router carries out';
COMMENT ON COLUMN rpt_custom.actor_media_server IS
    '… or a media server; all five NULL: the node itself';
COMMENT ON COLUMN rpt_custom.reason_system_name IS
    'why it happened: a word for programs';
COMMENT ON COLUMN rpt_custom.reason_description IS
    'why it happened: for a person';
COMMENT ON COLUMN rpt_custom.reason IS
    'why it happened: a number';
