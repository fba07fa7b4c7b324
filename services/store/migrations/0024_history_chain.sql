-- History rows of a ticket are numbered, and audit events are linked: each carries the digest of the one before it,
-- so that a row that was altered or taken out shows. The chain is per ticket, and the row lock that every command on
-- a ticket holds anyway orders it; commands on different tickets never wait for each other. Events without a ticket
-- (autonomy, master data) form one chain of their own under an advisory lock.
ALTER TABLE audit_events
    ADD COLUMN IF NOT EXISTS ticket_seq bigint,
    ADD COLUMN IF NOT EXISTS prev_hash bytea,
    ADD COLUMN IF NOT EXISTS entry_hash bytea;
ALTER TABLE ticket_state_transitions ADD COLUMN IF NOT EXISTS ticket_seq bigint;

-- What is hashed: the digest before, and every column in this order as a JSON array. A verification computes the same
-- text by itself and does not call this function.
CREATE OR REPLACE FUNCTION audit_entry_hash(e audit_events) RETURNS bytea LANGUAGE sql STABLE AS $$
    SELECT sha256(coalesce(e.prev_hash, ''::bytea) || convert_to(jsonb_build_array(
        e.ticket_seq, e.id, e.ticket_id, e.actor_type, e.actor_id, e.actor_role, e.tool_name, e.request_id,
        e.correlation_id, e.trace_id, e.before_state, e.after_state, e.payload,
        (extract(epoch FROM e.created_at) * 1000000)::bigint)::text, 'UTF8'))
$$;

CREATE OR REPLACE FUNCTION link_audit_event() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    last record;
BEGIN
    IF NEW.ticket_id IS NULL THEN
        PERFORM pg_advisory_xact_lock(7310589482317);
        SELECT a.ticket_seq, a.entry_hash INTO last FROM audit_events a
            WHERE a.ticket_id IS NULL AND a.ticket_seq IS NOT NULL ORDER BY a.ticket_seq DESC LIMIT 1;
    ELSE
        PERFORM FROM tickets WHERE id = NEW.ticket_id FOR NO KEY UPDATE;
        SELECT a.ticket_seq, a.entry_hash INTO last FROM audit_events a
            WHERE a.ticket_id = NEW.ticket_id AND a.ticket_seq IS NOT NULL ORDER BY a.ticket_seq DESC LIMIT 1;
    END IF;
    NEW.ticket_seq := coalesce(last.ticket_seq, 0) + 1;
    NEW.prev_hash := last.entry_hash;
    -- Whole microseconds are what is stored, and what is hashed.
    NEW.entry_hash := sha256(coalesce(NEW.prev_hash, ''::bytea) || convert_to(jsonb_build_array(
        NEW.ticket_seq, NEW.id, NEW.ticket_id, NEW.actor_type, NEW.actor_id, NEW.actor_role, NEW.tool_name,
        NEW.request_id, NEW.correlation_id, NEW.trace_id, NEW.before_state, NEW.after_state, NEW.payload,
        (extract(epoch FROM NEW.created_at) * 1000000)::bigint)::text, 'UTF8'));
    RETURN NEW;
END
$$;

CREATE OR REPLACE FUNCTION number_transition() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM tickets WHERE id = NEW.ticket_id FOR NO KEY UPDATE;
    NEW.ticket_seq := 1 + coalesce((SELECT max(t.ticket_seq) FROM ticket_state_transitions t
        WHERE t.ticket_id = NEW.ticket_id), 0);
    RETURN NEW;
END
$$;

-- Rows from before are numbered in the order in which they were written and linked as they are found.
ALTER TABLE ticket_state_transitions DISABLE TRIGGER trg_ticket_state_transitions_append_only;
UPDATE ticket_state_transitions t SET ticket_seq = n.place FROM (
    SELECT id, row_number() OVER (PARTITION BY ticket_id ORDER BY created_at, seq) AS place
    FROM ticket_state_transitions) n WHERE n.id = t.id AND t.ticket_seq IS NULL;
ALTER TABLE ticket_state_transitions ENABLE TRIGGER trg_ticket_state_transitions_append_only;
ALTER TABLE audit_events DISABLE TRIGGER trg_audit_events_append_only;
DO $$
DECLARE
    event audit_events;
    chain uuid;
    place bigint := 0;
    digest bytea;
BEGIN
    FOR event IN SELECT * FROM audit_events ORDER BY ticket_id NULLS FIRST, created_at, seq LOOP
        IF place = 0 OR event.ticket_id IS DISTINCT FROM chain THEN
            chain := event.ticket_id;
            place := 0;
            digest := NULL;
        END IF;
        place := place + 1;
        event.ticket_seq := place;
        event.prev_hash := digest;
        digest := audit_entry_hash(event);
        UPDATE audit_events SET ticket_seq = place, prev_hash = event.prev_hash, entry_hash = digest
            WHERE id = event.id;
    END LOOP;
END
$$;
ALTER TABLE audit_events ENABLE TRIGGER trg_audit_events_append_only;
DROP FUNCTION audit_entry_hash(audit_events);

CREATE UNIQUE INDEX IF NOT EXISTS uq_audit_ticket_seq ON audit_events (ticket_id, ticket_seq);
CREATE UNIQUE INDEX IF NOT EXISTS uq_transitions_ticket_seq ON ticket_state_transitions (ticket_id, ticket_seq);

DROP TRIGGER IF EXISTS trg_audit_events_link ON audit_events;
CREATE TRIGGER trg_audit_events_link BEFORE INSERT ON audit_events
    FOR EACH ROW EXECUTE FUNCTION link_audit_event();
DROP TRIGGER IF EXISTS trg_ticket_state_transitions_number ON ticket_state_transitions;
CREATE TRIGGER trg_ticket_state_transitions_number BEFORE INSERT ON ticket_state_transitions
    FOR EACH ROW EXECUTE FUNCTION number_transition();

-- Nor are they emptied at once.
DROP TRIGGER IF EXISTS trg_audit_events_no_truncate ON audit_events;
CREATE TRIGGER trg_audit_events_no_truncate BEFORE TRUNCATE ON audit_events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_history_change();
DROP TRIGGER IF EXISTS trg_ticket_state_transitions_no_truncate ON ticket_state_transitions;
CREATE TRIGGER trg_ticket_state_transitions_no_truncate BEFORE TRUNCATE ON ticket_state_transitions
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_history_change();
