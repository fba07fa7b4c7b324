-- The same order within one state, so that a queue filtered by rare states does not read the common ones.
CREATE INDEX IF NOT EXISTS idx_tickets_state_recent ON tickets (state, updated_at DESC, id);
