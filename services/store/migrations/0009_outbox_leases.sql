-- A worker claims a row by a lease, sends outside any transaction and finishes in a second one.
-- Status is PENDING, IN_FLIGHT, SENT, DEAD_LETTER or SUPPRESSED; it stays unchecked so that adopted
-- rows with other words are kept as they are.
ALTER TABLE dispatch_outbox
    ADD COLUMN IF NOT EXISTS locked_by text,
    ADD COLUMN IF NOT EXISTS locked_until timestamptz;

-- Order per recipient: finding an older unsent row of the same recipient has to be cheap.
CREATE INDEX IF NOT EXISTS dispatch_outbox_unsent_recipient_idx
    ON dispatch_outbox ((payload ->> 'to'), created_at) WHERE status IN ('PENDING', 'IN_FLIGHT');

-- PostgreSQL delivers a notification when the inserting transaction commits, never before.
CREATE OR REPLACE FUNCTION notify_dispatch_outbox() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('dispatch_outbox', NEW.id::text);
    RETURN NULL;
END
$$;

DROP TRIGGER IF EXISTS trg_dispatch_outbox_notify ON dispatch_outbox;
CREATE TRIGGER trg_dispatch_outbox_notify AFTER INSERT ON dispatch_outbox
    FOR EACH ROW EXECUTE FUNCTION notify_dispatch_outbox();

-- A dead letter that is put back into the queue is due at once.
DROP TRIGGER IF EXISTS trg_dispatch_outbox_requeue ON dispatch_outbox;
CREATE TRIGGER trg_dispatch_outbox_requeue AFTER UPDATE OF status ON dispatch_outbox
    FOR EACH ROW WHEN (OLD.status = 'DEAD_LETTER' AND NEW.status = 'PENDING')
    EXECUTE FUNCTION notify_dispatch_outbox();
