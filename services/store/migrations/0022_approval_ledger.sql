-- Decision notes get a place of their own; they still replace the reason, as older readers expect.
ALTER TABLE approvals ADD COLUMN IF NOT EXISTS decision_notes text;

-- Every change of a ticket's not-to-exceed amount after its creation.
CREATE TABLE IF NOT EXISTS nte_changes (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    ticket_id uuid NOT NULL REFERENCES tickets (id) ON DELETE RESTRICT,
    approval_id uuid REFERENCES approvals (id) ON DELETE RESTRICT,
    tool_name text NOT NULL CHECK (btrim(tool_name) <> ''),
    before_cents bigint NOT NULL CHECK (before_cents >= 0),
    delta_cents bigint NOT NULL,
    after_cents bigint NOT NULL CHECK (after_cents = before_cents + delta_cents AND after_cents >= 0),
    actor_id text NOT NULL CHECK (btrim(actor_id) <> ''),
    request_id uuid NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX IF NOT EXISTS idx_nte_changes_ticket ON nte_changes (ticket_id, created_at);

DROP TRIGGER IF EXISTS trg_nte_changes_append_only ON nte_changes;
CREATE TRIGGER trg_nte_changes_append_only BEFORE UPDATE OR DELETE ON nte_changes
    FOR EACH ROW EXECUTE FUNCTION refuse_history_change();
