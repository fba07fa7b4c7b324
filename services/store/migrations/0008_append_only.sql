-- History is written once. Maintenance that truly has to touch it disables the trigger by name.
CREATE OR REPLACE FUNCTION refuse_history_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'integrity_constraint_violation';
END
$$;

DROP TRIGGER IF EXISTS trg_audit_events_append_only ON audit_events;
CREATE TRIGGER trg_audit_events_append_only BEFORE UPDATE OR DELETE ON audit_events
    FOR EACH ROW EXECUTE FUNCTION refuse_history_change();

DROP TRIGGER IF EXISTS trg_ticket_state_transitions_append_only ON ticket_state_transitions;
CREATE TRIGGER trg_ticket_state_transitions_append_only BEFORE UPDATE OR DELETE ON ticket_state_transitions
    FOR EACH ROW EXECUTE FUNCTION refuse_history_change();

DROP TRIGGER IF EXISTS trg_autonomy_control_history_append_only ON autonomy_control_history;
CREATE TRIGGER trg_autonomy_control_history_append_only BEFORE UPDATE OR DELETE ON autonomy_control_history
    FOR EACH ROW EXECUTE FUNCTION refuse_history_change();
