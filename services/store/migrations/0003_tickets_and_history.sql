-- The ticket, the audit trail, the state history, autonomy controls and stored answers.
CREATE TABLE IF NOT EXISTS tickets (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    account_id uuid NOT NULL REFERENCES accounts (id) ON DELETE RESTRICT,
    site_id uuid NOT NULL REFERENCES sites (id) ON DELETE RESTRICT,
    asset_id uuid REFERENCES assets (id) ON DELETE SET NULL,
    state ticket_state NOT NULL DEFAULT 'NEW',
    priority priority_level NOT NULL DEFAULT 'ROUTINE',
    incident_type text,
    summary text NOT NULL CHECK (btrim(summary) <> ''),
    description text,
    nte_cents bigint NOT NULL DEFAULT 0 CHECK (nte_cents >= 0),
    customer_name text,
    customer_phone text,
    customer_email text,
    identity_signature text,
    identity_confidence int CHECK (identity_confidence BETWEEN 0 AND 100),
    classification_confidence int CHECK (classification_confidence BETWEEN 0 AND 100),
    sop_handoff_required boolean NOT NULL DEFAULT false,
    sop_handoff_acknowledged boolean NOT NULL DEFAULT false,
    sop_handoff_prompt text,
    currency text NOT NULL DEFAULT 'USD' CHECK (length(btrim(currency)) = 3),
    scheduled_start timestamptz,
    scheduled_end timestamptz,
    assigned_provider_id uuid,
    assigned_tech_id uuid,
    version bigint NOT NULL DEFAULT 0 CHECK (version >= 0),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CHECK (scheduled_start IS NULL OR scheduled_end IS NULL OR scheduled_end > scheduled_start)
);

CREATE INDEX IF NOT EXISTS idx_tickets_state ON tickets (state);
CREATE INDEX IF NOT EXISTS idx_tickets_site ON tickets (site_id);
CREATE INDEX IF NOT EXISTS idx_tickets_account ON tickets (account_id);
CREATE INDEX IF NOT EXISTS idx_tickets_blind_intake_signature_created
    ON tickets (account_id, site_id, identity_signature, created_at);
CREATE INDEX IF NOT EXISTS idx_tickets_state_priority_created ON tickets (state, priority, created_at);
CREATE INDEX IF NOT EXISTS idx_tickets_state_schedule ON tickets (state, scheduled_start);

CREATE OR REPLACE FUNCTION set_ticket_updated_at() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.updated_at := now();
    RETURN NEW;
END
$$;

DROP TRIGGER IF EXISTS trg_tickets_updated_at ON tickets;
CREATE TRIGGER trg_tickets_updated_at BEFORE UPDATE ON tickets
    FOR EACH ROW EXECUTE FUNCTION set_ticket_updated_at();

CREATE TABLE IF NOT EXISTS audit_events (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    ticket_id uuid REFERENCES tickets (id) ON DELETE CASCADE,
    actor_type actor_type NOT NULL,
    actor_id text NOT NULL CHECK (btrim(actor_id) <> ''),
    actor_role text,
    tool_name text NOT NULL CHECK (btrim(tool_name) <> ''),
    request_id uuid NOT NULL,
    correlation_id text,
    trace_id text,
    before_state ticket_state,
    after_state ticket_state,
    payload jsonb NOT NULL DEFAULT '{}'::jsonb,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX IF NOT EXISTS idx_audit_ticket_created ON audit_events (ticket_id, created_at);
CREATE INDEX IF NOT EXISTS idx_audit_request ON audit_events (request_id);
CREATE INDEX IF NOT EXISTS idx_audit_tool_created ON audit_events (tool_name, created_at);

CREATE TABLE IF NOT EXISTS ticket_state_transitions (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    ticket_id uuid NOT NULL REFERENCES tickets (id) ON DELETE CASCADE,
    from_state ticket_state,
    to_state ticket_state NOT NULL,
    audit_event_id uuid NOT NULL REFERENCES audit_events (id) ON DELETE RESTRICT,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX IF NOT EXISTS idx_transitions_ticket_created ON ticket_state_transitions (ticket_id, created_at);
CREATE INDEX IF NOT EXISTS idx_transitions_from_to ON ticket_state_transitions (from_state, to_state);

CREATE TABLE IF NOT EXISTS autonomy_control_state (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    scope_type text NOT NULL CHECK (scope_type IN ('GLOBAL', 'INCIDENT', 'TICKET')),
    incident_type text,
    ticket_id uuid REFERENCES tickets (id) ON DELETE CASCADE,
    is_paused boolean NOT NULL DEFAULT false,
    reason text,
    actor_type actor_type NOT NULL,
    actor_id text NOT NULL CHECK (btrim(actor_id) <> ''),
    actor_role text,
    request_id uuid NOT NULL,
    correlation_id text,
    trace_id text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT chk_autonomy_control_state_scope CHECK (
        (scope_type = 'GLOBAL' AND incident_type IS NULL AND ticket_id IS NULL)
        OR (scope_type = 'INCIDENT' AND btrim(coalesce(incident_type, '')) <> '' AND ticket_id IS NULL)
        OR (scope_type = 'TICKET' AND incident_type IS NULL AND ticket_id IS NOT NULL)
    )
);

CREATE UNIQUE INDEX IF NOT EXISTS uq_autonomy_control_global
    ON autonomy_control_state (scope_type) WHERE scope_type = 'GLOBAL';
CREATE UNIQUE INDEX IF NOT EXISTS uq_autonomy_control_incident
    ON autonomy_control_state (upper(incident_type)) WHERE scope_type = 'INCIDENT';
CREATE UNIQUE INDEX IF NOT EXISTS uq_autonomy_control_ticket
    ON autonomy_control_state (ticket_id) WHERE scope_type = 'TICKET';
CREATE INDEX IF NOT EXISTS idx_autonomy_control_state_scope
    ON autonomy_control_state (scope_type, is_paused, updated_at);

CREATE TABLE IF NOT EXISTS autonomy_control_history (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    control_state_id uuid REFERENCES autonomy_control_state (id) ON DELETE SET NULL,
    scope_type text NOT NULL CHECK (scope_type IN ('GLOBAL', 'INCIDENT', 'TICKET')),
    incident_type text,
    ticket_id uuid,
    action text NOT NULL CHECK (action IN ('pause', 'rollback')),
    previous_is_paused boolean NOT NULL,
    next_is_paused boolean NOT NULL,
    actor_type actor_type NOT NULL,
    actor_id text NOT NULL CHECK (btrim(actor_id) <> ''),
    actor_role text,
    request_id uuid NOT NULL,
    correlation_id text,
    trace_id text,
    reason text,
    payload jsonb NOT NULL DEFAULT '{}'::jsonb,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT chk_autonomy_control_history_scope CHECK (
        (scope_type = 'GLOBAL' AND incident_type IS NULL AND ticket_id IS NULL)
        OR (scope_type = 'INCIDENT' AND btrim(coalesce(incident_type, '')) <> '' AND ticket_id IS NULL)
        OR (scope_type = 'TICKET' AND incident_type IS NULL AND ticket_id IS NOT NULL)
    )
);

CREATE INDEX IF NOT EXISTS idx_autonomy_control_history_scope ON autonomy_control_history (scope_type, created_at);

CREATE TABLE IF NOT EXISTS idempotency_keys (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    actor_id text NOT NULL CHECK (btrim(actor_id) <> ''),
    endpoint text NOT NULL CHECK (btrim(endpoint) <> ''),
    request_id uuid NOT NULL,
    request_hash text NOT NULL CHECK (btrim(request_hash) <> ''),
    response_code int NOT NULL CHECK (response_code BETWEEN 100 AND 599),
    response_body jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (actor_id, endpoint, request_id)
);

CREATE INDEX IF NOT EXISTS idx_idempotency_created ON idempotency_keys (created_at);
CREATE INDEX IF NOT EXISTS idx_idempotency_actor_endpoint ON idempotency_keys (actor_id, endpoint);
