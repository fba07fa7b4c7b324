-- The stream of state changes, for subscribers and for a job that calls webhooks. It is the history itself, seen in an
-- order in which nothing can appear behind a reader: by the transaction that wrote a row, and then by the row's
-- sequence. Rows of transactions that may still have an older neighbour in flight are not shown yet, so a reader that
-- remembers the last (txid, seq) it saw misses nothing and sees nothing twice.
--
-- Columns of ticket_events: txid (bigint) and seq (bigint) are the position and order; event_id is `<txid>-<seq>`;
-- event_type is `ticket.created` or `ticket.state_changed`; ticket_id, account_id, site_id; from_state (null on
-- creation), to_state; ticket_seq numbers the changes of one ticket from 1; audit_event_id, tool_name, actor_type,
-- actor_id, actor_role, correlation_id, trace_id tell what caused it; occurred_at is the start of the transaction.
--
-- A dump that is restored into another cluster brings transaction numbers of the old one along; set txid to 0 there,
-- with the append-only trigger disabled, and let readers start over.
ALTER TABLE ticket_state_transitions ADD COLUMN IF NOT EXISTS txid xid8 NOT NULL DEFAULT '0';
ALTER TABLE ticket_state_transitions ALTER COLUMN txid SET DEFAULT pg_current_xact_id();

CREATE INDEX IF NOT EXISTS idx_transitions_stream ON ticket_state_transitions (txid, seq);

CREATE OR REPLACE VIEW ticket_events AS
    SELECT m.txid::text::bigint AS txid, m.seq, m.txid::text || '-' || m.seq AS event_id,
        CASE WHEN m.from_state IS NULL THEN 'ticket.created' ELSE 'ticket.state_changed' END AS event_type,
        m.ticket_id, t.account_id, t.site_id, m.from_state, m.to_state, m.ticket_seq, m.audit_event_id,
        a.tool_name, a.actor_type, a.actor_id, a.actor_role, a.correlation_id, a.trace_id,
        m.created_at AS occurred_at, m.txid AS position_txid
    FROM ticket_state_transitions m
    JOIN tickets t ON t.id = m.ticket_id
    JOIN audit_events a ON a.id = m.audit_event_id
    WHERE m.txid < pg_snapshot_xmin(pg_current_snapshot());
