CREATE TABLE agent_versions (
    agent_id VARCHAR(36) NOT NULL,
    number INTEGER NOT NULL,
    tenant TEXT,
    definition TEXT NOT NULL,
    created_at VARCHAR(24) NOT NULL,
    CONSTRAINT pk_agent_versions PRIMARY KEY (agent_id, number)
);
CREATE TABLE agents (
    id VARCHAR(36) NOT NULL,
    tenant TEXT,
    name TEXT NOT NULL,
    definition TEXT NOT NULL,
    version INTEGER NOT NULL,
    latest INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    created_at VARCHAR(24) NOT NULL,
    updated_at VARCHAR(24) NOT NULL,
    CONSTRAINT pk_agents PRIMARY KEY (id)
);
CREATE TABLE alembic_version (
    version_num VARCHAR(32) NOT NULL,
    CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
CREATE TABLE api_keys (
    id VARCHAR(36) NOT NULL,
    tenant TEXT NOT NULL,
    name TEXT NOT NULL,
    prefix VARCHAR(32) NOT NULL,
    digest VARCHAR(64) NOT NULL,
    scopes TEXT NOT NULL,
    created_at VARCHAR(24) NOT NULL,
    expires_at VARCHAR(24),
    revoked_at VARCHAR(24),
    last_used_at VARCHAR(24),
    CONSTRAINT pk_api_keys PRIMARY KEY (id)
);
CREATE TABLE calls (
    id VARCHAR(36) NOT NULL,
    room_name TEXT NOT NULL,
    room_sid TEXT,
    participant_sid TEXT,
    participant_identity TEXT NOT NULL,
    direction VARCHAR(16) NOT NULL,
    from_number TEXT,
    to_number TEXT,
    trunk_id TEXT,
    dispatch_rule_id TEXT,
    sip_call_id TEXT,
    status VARCHAR(16) NOT NULL,
    created_at VARCHAR(24) NOT NULL,
    ringing_at VARCHAR(24),
    seen_active_at VARCHAR(24),
    was_active_at_end BOOLEAN NOT NULL,
    ended_at VARCHAR(24),
    aborted BOOLEAN NOT NULL,
    disconnect_reason TEXT,
    session_id VARCHAR(36),
    timeline TEXT NOT NULL,
    version INTEGER NOT NULL,
    tenant TEXT,
    direction_assumed BOOLEAN,
    unanswered_at VARCHAR(24),
    sip_call_id_full TEXT,
    sip_status_code INTEGER,
    carrier_call_id TEXT,
    end_concluded BOOLEAN DEFAULT 0 NOT NULL,
    joined_at VARCHAR(24),
    route TEXT,
    announce_at VARCHAR(24),
    CONSTRAINT pk_calls PRIMARY KEY (id)
);
CREATE TABLE events (
    position INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    id VARCHAR(36) NOT NULL,
    kind VARCHAR(32) NOT NULL,
    lane VARCHAR(36) NOT NULL,
    sequence INTEGER NOT NULL,
    tenant TEXT,
    session_id VARCHAR(36),
    call_id VARCHAR(36),
    occurred_at VARCHAR(24) NOT NULL,
    known_at VARCHAR(24) NOT NULL,
    source VARCHAR(16) NOT NULL,
    data TEXT NOT NULL
);
CREATE TABLE idempotency (
    tenant TEXT NOT NULL,
    "key" TEXT NOT NULL,
    fingerprint VARCHAR(64) NOT NULL,
    holder TEXT,
    lease_expires_at VARCHAR(24),
    answer TEXT,
    created_at VARCHAR(24) NOT NULL,
    CONSTRAINT pk_idempotency PRIMARY KEY (tenant, "key")
);
CREATE TABLE inbox (
    event_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    room_name TEXT NOT NULL,
    room_sid TEXT NOT NULL,
    body BLOB NOT NULL,
    received_at VARCHAR(24) NOT NULL,
    due_at VARCHAR(24) NOT NULL,
    status VARCHAR(16) NOT NULL,
    failures INTEGER NOT NULL,
    last_error TEXT,
    handled_at VARCHAR(24),
    lease_holder TEXT,
    lease_expires_at VARCHAR(24),
    trace TEXT,
    outages INTEGER DEFAULT '0' NOT NULL,
    waits_until VARCHAR(24),
    changed_at VARCHAR(24),
    CONSTRAINT pk_inbox PRIMARY KEY (event_id)
);
CREATE TABLE leases (
    name TEXT NOT NULL,
    holder TEXT NOT NULL,
    expires_at VARCHAR(24) NOT NULL,
    CONSTRAINT pk_leases PRIMARY KEY (name)
);
CREATE TABLE phone_numbers (
    id VARCHAR(36) NOT NULL,
    tenant TEXT,
    number TEXT NOT NULL,
    trunk_id TEXT NOT NULL,
    agent_id VARCHAR(36) NOT NULL,
    webhook_url TEXT,
    webhook_secret TEXT,
    revision INTEGER NOT NULL,
    created_at VARCHAR(24) NOT NULL,
    updated_at VARCHAR(24) NOT NULL,
    CONSTRAINT pk_phone_numbers PRIMARY KEY (id)
);
CREATE TABLE processes (
    id VARCHAR(36) NOT NULL,
    started_at VARCHAR(24) NOT NULL,
    seen_at VARCHAR(24) NOT NULL,
    CONSTRAINT pk_processes PRIMARY KEY (id)
);
CREATE TABLE publishable_keys (
    id VARCHAR(36) NOT NULL,
    tenant TEXT,
    agent_name TEXT NOT NULL,
    allowed_origins TEXT NOT NULL,
    requests_per_minute INTEGER NOT NULL,
    prefix VARCHAR(32) NOT NULL,
    digest VARCHAR(64) NOT NULL,
    created_at VARCHAR(24) NOT NULL,
    agent_id TEXT,
    CONSTRAINT pk_publishable_keys PRIMARY KEY (id)
);
CREATE TABLE rate_windows (
    bucket TEXT NOT NULL,
    began_at VARCHAR(24) NOT NULL,
    used INTEGER NOT NULL,
    CONSTRAINT pk_rate_windows PRIMARY KEY (bucket)
);
CREATE TABLE recording_orphans (
    object_key TEXT NOT NULL,
    first_seen_at VARCHAR(24) NOT NULL,
    first_sweep BIGINT NOT NULL,
    last_sweep BIGINT NOT NULL,
    CONSTRAINT pk_recording_orphans PRIMARY KEY (object_key)
);
CREATE TABLE recording_sweeps (
    name VARCHAR(16) NOT NULL,
    ledger VARCHAR(36) NOT NULL,
    number BIGINT NOT NULL,
    CONSTRAINT pk_recording_sweeps PRIMARY KEY (name)
);
CREATE TABLE recordings (
    id VARCHAR(36) NOT NULL,
    report_id VARCHAR(36) NOT NULL,
    session_id VARCHAR(36),
    call_id VARCHAR(36),
    tenant TEXT,
    source VARCHAR(16) NOT NULL,
    status VARCHAR(16) NOT NULL,
    object_key TEXT NOT NULL,
    content_type TEXT NOT NULL,
    size BIGINT,
    started_at VARCHAR(24),
    duration_ms BIGINT,
    created_at VARCHAR(24) NOT NULL,
    missing_at VARCHAR(24),
    erased_at VARCHAR(24),
    egress_id TEXT,
    error TEXT,
    claim_until VARCHAR(24),
    attempts INTEGER NOT NULL,
    absent_since VARCHAR(24),
    version INTEGER NOT NULL,
    CONSTRAINT pk_recordings PRIMARY KEY (id)
);
CREATE TABLE reports (
    id VARCHAR(36) NOT NULL,
    room_sid TEXT NOT NULL,
    job_id TEXT NOT NULL,
    room_name TEXT NOT NULL,
    received_at VARCHAR(24) NOT NULL,
    completed_at VARCHAR(24),
    summary TEXT NOT NULL,
    transcript VARCHAR(16) NOT NULL,
    audio VARCHAR(16) NOT NULL,
    session_id VARCHAR(36),
    call_id VARCHAR(36),
    tenant TEXT,
    retry_at VARCHAR(24),
    version INTEGER NOT NULL,
    CONSTRAINT pk_reports PRIMARY KEY (id)
);
CREATE TABLE schema_floor (
    version VARCHAR(32) NOT NULL,
    CONSTRAINT pk_schema_floor PRIMARY KEY (version)
);
CREATE TABLE sessions (
    id VARCHAR(36) NOT NULL,
    room_name TEXT NOT NULL,
    room_sid TEXT,
    identity TEXT NOT NULL,
    agent_name TEXT NOT NULL,
    agent_config TEXT NOT NULL,
    status VARCHAR(32) NOT NULL,
    dispatch_id TEXT,
    claim_holder TEXT,
    claim_expires_at VARCHAR(24),
    claim_uncertain BOOLEAN NOT NULL,
    created_at VARCHAR(24) NOT NULL,
    dispatched_at VARCHAR(24),
    active_at VARCHAR(24),
    ended_at VARCHAR(24),
    end_reason VARCHAR(32),
    version INTEGER NOT NULL,
    call_id VARCHAR(36),
    direction VARCHAR(16),
    caller_number TEXT,
    called_number TEXT,
    tenant TEXT,
    agent_identity TEXT,
    agent_joined_at VARCHAR(24),
    agent_left_at VARCHAR(24),
    agent_adopted BOOLEAN DEFAULT 0 NOT NULL,
    dispatch_attempts INTEGER DEFAULT '0' NOT NULL,
    retry_at VARCHAR(24),
    end_concluded BOOLEAN DEFAULT 0 NOT NULL,
    timeline TEXT DEFAULT '[]' NOT NULL,
    agent_id VARCHAR(36),
    agent_version INTEGER,
    join_until VARCHAR(24),
    token_until VARCHAR(24),
    announce_at VARCHAR(24),
    earlier_agents TEXT,
    CONSTRAINT pk_sessions PRIMARY KEY (id)
);
CREATE TABLE tickets (
    id VARCHAR(36) NOT NULL,
    tenant TEXT,
    terms TEXT NOT NULL,
    max_sessions INTEGER NOT NULL,
    sessions_begun INTEGER NOT NULL,
    begun_at VARCHAR(24),
    created_at VARCHAR(24) NOT NULL,
    expires_at VARCHAR(24) NOT NULL,
    CONSTRAINT pk_tickets PRIMARY KEY (id)
);
CREATE TABLE transcript_items (
    number INTEGER NOT NULL,
    owner VARCHAR(36) NOT NULL,
    item_id TEXT NOT NULL,
    report_id VARCHAR(36) NOT NULL,
    session_id VARCHAR(36),
    call_id VARCHAR(36),
    tenant TEXT,
    position INTEGER NOT NULL,
    created_at VARCHAR(24) NOT NULL,
    is_timed BOOLEAN NOT NULL,
    kept_at VARCHAR(24) NOT NULL,
    type TEXT NOT NULL,
    role TEXT,
    interrupted BOOLEAN NOT NULL,
    text TEXT,
    details TEXT,
    search TEXT NOT NULL,
    CONSTRAINT pk_transcript_items PRIMARY KEY (number),
    FOREIGN KEY(session_id) REFERENCES sessions (id) ON DELETE CASCADE
);
CREATE TABLE usage_reports (
    report_id VARCHAR(36) NOT NULL,
    session_id VARCHAR(36),
    call_id VARCHAR(36),
    tenant TEXT,
    kept_at VARCHAR(24) NOT NULL,
    CONSTRAINT pk_usage_reports PRIMARY KEY (report_id)
);
CREATE TABLE webhook_cursor (
    name VARCHAR(16) NOT NULL,
    position BIGINT NOT NULL,
    CONSTRAINT pk_webhook_cursor PRIMARY KEY (name)
);
CREATE TABLE webhook_deliveries (
    id VARCHAR(36) NOT NULL,
    webhook_id VARCHAR(36) NOT NULL,
    tenant TEXT,
    sees_unowned BOOLEAN NOT NULL,
    sees_all BOOLEAN NOT NULL,
    event_id VARCHAR(36) NOT NULL,
    event VARCHAR(64) NOT NULL,
    lane TEXT NOT NULL,
    position BIGINT NOT NULL,
    status VARCHAR(16) NOT NULL,
    failures INTEGER NOT NULL,
    attempts TEXT NOT NULL,
    next_attempt_at VARCHAR(24),
    created_at VARCHAR(24) NOT NULL,
    began_at VARCHAR(24) NOT NULL,
    settled_at VARCHAR(24),
    changed_at VARCHAR(24),
    CONSTRAINT pk_webhook_deliveries PRIMARY KEY (id)
);
CREATE TABLE webhook_lanes (
    webhook_id VARCHAR(36) NOT NULL,
    lane TEXT NOT NULL,
    version INTEGER NOT NULL,
    due_at VARCHAR(24) NOT NULL,
    lease_holder TEXT,
    lease_expires_at VARCHAR(24),
    CONSTRAINT pk_webhook_lanes PRIMARY KEY (webhook_id, lane)
);
CREATE TABLE webhooks (
    id VARCHAR(36) NOT NULL,
    tenant TEXT,
    sees_unowned BOOLEAN NOT NULL,
    sees_all BOOLEAN NOT NULL,
    url TEXT NOT NULL,
    events TEXT NOT NULL,
    description TEXT,
    secret TEXT NOT NULL,
    previous_secret TEXT,
    previous_until VARCHAR(24),
    after_position BIGINT NOT NULL,
    status VARCHAR(16) NOT NULL,
    disabled_at VARCHAR(24),
    disabled_reason VARCHAR(16),
    failing_since VARCHAR(24),
    revision INTEGER NOT NULL,
    created_at VARCHAR(24) NOT NULL,
    updated_at VARCHAR(24) NOT NULL,
    CONSTRAINT pk_webhooks PRIMARY KEY (id)
);
CREATE INDEX ix_agents_created ON agents (created_at, id);
CREATE INDEX ix_agents_tenant ON agents (tenant, created_at, id) WHERE tenant IS NOT NULL AND id != 'ix_agents_tenant';
CREATE INDEX ix_agents_unowned ON agents (created_at, id) WHERE tenant IS NULL AND id != 'ix_agents_unowned';
CREATE INDEX ix_calls_announce ON calls (announce_at) WHERE announce_at IS NOT NULL;
CREATE INDEX ix_calls_created ON calls (created_at, id);
CREATE INDEX ix_calls_from_to ON calls (from_number, to_number, created_at, id) WHERE id != 'ix_calls_from_to';
CREATE INDEX ix_calls_live_room ON calls (room_sid) WHERE ended_at IS NULL;
CREATE INDEX ix_calls_owned_from ON calls (from_number, direction, status, created_at, id) WHERE tenant IS NOT NULL AND id != 'ix_calls_owned_from';
CREATE INDEX ix_calls_owned_status ON calls (direction, status, created_at, id) WHERE tenant IS NOT NULL AND id != 'ix_calls_owned_status';
CREATE INDEX ix_calls_owned_to ON calls (to_number, direction, status, created_at, id) WHERE tenant IS NOT NULL AND id != 'ix_calls_owned_to';
CREATE INDEX ix_calls_room_created ON calls (room_name, created_at, id);
CREATE INDEX ix_calls_tenant_from ON calls (tenant, from_number, created_at, id) WHERE tenant IS NOT NULL AND id != 'ix_calls_tenant_from';
CREATE INDEX ix_calls_tenant_status ON calls (tenant, direction, status, created_at, id) WHERE tenant IS NOT NULL AND id != 'ix_calls_tenant_status';
CREATE INDEX ix_calls_tenant_to ON calls (tenant, to_number, created_at, id) WHERE tenant IS NOT NULL AND id != 'ix_calls_tenant_to';
CREATE INDEX ix_calls_unowned_from ON calls (from_number, direction, status, created_at, id) WHERE tenant IS NULL AND id != 'ix_calls_unowned_from';
CREATE INDEX ix_calls_unowned_status ON calls (direction, status, created_at, id) WHERE tenant IS NULL AND id != 'ix_calls_unowned_status';
CREATE INDEX ix_calls_unowned_to ON calls (to_number, direction, status, created_at, id) WHERE tenant IS NULL AND id != 'ix_calls_unowned_to';
CREATE INDEX ix_events_known ON events (known_at);
CREATE INDEX ix_idempotency_created ON idempotency (created_at);
CREATE INDEX ix_inbox_changed ON inbox (changed_at) WHERE changed_at IS NOT NULL;
CREATE INDEX ix_inbox_finished_room ON inbox (room_sid) WHERE kind = 'room_finished';
CREATE INDEX ix_inbox_lease_expires ON inbox (lease_expires_at) WHERE lease_holder IS NOT NULL;
CREATE INDEX ix_inbox_ready_room ON inbox (room_name, received_at, event_id) WHERE status != 'handled' AND status != 'dead' AND waits_until IS NULL AND lease_holder IS NULL;
CREATE INDEX ix_inbox_room ON inbox (room_name, received_at, event_id) WHERE event_id != 'ix_inbox_room';
CREATE INDEX ix_inbox_status_received ON inbox (status, received_at, event_id);
CREATE INDEX ix_inbox_waiting ON inbox (waits_until) WHERE waits_until IS NOT NULL;
CREATE INDEX ix_phone_numbers_created ON phone_numbers (created_at, id);
CREATE INDEX ix_phone_numbers_tenant ON phone_numbers (tenant, created_at, id) WHERE tenant IS NOT NULL AND id != 'ix_phone_numbers_tenant';
CREATE INDEX ix_phone_numbers_unowned ON phone_numbers (created_at, id) WHERE tenant IS NULL AND id != 'ix_phone_numbers_unowned';
CREATE INDEX ix_rate_windows_began ON rate_windows (began_at);
CREATE INDEX ix_recordings_call ON recordings (call_id, created_at);
CREATE INDEX ix_recordings_created ON recordings (created_at, id);
CREATE INDEX ix_recordings_erased ON recordings (erased_at) WHERE erased_at IS NOT NULL;
CREATE INDEX ix_recordings_report ON recordings (report_id);
CREATE INDEX ix_recordings_session ON recordings (session_id, created_at);
CREATE INDEX ix_reports_received ON reports (received_at);
CREATE INDEX ix_reports_session ON reports (session_id);
CREATE INDEX ix_reports_unmatched ON reports (retry_at) WHERE session_id IS NULL;
CREATE INDEX ix_sessions_announce ON sessions (announce_at) WHERE announce_at IS NOT NULL;
CREATE INDEX ix_sessions_created ON sessions (created_at, id);
CREATE INDEX ix_sessions_owned_identity ON sessions (identity, status, created_at, id) WHERE tenant IS NOT NULL AND id != 'ix_sessions_owned_identity';
CREATE INDEX ix_sessions_owned_status ON sessions (status, created_at, id) WHERE tenant IS NOT NULL AND id != 'ix_sessions_owned_status';
CREATE INDEX ix_sessions_room_created ON sessions (room_name, created_at, id);
CREATE INDEX ix_sessions_room_sid ON sessions (room_sid) WHERE room_sid IS NOT NULL;
CREATE INDEX ix_sessions_tenant_identity ON sessions (tenant, identity, created_at, id) WHERE tenant IS NOT NULL AND id != 'ix_sessions_tenant_identity';
CREATE INDEX ix_sessions_tenant_live ON sessions (tenant) WHERE tenant IS NOT NULL AND status != 'ended';
CREATE INDEX ix_sessions_tenant_status ON sessions (tenant, status, created_at, id) WHERE tenant IS NOT NULL AND id != 'ix_sessions_tenant_status';
CREATE INDEX ix_sessions_unowned_identity ON sessions (identity, status, created_at, id) WHERE tenant IS NULL AND id != 'ix_sessions_unowned_identity';
CREATE INDEX ix_sessions_unowned_status ON sessions (status, created_at, id) WHERE tenant IS NULL AND id != 'ix_sessions_unowned_status';
CREATE INDEX ix_sessions_unused ON sessions (join_until) WHERE status = 'ended' AND end_reason = 'abandoned' AND dispatch_id IS NULL AND room_sid IS NULL;
CREATE INDEX ix_tickets_expires ON tickets (expires_at);
CREATE INDEX ix_tickets_tenant ON tickets (tenant, expires_at);
CREATE INDEX ix_transcript_items_created ON transcript_items (created_at, number);
CREATE INDEX ix_transcript_items_kept ON transcript_items (kept_at);
CREATE INDEX ix_transcript_items_session ON transcript_items (session_id, created_at, position, number);
CREATE INDEX ix_usage_reports_kept ON usage_reports (kept_at);
CREATE INDEX ix_usage_reports_session ON usage_reports (session_id);
CREATE INDEX ix_webhook_deliveries_changed ON webhook_deliveries (changed_at) WHERE changed_at IS NOT NULL;
CREATE INDEX ix_webhook_deliveries_created ON webhook_deliveries (webhook_id, created_at, id);
CREATE INDEX ix_webhook_deliveries_failed ON webhook_deliveries (webhook_id, position) WHERE status = 'failed';
CREATE INDEX ix_webhook_deliveries_of_event ON webhook_deliveries (event_id);
CREATE INDEX ix_webhook_deliveries_pending ON webhook_deliveries (created_at) WHERE status = 'pending';
CREATE INDEX ix_webhook_deliveries_settled ON webhook_deliveries (settled_at);
CREATE INDEX ix_webhook_deliveries_status ON webhook_deliveries (webhook_id, status, created_at, id);
CREATE INDEX ix_webhook_deliveries_waiting ON webhook_deliveries (webhook_id, lane, position) WHERE status = 'pending';
CREATE INDEX ix_webhook_lanes_due ON webhook_lanes (webhook_id, due_at) WHERE lease_holder IS NULL;
CREATE INDEX ix_webhook_lanes_lease ON webhook_lanes (lease_expires_at) WHERE lease_holder IS NOT NULL;
CREATE INDEX ix_webhooks_created ON webhooks (created_at, id);
CREATE INDEX ix_webhooks_tenant ON webhooks (tenant, created_at, id);
CREATE TABLE 'transcript_search_config'(k PRIMARY KEY, v) WITHOUT ROWID;
CREATE TABLE 'transcript_search_data'(id INTEGER PRIMARY KEY, block BLOB);
CREATE TABLE 'transcript_search_docsize'(id INTEGER PRIMARY KEY, sz BLOB);
CREATE TABLE 'transcript_search_idx'(segid, term, pgno, PRIMARY KEY(segid, term)) WITHOUT ROWID;
CREATE TABLE sqlite_sequence(name,seq);
CREATE TABLE turn_latencies (
	report_id VARCHAR(36) NOT NULL, 
	item_id TEXT NOT NULL, 
	transcription_ms INTEGER, 
	end_of_turn_ms INTEGER, 
	first_token_ms INTEGER, 
	first_byte_ms INTEGER, 
	end_to_end_ms INTEGER, 
	CONSTRAINT pk_turn_latencies PRIMARY KEY (report_id, item_id)
)
 WITHOUT ROWID

;
CREATE TABLE usage (
	report_id VARCHAR(36) NOT NULL, 
	kind TEXT NOT NULL, 
	provider TEXT NOT NULL, 
	model TEXT NOT NULL, 
	input_tokens BIGINT NOT NULL, 
	cached_input_tokens BIGINT NOT NULL, 
	cache_write_tokens BIGINT NOT NULL, 
	input_audio_tokens BIGINT NOT NULL, 
	cached_audio_tokens BIGINT NOT NULL, 
	input_text_tokens BIGINT NOT NULL, 
	cached_text_tokens BIGINT NOT NULL, 
	input_image_tokens BIGINT NOT NULL, 
	cached_image_tokens BIGINT NOT NULL, 
	output_tokens BIGINT NOT NULL, 
	output_audio_tokens BIGINT NOT NULL, 
	output_text_tokens BIGINT NOT NULL, 
	reasoning_tokens BIGINT NOT NULL, 
	characters BIGINT NOT NULL, 
	requests BIGINT NOT NULL, 
	audio_ms BIGINT NOT NULL, 
	session_ms BIGINT NOT NULL, 
	others TEXT NOT NULL, 
	CONSTRAINT pk_usage PRIMARY KEY (report_id, kind, provider, model)
)
 WITHOUT ROWID

;
CREATE TRIGGER transcript_search_added AFTER INSERT ON transcript_items
WHEN new.session_id IS NOT NULL BEGIN
    INSERT INTO transcript_search(rowid, search) VALUES (new.number, new.search);
END;
CREATE TRIGGER transcript_search_changed AFTER UPDATE OF search ON transcript_items BEGIN
    INSERT INTO transcript_search(transcript_search, rowid, search)
    SELECT 'delete', old.number, old.search WHERE old.session_id IS NOT NULL;
    INSERT INTO transcript_search(rowid, search)
    SELECT new.number, new.search WHERE new.session_id IS NOT NULL;
END;
CREATE TRIGGER transcript_search_deleted AFTER DELETE ON transcript_items
WHEN old.session_id IS NOT NULL BEGIN
    INSERT INTO transcript_search(transcript_search, rowid, search)
    VALUES ('delete', old.number, old.search);
END;
CREATE UNIQUE INDEX uq_agents_owned_name ON agents (tenant, name) WHERE tenant IS NOT NULL;
CREATE UNIQUE INDEX uq_agents_unowned_name ON agents (name) WHERE tenant IS NULL;
CREATE UNIQUE INDEX uq_api_keys_prefix ON api_keys (prefix);
CREATE UNIQUE INDEX uq_calls_stay ON calls (room_sid, participant_sid);
CREATE UNIQUE INDEX uq_events_id ON events (id);
CREATE UNIQUE INDEX uq_events_lane_sequence ON events (lane, sequence);
CREATE UNIQUE INDEX uq_inbox_leased_room ON inbox (room_name) WHERE lease_holder IS NOT NULL;
CREATE UNIQUE INDEX uq_phone_numbers_trunk ON phone_numbers (number, trunk_id);
CREATE UNIQUE INDEX uq_publishable_keys_prefix ON publishable_keys (prefix);
CREATE UNIQUE INDEX uq_recordings_object ON recordings (object_key);
CREATE UNIQUE INDEX uq_recordings_running ON recordings (session_id) WHERE status = 'starting' OR status = 'active' OR status = 'ending';
CREATE UNIQUE INDEX uq_reports_job ON reports (room_sid, job_id);
CREATE UNIQUE INDEX uq_sessions_live_room ON sessions (room_name) WHERE status != 'ended';
CREATE UNIQUE INDEX uq_transcript_items ON transcript_items (owner, item_id);
CREATE UNIQUE INDEX uq_webhook_deliveries_event ON webhook_deliveries (webhook_id, event_id);
CREATE VIRTUAL TABLE transcript_search USING fts5(
    search, content='transcript_items', content_rowid='number', prefix='3 4 5',
    tokenize="ascii tokenchars '='"
);
INSERT INTO alembic_version VALUES ('0029');
INSERT INTO schema_floor VALUES ('0004');
