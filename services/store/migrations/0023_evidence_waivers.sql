-- Evidence exceptions that the closeout gate honours until they expire. Rows are only written where waivers are
-- configured; everywhere else an exception is an audit event and nothing more.
CREATE TABLE IF NOT EXISTS evidence_waivers (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    ticket_id uuid NOT NULL REFERENCES tickets (id) ON DELETE CASCADE,
    -- Evidence keys, item ids or URIs that need not be there or need not be valid.
    waived text[] NOT NULL CHECK (cardinality(waived) > 0),
    reason text NOT NULL CHECK (btrim(reason) <> ''),
    granted_by text NOT NULL CHECK (btrim(granted_by) <> ''),
    granted_role text,
    request_id uuid NOT NULL,
    expires_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX IF NOT EXISTS idx_evidence_waivers_ticket ON evidence_waivers (ticket_id, expires_at);
