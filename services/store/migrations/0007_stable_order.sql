-- Rows of one command share their creation time; the sequence tells which came first.
ALTER TABLE audit_events ADD COLUMN IF NOT EXISTS seq bigint GENERATED ALWAYS AS IDENTITY;
ALTER TABLE ticket_state_transitions ADD COLUMN IF NOT EXISTS seq bigint GENERATED ALWAYS AS IDENTITY;
