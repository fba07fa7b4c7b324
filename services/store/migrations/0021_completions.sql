-- What was said when work was called done, once per attempt: the audit payload holds it too, but redacted, and a
-- refused attempt leaves nothing there. An attempt is ACCEPTED when the gate let it through and becomes VERIFIED or
-- REJECTED by the quality check; REFUSED attempts never changed the ticket.
CREATE TABLE IF NOT EXISTS completions (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    ticket_id uuid NOT NULL REFERENCES tickets (id) ON DELETE CASCADE,
    attempt int NOT NULL CHECK (attempt > 0),
    actor_type actor_type NOT NULL,
    actor_id text NOT NULL CHECK (btrim(actor_id) <> ''),
    actor_role text,
    tool_name text NOT NULL CHECK (btrim(tool_name) <> ''),
    request_id uuid NOT NULL,
    -- Written later in the same transaction, hence no reference; absent on refused attempts.
    audit_event_id uuid,
    checklist jsonb NOT NULL DEFAULT '{}'::jsonb,
    no_signature_reason text,
    evidence_refs jsonb NOT NULL DEFAULT '[]'::jsonb,
    outcome text NOT NULL CHECK (outcome IN ('ACCEPTED', 'REFUSED', 'VERIFIED', 'REJECTED')),
    requirement_code text,
    judged_by text,
    judged_at timestamptz,
    judge_notes text,
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (ticket_id, attempt)
);
