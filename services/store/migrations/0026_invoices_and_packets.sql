-- An invoice is more than a state: it has a number, lines and a currency, and is voided when the work is reopened or
-- cancelled. Numbers come from a sequence and may have gaps, because a command that is rolled back uses one up.
CREATE SEQUENCE IF NOT EXISTS invoice_numbers;

CREATE TABLE IF NOT EXISTS invoices (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    ticket_id uuid NOT NULL REFERENCES tickets (id) ON DELETE RESTRICT,
    number text NOT NULL UNIQUE
        DEFAULT 'INV-' || to_char(now() AT TIME ZONE 'UTC', 'YYYY') || '-' || lpad(nextval('invoice_numbers')::text, 6, '0'),
    status text NOT NULL DEFAULT 'ISSUED' CHECK (status IN ('ISSUED', 'VOID')),
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    lines jsonb NOT NULL,
    total_cents bigint NOT NULL CHECK (total_cents >= 0),
    issued_by text NOT NULL CHECK (btrim(issued_by) <> ''),
    issued_at timestamptz NOT NULL DEFAULT now(),
    request_id uuid NOT NULL,
    voided_by text,
    voided_at timestamptz,
    void_reason text,
    CHECK ((status = 'ISSUED') = (voided_at IS NULL))
);

CREATE UNIQUE INDEX IF NOT EXISTS uq_invoices_issued ON invoices (ticket_id) WHERE status = 'ISSUED';
CREATE INDEX IF NOT EXISTS idx_invoices_ticket ON invoices (ticket_id, issued_at);

-- The artifact table keeps the latest packet, as older readers expect; every packet that ever was is kept here.
CREATE TABLE IF NOT EXISTS closeout_artifact_versions (
    ticket_id uuid NOT NULL REFERENCES tickets (id) ON DELETE RESTRICT,
    artifact_type text NOT NULL CHECK (btrim(artifact_type) <> ''),
    version int NOT NULL CHECK (version > 0),
    artifact_name text,
    artifact_hash text,
    artifact_payload jsonb NOT NULL,
    created_by text,
    request_id uuid NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (ticket_id, artifact_type, version)
);

INSERT INTO closeout_artifact_versions
    SELECT ticket_id, artifact_type, 1, artifact_name, artifact_hash, artifact_payload, created_by, request_id, created_at
    FROM closeout_artifacts ON CONFLICT DO NOTHING;

DROP TRIGGER IF EXISTS trg_closeout_artifact_versions_append_only ON closeout_artifact_versions;
CREATE TRIGGER trg_closeout_artifact_versions_append_only BEFORE UPDATE OR DELETE ON closeout_artifact_versions
    FOR EACH ROW EXECUTE FUNCTION refuse_history_change();
