-- The cockpit and the list of tickets read in an order that an index hands over, so that the cost of a page does not
-- grow with the table. A queue is read most pressing first: per priority, by the moment its clock started.
CREATE INDEX IF NOT EXISTS idx_tickets_open_clock
    ON tickets (priority, (coalesce(scheduled_start, created_at)), id) WHERE state NOT IN ('CLOSED', 'CANCELLED');
CREATE INDEX IF NOT EXISTS idx_tickets_state_clock
    ON tickets (state, priority, (coalesce(scheduled_start, created_at)), id);
DROP INDEX IF EXISTS idx_tickets_open_recent;
DROP INDEX IF EXISTS idx_tickets_state_recent;

CREATE INDEX IF NOT EXISTS idx_tickets_created ON tickets (created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS idx_tickets_account_created ON tickets (account_id, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS idx_tickets_words ON tickets USING gin (to_tsvector('simple'::regconfig,
    summary || ' ' || coalesce(description, '') || ' ' || coalesce(customer_name, '') || ' ' || coalesce(incident_type, '')));
