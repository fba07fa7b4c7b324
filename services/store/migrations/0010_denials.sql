-- What an identified actor was refused. Written in a transaction of its own, because the command's
-- transaction is rolled back; deliberately without references, so that a refusal is never lost to one.
CREATE TABLE IF NOT EXISTS ops_denials (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    seq bigint GENERATED ALWAYS AS IDENTITY,
    code text NOT NULL,
    dimension text NOT NULL,
    actor_type text NOT NULL,
    actor_id text NOT NULL,
    actor_role text NOT NULL,
    tool_name text NOT NULL,
    endpoint text NOT NULL,
    resource_path text NOT NULL,
    ticket_id uuid,
    request_id uuid,
    correlation_id text,
    trace_id text,
    details jsonb NOT NULL DEFAULT '{}'::jsonb,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX IF NOT EXISTS idx_ops_denials_created ON ops_denials (created_at);
CREATE INDEX IF NOT EXISTS idx_ops_denials_ticket ON ops_denials (ticket_id, created_at);
