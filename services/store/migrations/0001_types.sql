-- Enumerated types. Kept in a file of their own: a label added to an adopted database can only be
-- used by statements of a later transaction. Random ids come from gen_random_uuid(), which is built
-- into PostgreSQL since version 13, so no extension is needed.
DO $$
BEGIN
    IF to_regtype('public.ticket_state') IS NULL THEN
        CREATE TYPE ticket_state AS ENUM (
            'NEW', 'NEEDS_INFO', 'TRIAGED', 'APPROVAL_REQUIRED', 'READY_TO_SCHEDULE', 'SCHEDULE_PROPOSED',
            'SCHEDULED', 'PENDING_CUSTOMER_CONFIRMATION', 'DISPATCHED', 'ON_SITE', 'IN_PROGRESS', 'ON_HOLD',
            'COMPLETED_PENDING_VERIFICATION', 'VERIFIED', 'INVOICED', 'CLOSED', 'CANCELLED'
        );
    END IF;
    IF to_regtype('public.priority_level') IS NULL THEN
        CREATE TYPE priority_level AS ENUM ('EMERGENCY', 'URGENT', 'ROUTINE');
    END IF;
    IF to_regtype('public.actor_type') IS NULL THEN
        CREATE TYPE actor_type AS ENUM ('HUMAN', 'AGENT', 'SERVICE', 'SYSTEM');
    END IF;
    IF to_regtype('public.approval_status') IS NULL THEN
        CREATE TYPE approval_status AS ENUM ('PENDING', 'APPROVED', 'DENIED', 'CANCELLED');
    END IF;
END
$$;

ALTER TYPE ticket_state ADD VALUE IF NOT EXISTS 'CANCELLED';
