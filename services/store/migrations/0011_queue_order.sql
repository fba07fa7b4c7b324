-- The cockpit reads the most recently changed open tickets; this index hands them over in that order,
-- so the cost of a page does not grow with the table.
CREATE INDEX IF NOT EXISTS idx_tickets_open_recent ON tickets (updated_at DESC, id)
    WHERE state NOT IN ('CLOSED', 'CANCELLED');
