-- Alerts as a state machine that survives restarts and is shared by every instance.

-- Error answers that an alert rule counts, per second and code. Instances add to the same rows, so that a sum over
-- the last so many seconds is the count of all of them.
CREATE TABLE IF NOT EXISTS ops_signal_counts (
    code text NOT NULL,
    slice timestamptz NOT NULL,
    count bigint NOT NULL CHECK (count > 0),
    PRIMARY KEY (code, slice)
);

-- Where each alert stands now. An episode is one life of an alert, from pending to resolved.
CREATE TABLE IF NOT EXISTS ops_alerts (
    code text PRIMARY KEY,
    state text NOT NULL CHECK (state IN ('pending', 'firing', 'acknowledged', 'resolved')),
    episode uuid NOT NULL,
    count bigint NOT NULL,
    threshold bigint NOT NULL,
    since timestamptz NOT NULL,
    low_since timestamptz,
    first_seen_at timestamptz NOT NULL,
    fired_at timestamptz,
    acknowledged_at timestamptz,
    acknowledged_by text,
    resolved_at timestamptz
);

-- Every step of every alert. The actor is null when the API judged by itself.
CREATE TABLE IF NOT EXISTS ops_alert_history (
    id uuid PRIMARY KEY,
    seq bigint GENERATED ALWAYS AS IDENTITY,
    code text NOT NULL,
    episode uuid NOT NULL,
    from_state text,
    to_state text NOT NULL,
    count bigint NOT NULL,
    threshold bigint NOT NULL,
    actor_type text,
    actor_id text,
    actor_role text,
    note text,
    request_id uuid,
    correlation_id text,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE INDEX IF NOT EXISTS idx_ops_alert_history_order ON ops_alert_history (created_at DESC, id DESC);

DROP TRIGGER IF EXISTS trg_ops_alert_history_append_only ON ops_alert_history;
CREATE TRIGGER trg_ops_alert_history_append_only BEFORE UPDATE OR DELETE ON ops_alert_history
    FOR EACH ROW EXECUTE FUNCTION refuse_history_change();

-- Work that only one instance at a time should do. A holder that dies loses its lease by time.
CREATE TABLE IF NOT EXISTS ops_leases (
    name text PRIMARY KEY,
    holder text NOT NULL,
    expires_at timestamptz NOT NULL
);

-- The end of the confirmation window that a hold's notes name; null when they cannot be read.
CREATE OR REPLACE FUNCTION hold_confirmation_end(notes text) RETURNS timestamptz
    LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (notes::jsonb #>> '{confirmation_window,end}')::timestamptz;
EXCEPTION WHEN others THEN
    RETURN NULL;
END
$$;
