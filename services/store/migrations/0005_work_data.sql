-- What is done on a ticket: approvals, evidence, packets, snapshots, outgoing and logged messages.
CREATE TABLE IF NOT EXISTS approvals (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    ticket_id uuid NOT NULL REFERENCES tickets (id) ON DELETE CASCADE,
    status approval_status NOT NULL DEFAULT 'PENDING',
    requested_by text NOT NULL CHECK (btrim(requested_by) <> ''),
    requested_at timestamptz NOT NULL DEFAULT now(),
    decided_by text,
    decided_at timestamptz,
    approval_type text NOT NULL CHECK (btrim(approval_type) <> ''),
    amount_delta_cents bigint CHECK (amount_delta_cents >= 0),
    reason text,
    evidence jsonb NOT NULL DEFAULT '{}'::jsonb,
    CHECK (
        (status = 'PENDING' AND decided_by IS NULL AND decided_at IS NULL)
        OR (status <> 'PENDING' AND decided_by IS NOT NULL AND decided_at IS NOT NULL)
    )
);

CREATE INDEX IF NOT EXISTS idx_approvals_ticket_requested ON approvals (ticket_id, requested_at);
CREATE INDEX IF NOT EXISTS idx_approvals_status ON approvals (status);

CREATE TABLE IF NOT EXISTS evidence_items (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    ticket_id uuid NOT NULL REFERENCES tickets (id) ON DELETE CASCADE,
    kind text NOT NULL CHECK (btrim(kind) <> ''),
    uri text NOT NULL CHECK (btrim(uri) <> ''),
    checksum text,
    metadata jsonb NOT NULL DEFAULT '{}'::jsonb,
    is_immutable boolean NOT NULL DEFAULT false,
    immutable_reason text,
    immutable_by text,
    immutable_request_id uuid,
    immutable_at timestamptz,
    created_by text,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX IF NOT EXISTS idx_evidence_ticket_created ON evidence_items (ticket_id, created_at);
CREATE INDEX IF NOT EXISTS idx_evidence_kind ON evidence_items (kind);
CREATE INDEX IF NOT EXISTS idx_evidence_immutable ON evidence_items (ticket_id, is_immutable);

CREATE TABLE IF NOT EXISTS closeout_artifacts (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    ticket_id uuid NOT NULL REFERENCES tickets (id) ON DELETE CASCADE,
    artifact_type text NOT NULL CHECK (btrim(artifact_type) <> ''),
    artifact_name text,
    artifact_hash text CHECK (artifact_hash IS NULL OR btrim(artifact_hash) <> ''),
    artifact_payload jsonb NOT NULL DEFAULT '{}'::jsonb,
    created_by text,
    request_id uuid NOT NULL,
    correlation_id text,
    trace_id text,
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (ticket_id, artifact_type)
);

CREATE INDEX IF NOT EXISTS idx_closeout_artifacts_ticket_created ON closeout_artifacts (ticket_id, created_at);

CREATE TABLE IF NOT EXISTS assignment_recommendation_snapshots (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    ticket_id uuid NOT NULL REFERENCES tickets (id) ON DELETE CASCADE,
    recommendation_snapshot_id uuid NOT NULL DEFAULT gen_random_uuid(),
    ticket_state text,
    requested_by text NOT NULL CHECK (btrim(requested_by) <> ''),
    request_id uuid NOT NULL,
    correlation_id text,
    trace_id text,
    recommendation_limit int NOT NULL CHECK (recommendation_limit > 0),
    incident_type text,
    site_region text,
    candidates jsonb NOT NULL DEFAULT '[]'::jsonb,
    recommended_tech_id uuid NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (ticket_id, request_id)
);

CREATE INDEX IF NOT EXISTS idx_assignment_recommendation_snapshots_ticket
    ON assignment_recommendation_snapshots (ticket_id, created_at DESC);

CREATE TABLE IF NOT EXISTS schedule_hold_snapshots (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    ticket_id uuid NOT NULL REFERENCES tickets (id) ON DELETE CASCADE,
    hold_sequence_id uuid NOT NULL DEFAULT gen_random_uuid(),
    requested_by text NOT NULL CHECK (btrim(requested_by) <> ''),
    request_id uuid NOT NULL,
    correlation_id text,
    hold_reason_code text NOT NULL CHECK (btrim(hold_reason_code) <> ''),
    hold_state text NOT NULL CHECK (hold_state IN ('READY_TO_SCHEDULE', 'SCHEDULE_PROPOSED', 'SCHEDULED')),
    scheduled_start timestamptz,
    scheduled_end timestamptz,
    hold_reason_notes text,
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (ticket_id, request_id)
);

CREATE INDEX IF NOT EXISTS idx_schedule_hold_snapshots_ticket
    ON schedule_hold_snapshots (ticket_id, created_at DESC);

CREATE TABLE IF NOT EXISTS dispatch_outbox (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    aggregate_type text NOT NULL,
    aggregate_id text NOT NULL,
    event_type text NOT NULL,
    payload jsonb NOT NULL,
    idempotency_key text NOT NULL UNIQUE,
    status text NOT NULL DEFAULT 'PENDING',
    attempt_count int NOT NULL DEFAULT 0,
    next_attempt_at timestamptz NOT NULL DEFAULT now(),
    last_error text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX IF NOT EXISTS dispatch_outbox_ready_idx ON dispatch_outbox (status, next_attempt_at);

CREATE TABLE IF NOT EXISTS messages (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    ticket_id uuid REFERENCES tickets (id) ON DELETE CASCADE,
    direction text NOT NULL CHECK (direction IN ('INBOUND', 'OUTBOUND')),
    channel text NOT NULL CHECK (btrim(channel) <> ''),
    to_addr text,
    from_addr text,
    body text,
    metadata jsonb NOT NULL DEFAULT '{}'::jsonb,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX IF NOT EXISTS idx_messages_ticket_created ON messages (ticket_id, created_at);
