//! Section A: the tables.

use dispatch_testbed::{Api, Database};

use crate::desk::Desk;

#[tokio::test]
async fn migrating_twice_is_migrating_once() {
    let api = Api::on(env!("CARGO_BIN_EXE_dispatch-api"), Database::empty().await);
    for _ in 0..2 {
        let output = api.run(&["migrate"]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    for table in ["tickets", "audit_events", "ticket_state_transitions", "idempotency_keys", "evidence_items"]
    {
        assert_eq!(api.count(&format!("SELECT count(*) FROM {table}")).await, 0);
    }
}

#[tokio::test]
async fn an_actor_has_one_stored_answer_per_endpoint_and_key() {
    let database = Database::migrated().await;
    let insert = |endpoint: &str, key: &str| {
        format!(
            "INSERT INTO idempotency_keys (actor_id, endpoint, request_id, request_hash, response_code, response_body) \
             VALUES ('a', '{endpoint}', '{key}', 'h', 200, '{{}}')"
        )
    };
    let (one, other) = ("00000000-0000-0000-0000-00000000000a", "00000000-0000-0000-0000-00000000000b");
    database.execute(&insert("/x", one)).await;
    database.execute(&insert("/y", one)).await;
    database.execute(&insert("/x", other)).await;
    let again = sqlx::raw_sql(sqlx::AssertSqlSafe(insert("/x", one))).execute(&database.pool).await;
    let code = again.unwrap_err().as_database_error().and_then(|error| error.code().map(String::from));
    assert_eq!(code.as_deref(), Some("23505"));
}

#[tokio::test]
async fn the_history_takes_legal_moves_only() {
    let desk = Desk::open().await;
    desk.create().await;
    let legal: [(&str, &[&str]); 6] = [
        ("NEW", &["NEEDS_INFO", "TRIAGED"]),
        ("", &["NEW", "TRIAGED", "READY_TO_SCHEDULE"]),
        ("TRIAGED", &["APPROVAL_REQUIRED", "READY_TO_SCHEDULE"]),
        ("APPROVAL_REQUIRED", &["READY_TO_SCHEDULE", "TRIAGED", "IN_PROGRESS"]),
        ("IN_PROGRESS", &["ON_HOLD", "COMPLETED_PENDING_VERIFICATION", "APPROVAL_REQUIRED"]),
        ("INVOICED", &["CLOSED"]),
    ];
    for (from, targets) in legal {
        for to in targets {
            assert!(moved(&desk, from, to).await, "{from}->{to}");
        }
    }
    for (from, to) in [("TRIAGED", "DISPATCHED"), ("NEW", "CLOSED"), ("", "DISPATCHED"), ("CLOSED", "NEW")] {
        assert!(!moved(&desk, from, to).await, "{from}->{to}");
    }
}

/// Whether the database takes the row.
async fn moved(desk: &Desk, from: &str, to: &str) -> bool {
    let insert = format!(
        "INSERT INTO ticket_state_transitions (ticket_id, from_state, to_state, audit_event_id) \
         SELECT ticket_id, nullif('{from}', '')::ticket_state, '{to}', id FROM audit_events LIMIT 1"
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(insert)).execute(&desk.database.pool).await.is_ok()
}

#[tokio::test]
async fn the_queue_and_the_duplicate_search_have_their_indexes() {
    let database = Database::migrated().await;
    let indexes = database.texts("SELECT indexdef FROM pg_indexes WHERE tablename = 'tickets'").await;
    for columns in [
        "(state, priority, created_at)",
        "(state, scheduled_start)",
        "(account_id, site_id, identity_signature, created_at)",
    ] {
        assert!(indexes.iter().any(|index| index.ends_with(columns)), "{columns}: {indexes:#?}");
    }
    let columns = database
        .texts("SELECT column_name::text FROM information_schema.columns WHERE table_name = 'tickets'");
    let columns = columns.await;
    for column in [
        "identity_signature",
        "identity_confidence",
        "classification_confidence",
        "sop_handoff_required",
        "sop_handoff_acknowledged",
        "sop_handoff_prompt",
        "customer_name",
        "customer_phone",
        "customer_email",
    ] {
        assert!(columns.iter().any(|name| name == column), "{column}");
    }
}
