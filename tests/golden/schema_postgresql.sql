CREATE TABLE agent_versions (
    agent_id character varying(36) NOT NULL,
    number integer NOT NULL,
    tenant text,
    definition text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT pk_agent_versions PRIMARY KEY (agent_id, number)
);
CREATE TABLE agents (
    id character varying(36) NOT NULL,
    tenant text,
    name text NOT NULL,
    definition text NOT NULL,
    version integer NOT NULL,
    latest integer NOT NULL,
    revision integer NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    CONSTRAINT pk_agents PRIMARY KEY (id)
);
CREATE TABLE alembic_version (
    version_num character varying(32) NOT NULL,
    CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
CREATE TABLE api_keys (
    id character varying(36) NOT NULL,
    tenant text NOT NULL,
    name text NOT NULL,
    prefix character varying(32) NOT NULL,
    digest character varying(64) NOT NULL,
    scopes text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone,
    revoked_at timestamp with time zone,
    last_used_at timestamp with time zone,
    CONSTRAINT pk_api_keys PRIMARY KEY (id)
);
CREATE TABLE calls (
    id character varying(36) NOT NULL,
    room_name text NOT NULL,
    room_sid text,
    participant_sid text,
    participant_identity text NOT NULL,
    direction character varying(16) NOT NULL,
    from_number text,
    to_number text,
    trunk_id text,
    dispatch_rule_id text,
    sip_call_id text,
    status character varying(16) NOT NULL,
    created_at timestamp with time zone NOT NULL,
    ringing_at timestamp with time zone,
    seen_active_at timestamp with time zone,
    was_active_at_end boolean NOT NULL,
    ended_at timestamp with time zone,
    aborted boolean NOT NULL,
    disconnect_reason text,
    session_id character varying(36),
    timeline text NOT NULL,
    version integer NOT NULL,
    tenant text,
    direction_assumed boolean,
    unanswered_at timestamp with time zone,
    sip_call_id_full text,
    sip_status_code integer,
    carrier_call_id text,
    end_concluded boolean DEFAULT false NOT NULL,
    joined_at timestamp with time zone,
    route text,
    announce_at timestamp with time zone,
    CONSTRAINT pk_calls PRIMARY KEY (id)
);
CREATE TABLE events (
    "position" bigint DEFAULT nextval('events_position_seq'::regclass) NOT NULL,
    id character varying(36) NOT NULL,
    kind character varying(32) NOT NULL,
    lane character varying(36) NOT NULL,
    sequence integer NOT NULL,
    tenant text,
    session_id character varying(36),
    call_id character varying(36),
    occurred_at timestamp with time zone NOT NULL,
    known_at timestamp with time zone NOT NULL,
    source character varying(16) NOT NULL,
    data text NOT NULL,
    CONSTRAINT pk_events PRIMARY KEY ("position")
);
CREATE TABLE idempotency (
    tenant text NOT NULL,
    key text NOT NULL,
    fingerprint character varying(64) NOT NULL,
    holder text,
    lease_expires_at timestamp with time zone,
    answer text,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT pk_idempotency PRIMARY KEY (tenant, key)
);
CREATE TABLE inbox (
    event_id text NOT NULL,
    kind text NOT NULL,
    room_name text NOT NULL,
    room_sid text NOT NULL,
    body bytea NOT NULL,
    received_at timestamp with time zone NOT NULL,
    due_at timestamp with time zone NOT NULL,
    status character varying(16) NOT NULL,
    failures integer NOT NULL,
    last_error text,
    handled_at timestamp with time zone,
    lease_holder text,
    lease_expires_at timestamp with time zone,
    trace text,
    outages integer DEFAULT 0 NOT NULL,
    waits_until timestamp with time zone,
    changed_at timestamp with time zone,
    CONSTRAINT pk_inbox PRIMARY KEY (event_id)
);
CREATE TABLE leases (
    name text NOT NULL,
    holder text NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    CONSTRAINT pk_leases PRIMARY KEY (name)
);
CREATE TABLE phone_numbers (
    id character varying(36) NOT NULL,
    tenant text,
    number text NOT NULL,
    trunk_id text NOT NULL,
    agent_id character varying(36) NOT NULL,
    webhook_url text,
    webhook_secret text,
    revision integer NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    CONSTRAINT pk_phone_numbers PRIMARY KEY (id)
);
CREATE TABLE processes (
    id character varying(36) NOT NULL,
    started_at timestamp with time zone NOT NULL,
    seen_at timestamp with time zone NOT NULL,
    CONSTRAINT pk_processes PRIMARY KEY (id)
);
CREATE TABLE publishable_keys (
    id character varying(36) NOT NULL,
    tenant text,
    agent_name text NOT NULL,
    allowed_origins text NOT NULL,
    requests_per_minute integer NOT NULL,
    prefix character varying(32) NOT NULL,
    digest character varying(64) NOT NULL,
    created_at timestamp with time zone NOT NULL,
    agent_id text,
    CONSTRAINT pk_publishable_keys PRIMARY KEY (id)
);
CREATE TABLE rate_windows (
    bucket text NOT NULL,
    began_at timestamp with time zone NOT NULL,
    used integer NOT NULL,
    CONSTRAINT pk_rate_windows PRIMARY KEY (bucket)
);
CREATE TABLE recording_orphans (
    object_key text NOT NULL,
    first_seen_at timestamp with time zone NOT NULL,
    first_sweep bigint NOT NULL,
    last_sweep bigint NOT NULL,
    CONSTRAINT pk_recording_orphans PRIMARY KEY (object_key)
);
CREATE TABLE recording_sweeps (
    name character varying(16) NOT NULL,
    ledger character varying(36) NOT NULL,
    number bigint NOT NULL,
    CONSTRAINT pk_recording_sweeps PRIMARY KEY (name)
);
CREATE TABLE recordings (
    id character varying(36) NOT NULL,
    report_id character varying(36) NOT NULL,
    session_id character varying(36),
    call_id character varying(36),
    tenant text,
    source character varying(16) NOT NULL,
    status character varying(16) NOT NULL,
    object_key text NOT NULL,
    content_type text NOT NULL,
    size bigint,
    started_at timestamp with time zone,
    duration_ms bigint,
    created_at timestamp with time zone NOT NULL,
    missing_at timestamp with time zone,
    erased_at timestamp with time zone,
    egress_id text,
    error text,
    claim_until timestamp with time zone,
    attempts integer NOT NULL,
    absent_since timestamp with time zone,
    version integer NOT NULL,
    CONSTRAINT pk_recordings PRIMARY KEY (id)
);
CREATE TABLE reports (
    id character varying(36) NOT NULL,
    room_sid text NOT NULL,
    job_id text NOT NULL,
    room_name text NOT NULL,
    received_at timestamp with time zone NOT NULL,
    completed_at timestamp with time zone,
    summary text NOT NULL,
    transcript character varying(16) NOT NULL,
    audio character varying(16) NOT NULL,
    session_id character varying(36),
    call_id character varying(36),
    tenant text,
    retry_at timestamp with time zone,
    version integer NOT NULL,
    CONSTRAINT pk_reports PRIMARY KEY (id)
);
CREATE TABLE schema_floor (
    version character varying(32) NOT NULL,
    CONSTRAINT pk_schema_floor PRIMARY KEY (version)
);
CREATE TABLE sessions (
    id character varying(36) NOT NULL,
    room_name text NOT NULL,
    room_sid text,
    identity text NOT NULL,
    agent_name text NOT NULL,
    agent_config text NOT NULL,
    status character varying(32) NOT NULL,
    dispatch_id text,
    claim_holder text,
    claim_expires_at timestamp with time zone,
    claim_uncertain boolean NOT NULL,
    created_at timestamp with time zone NOT NULL,
    dispatched_at timestamp with time zone,
    active_at timestamp with time zone,
    ended_at timestamp with time zone,
    end_reason character varying(32),
    version integer NOT NULL,
    call_id character varying(36),
    direction character varying(16),
    caller_number text,
    called_number text,
    tenant text,
    agent_identity text,
    agent_joined_at timestamp with time zone,
    agent_left_at timestamp with time zone,
    agent_adopted boolean DEFAULT false NOT NULL,
    dispatch_attempts integer DEFAULT 0 NOT NULL,
    retry_at timestamp with time zone,
    end_concluded boolean DEFAULT false NOT NULL,
    timeline text DEFAULT '[]'::text NOT NULL,
    agent_id character varying(36),
    agent_version integer,
    join_until timestamp with time zone,
    token_until timestamp with time zone,
    announce_at timestamp with time zone,
    earlier_agents text,
    CONSTRAINT pk_sessions PRIMARY KEY (id)
);
CREATE TABLE tickets (
    id character varying(36) NOT NULL,
    tenant text,
    terms text NOT NULL,
    max_sessions integer NOT NULL,
    sessions_begun integer NOT NULL,
    begun_at timestamp with time zone,
    created_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    CONSTRAINT pk_tickets PRIMARY KEY (id)
);
CREATE TABLE transcript_items (
    number bigint DEFAULT nextval('transcript_items_number_seq'::regclass) NOT NULL,
    owner character varying(36) NOT NULL,
    item_id text NOT NULL,
    report_id character varying(36) NOT NULL,
    session_id character varying(36),
    call_id character varying(36),
    tenant text,
    "position" integer NOT NULL,
    created_at timestamp with time zone NOT NULL,
    is_timed boolean NOT NULL,
    kept_at timestamp with time zone NOT NULL,
    type text NOT NULL,
    role text,
    interrupted boolean NOT NULL,
    text text,
    details text,
    search tsvector NOT NULL,
    CONSTRAINT pk_transcript_items PRIMARY KEY (number),
    CONSTRAINT transcript_items_session_id_fkey FOREIGN KEY (session_id) REFERENCES sessions(id) ON DELETE CASCADE
);
CREATE TABLE turn_latencies (
    report_id character varying(36) NOT NULL,
    item_id text NOT NULL,
    transcription_ms integer,
    end_of_turn_ms integer,
    first_token_ms integer,
    first_byte_ms integer,
    end_to_end_ms integer,
    CONSTRAINT pk_turn_latencies PRIMARY KEY (report_id, item_id)
);
CREATE TABLE usage (
    report_id character varying(36) NOT NULL,
    kind text NOT NULL,
    provider text NOT NULL,
    model text NOT NULL,
    input_tokens bigint NOT NULL,
    cached_input_tokens bigint NOT NULL,
    cache_write_tokens bigint NOT NULL,
    input_audio_tokens bigint NOT NULL,
    cached_audio_tokens bigint NOT NULL,
    input_text_tokens bigint NOT NULL,
    cached_text_tokens bigint NOT NULL,
    input_image_tokens bigint NOT NULL,
    cached_image_tokens bigint NOT NULL,
    output_tokens bigint NOT NULL,
    output_audio_tokens bigint NOT NULL,
    output_text_tokens bigint NOT NULL,
    reasoning_tokens bigint NOT NULL,
    characters bigint NOT NULL,
    requests bigint NOT NULL,
    audio_ms bigint NOT NULL,
    session_ms bigint NOT NULL,
    others text NOT NULL,
    CONSTRAINT pk_usage PRIMARY KEY (report_id, kind, provider, model)
);
CREATE TABLE usage_reports (
    report_id character varying(36) NOT NULL,
    session_id character varying(36),
    call_id character varying(36),
    tenant text,
    kept_at timestamp with time zone NOT NULL,
    CONSTRAINT pk_usage_reports PRIMARY KEY (report_id)
);
CREATE TABLE webhook_cursor (
    name character varying(16) NOT NULL,
    "position" bigint NOT NULL,
    CONSTRAINT pk_webhook_cursor PRIMARY KEY (name)
);
CREATE TABLE webhook_deliveries (
    id character varying(36) NOT NULL,
    webhook_id character varying(36) NOT NULL,
    tenant text,
    sees_unowned boolean NOT NULL,
    sees_all boolean NOT NULL,
    event_id character varying(36) NOT NULL,
    event character varying(64) NOT NULL,
    lane text NOT NULL,
    "position" bigint NOT NULL,
    status character varying(16) NOT NULL,
    failures integer NOT NULL,
    attempts text NOT NULL,
    next_attempt_at timestamp with time zone,
    created_at timestamp with time zone NOT NULL,
    began_at timestamp with time zone NOT NULL,
    settled_at timestamp with time zone,
    changed_at timestamp with time zone,
    CONSTRAINT pk_webhook_deliveries PRIMARY KEY (id)
);
CREATE TABLE webhook_lanes (
    webhook_id character varying(36) NOT NULL,
    lane text NOT NULL,
    version integer NOT NULL,
    due_at timestamp with time zone NOT NULL,
    lease_holder text,
    lease_expires_at timestamp with time zone,
    CONSTRAINT pk_webhook_lanes PRIMARY KEY (webhook_id, lane)
);
CREATE TABLE webhooks (
    id character varying(36) NOT NULL,
    tenant text,
    sees_unowned boolean NOT NULL,
    sees_all boolean NOT NULL,
    url text NOT NULL,
    events text NOT NULL,
    description text,
    secret text NOT NULL,
    previous_secret text,
    previous_until timestamp with time zone,
    after_position bigint NOT NULL,
    status character varying(16) NOT NULL,
    disabled_at timestamp with time zone,
    disabled_reason character varying(16),
    failing_since timestamp with time zone,
    revision integer NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    CONSTRAINT pk_webhooks PRIMARY KEY (id)
);
CREATE INDEX ix_agents_created ON agents USING btree (created_at, id);
CREATE INDEX ix_agents_tenant ON agents USING btree (tenant, created_at, id) WHERE ((tenant IS NOT NULL) AND ((id)::text <> 'ix_agents_tenant'::text));
CREATE INDEX ix_agents_unowned ON agents USING btree (created_at, id) WHERE ((tenant IS NULL) AND ((id)::text <> 'ix_agents_unowned'::text));
CREATE INDEX ix_calls_announce ON calls USING btree (announce_at) WHERE (announce_at IS NOT NULL);
CREATE INDEX ix_calls_created ON calls USING btree (created_at, id);
CREATE INDEX ix_calls_from_to ON calls USING btree (from_number, to_number, created_at, id) WHERE ((id)::text <> 'ix_calls_from_to'::text);
CREATE INDEX ix_calls_live_room ON calls USING btree (room_sid) WHERE (ended_at IS NULL);
CREATE INDEX ix_calls_owned_from ON calls USING btree (from_number, direction, status, created_at, id) WHERE ((tenant IS NOT NULL) AND ((id)::text <> 'ix_calls_owned_from'::text));
CREATE INDEX ix_calls_owned_status ON calls USING btree (direction, status, created_at, id) WHERE ((tenant IS NOT NULL) AND ((id)::text <> 'ix_calls_owned_status'::text));
CREATE INDEX ix_calls_owned_to ON calls USING btree (to_number, direction, status, created_at, id) WHERE ((tenant IS NOT NULL) AND ((id)::text <> 'ix_calls_owned_to'::text));
CREATE INDEX ix_calls_room_created ON calls USING btree (room_name, created_at, id);
CREATE INDEX ix_calls_tenant_from ON calls USING btree (tenant, from_number, created_at, id) WHERE ((tenant IS NOT NULL) AND ((id)::text <> 'ix_calls_tenant_from'::text));
CREATE INDEX ix_calls_tenant_status ON calls USING btree (tenant, direction, status, created_at, id) WHERE ((tenant IS NOT NULL) AND ((id)::text <> 'ix_calls_tenant_status'::text));
CREATE INDEX ix_calls_tenant_to ON calls USING btree (tenant, to_number, created_at, id) WHERE ((tenant IS NOT NULL) AND ((id)::text <> 'ix_calls_tenant_to'::text));
CREATE INDEX ix_calls_unowned_from ON calls USING btree (from_number, direction, status, created_at, id) WHERE ((tenant IS NULL) AND ((id)::text <> 'ix_calls_unowned_from'::text));
CREATE INDEX ix_calls_unowned_status ON calls USING btree (direction, status, created_at, id) WHERE ((tenant IS NULL) AND ((id)::text <> 'ix_calls_unowned_status'::text));
CREATE INDEX ix_calls_unowned_to ON calls USING btree (to_number, direction, status, created_at, id) WHERE ((tenant IS NULL) AND ((id)::text <> 'ix_calls_unowned_to'::text));
CREATE INDEX ix_events_known ON events USING btree (known_at);
CREATE INDEX ix_idempotency_created ON idempotency USING btree (created_at);
CREATE INDEX ix_inbox_changed ON inbox USING btree (changed_at) WHERE (changed_at IS NOT NULL);
CREATE INDEX ix_inbox_finished_room ON inbox USING btree (room_sid) WHERE (kind = 'room_finished'::text);
CREATE INDEX ix_inbox_lease_expires ON inbox USING btree (lease_expires_at) WHERE (lease_holder IS NOT NULL);
CREATE INDEX ix_inbox_ready_room ON inbox USING btree (room_name, received_at, event_id) WHERE (((status)::text <> 'handled'::text) AND ((status)::text <> 'dead'::text) AND (waits_until IS NULL) AND (lease_holder IS NULL));
CREATE INDEX ix_inbox_room ON inbox USING btree (room_name, received_at, event_id) WHERE (event_id <> 'ix_inbox_room'::text);
CREATE INDEX ix_inbox_status_received ON inbox USING btree (status, received_at, event_id);
CREATE INDEX ix_inbox_waiting ON inbox USING btree (waits_until) WHERE (waits_until IS NOT NULL);
CREATE INDEX ix_phone_numbers_created ON phone_numbers USING btree (created_at, id);
CREATE INDEX ix_phone_numbers_tenant ON phone_numbers USING btree (tenant, created_at, id) WHERE ((tenant IS NOT NULL) AND ((id)::text <> 'ix_phone_numbers_tenant'::text));
CREATE INDEX ix_phone_numbers_unowned ON phone_numbers USING btree (created_at, id) WHERE ((tenant IS NULL) AND ((id)::text <> 'ix_phone_numbers_unowned'::text));
CREATE INDEX ix_rate_windows_began ON rate_windows USING btree (began_at);
CREATE INDEX ix_recordings_call ON recordings USING btree (call_id, created_at);
CREATE INDEX ix_recordings_created ON recordings USING btree (created_at, id);
CREATE INDEX ix_recordings_erased ON recordings USING btree (erased_at) WHERE (erased_at IS NOT NULL);
CREATE INDEX ix_recordings_report ON recordings USING btree (report_id);
CREATE INDEX ix_recordings_session ON recordings USING btree (session_id, created_at);
CREATE INDEX ix_reports_received ON reports USING btree (received_at);
CREATE INDEX ix_reports_session ON reports USING btree (session_id);
CREATE INDEX ix_reports_unmatched ON reports USING btree (retry_at) WHERE (session_id IS NULL);
CREATE INDEX ix_sessions_announce ON sessions USING btree (announce_at) WHERE (announce_at IS NOT NULL);
CREATE INDEX ix_sessions_created ON sessions USING btree (created_at, id);
CREATE INDEX ix_sessions_owned_identity ON sessions USING btree (identity, status, created_at, id) WHERE ((tenant IS NOT NULL) AND ((id)::text <> 'ix_sessions_owned_identity'::text));
CREATE INDEX ix_sessions_owned_status ON sessions USING btree (status, created_at, id) WHERE ((tenant IS NOT NULL) AND ((id)::text <> 'ix_sessions_owned_status'::text));
CREATE INDEX ix_sessions_room_created ON sessions USING btree (room_name, created_at, id);
CREATE INDEX ix_sessions_room_sid ON sessions USING btree (room_sid) WHERE (room_sid IS NOT NULL);
CREATE INDEX ix_sessions_tenant_identity ON sessions USING btree (tenant, identity, created_at, id) WHERE ((tenant IS NOT NULL) AND ((id)::text <> 'ix_sessions_tenant_identity'::text));
CREATE INDEX ix_sessions_tenant_live ON sessions USING btree (tenant) WHERE ((tenant IS NOT NULL) AND ((status)::text <> 'ended'::text));
CREATE INDEX ix_sessions_tenant_status ON sessions USING btree (tenant, status, created_at, id) WHERE ((tenant IS NOT NULL) AND ((id)::text <> 'ix_sessions_tenant_status'::text));
CREATE INDEX ix_sessions_unowned_identity ON sessions USING btree (identity, status, created_at, id) WHERE ((tenant IS NULL) AND ((id)::text <> 'ix_sessions_unowned_identity'::text));
CREATE INDEX ix_sessions_unowned_status ON sessions USING btree (status, created_at, id) WHERE ((tenant IS NULL) AND ((id)::text <> 'ix_sessions_unowned_status'::text));
CREATE INDEX ix_sessions_unused ON sessions USING btree (join_until) WHERE (((status)::text = 'ended'::text) AND ((end_reason)::text = 'abandoned'::text) AND (dispatch_id IS NULL) AND (room_sid IS NULL));
CREATE INDEX ix_tickets_expires ON tickets USING btree (expires_at);
CREATE INDEX ix_tickets_tenant ON tickets USING btree (tenant, expires_at);
CREATE INDEX ix_transcript_items_created ON transcript_items USING btree (created_at, number);
CREATE INDEX ix_transcript_items_kept ON transcript_items USING btree (kept_at);
CREATE INDEX ix_transcript_items_search ON transcript_items USING gin (search);
CREATE INDEX ix_transcript_items_session ON transcript_items USING btree (session_id, created_at, "position", number);
CREATE INDEX ix_transcript_items_tenant ON transcript_items USING btree (tenant, created_at, number);
CREATE INDEX ix_usage_reports_kept ON usage_reports USING btree (kept_at);
CREATE INDEX ix_usage_reports_session ON usage_reports USING btree (session_id);
CREATE INDEX ix_webhook_deliveries_changed ON webhook_deliveries USING btree (changed_at) WHERE (changed_at IS NOT NULL);
CREATE INDEX ix_webhook_deliveries_created ON webhook_deliveries USING btree (webhook_id, created_at, id);
CREATE INDEX ix_webhook_deliveries_failed ON webhook_deliveries USING btree (webhook_id, "position") WHERE ((status)::text = 'failed'::text);
CREATE INDEX ix_webhook_deliveries_of_event ON webhook_deliveries USING btree (event_id);
CREATE INDEX ix_webhook_deliveries_pending ON webhook_deliveries USING btree (created_at) WHERE ((status)::text = 'pending'::text);
CREATE INDEX ix_webhook_deliveries_settled ON webhook_deliveries USING btree (settled_at);
CREATE INDEX ix_webhook_deliveries_status ON webhook_deliveries USING btree (webhook_id, status, created_at, id);
CREATE INDEX ix_webhook_deliveries_waiting ON webhook_deliveries USING btree (webhook_id, lane, "position") WHERE ((status)::text = 'pending'::text);
CREATE INDEX ix_webhook_lanes_due ON webhook_lanes USING btree (webhook_id, due_at) WHERE (lease_holder IS NULL);
CREATE INDEX ix_webhook_lanes_lease ON webhook_lanes USING btree (lease_expires_at) WHERE (lease_holder IS NOT NULL);
CREATE INDEX ix_webhooks_created ON webhooks USING btree (created_at, id);
CREATE INDEX ix_webhooks_tenant ON webhooks USING btree (tenant, created_at, id);
CREATE UNIQUE INDEX uq_agents_owned_name ON agents USING btree (tenant, name) WHERE (tenant IS NOT NULL);
CREATE UNIQUE INDEX uq_agents_unowned_name ON agents USING btree (name) WHERE (tenant IS NULL);
CREATE UNIQUE INDEX uq_api_keys_prefix ON api_keys USING btree (prefix);
CREATE UNIQUE INDEX uq_calls_stay ON calls USING btree (room_sid, participant_sid);
CREATE UNIQUE INDEX uq_events_id ON events USING btree (id);
CREATE UNIQUE INDEX uq_events_lane_sequence ON events USING btree (lane, sequence);
CREATE UNIQUE INDEX uq_inbox_leased_room ON inbox USING btree (room_name) WHERE (lease_holder IS NOT NULL);
CREATE UNIQUE INDEX uq_phone_numbers_trunk ON phone_numbers USING btree (number, trunk_id);
CREATE UNIQUE INDEX uq_publishable_keys_prefix ON publishable_keys USING btree (prefix);
CREATE UNIQUE INDEX uq_recordings_object ON recordings USING btree (object_key);
CREATE UNIQUE INDEX uq_recordings_running ON recordings USING btree (session_id) WHERE (((status)::text = 'starting'::text) OR ((status)::text = 'active'::text) OR ((status)::text = 'ending'::text));
CREATE UNIQUE INDEX uq_reports_job ON reports USING btree (room_sid, job_id);
CREATE UNIQUE INDEX uq_sessions_live_room ON sessions USING btree (room_name) WHERE ((status)::text <> 'ended'::text);
CREATE UNIQUE INDEX uq_transcript_items ON transcript_items USING btree (owner, item_id);
CREATE UNIQUE INDEX uq_webhook_deliveries_event ON webhook_deliveries USING btree (webhook_id, event_id);
events_position_seq of kind S;
transcript_items_number_seq of kind S;
INSERT INTO alembic_version VALUES ('0029');
INSERT INTO schema_floor VALUES ('0004');
