//! A redaction checks before it hides.

use drillyard_report::redact::{Kind, Redactions, RedactionsError, render};
use serde_json::{Value, json};

const A: &str = "0191d0b0-0000-7000-8000-00000000000a";
const B: &str = "0191d0b0-0000-7000-8000-00000000000B";

fn rules() -> Redactions {
    Redactions::parse(
        r##"
rules:
  - { field: id, kind: uuid }
  - { field: "*_id", kind: uuid }
  - { field: "*_at", kind: time }
  - { field: link, kind: embedded-uuid }
  - { path: "body.files[*].url", kind: url }
  - { path: "body.days[*]", kind: date }
  - { path: "**.etag", kind: hex64 }
  - { field: took_ms, kind: duration }
  - { field: port, kind: integer }
  - { field: token, kind: token }
  - { field: load, kind: number }
  - { field: host, kind: text }
"##,
    )
    .expect("the rules are good")
}

fn wrong(document: &Value) -> Vec<(String, Kind)> {
    rules().redact(document).expect_err("a value is wrong").into_iter().map(|e| (e.path, e.kind)).collect()
}

#[test]
fn the_same_uuid_gets_the_same_number_by_first_appearance() {
    let document = json!({
        "second_id": B,
        "id": A,
        "again_id": B.to_lowercase(),
        "ids": [A, "none"],
        "link": format!("/tickets/{A}/timeline?of={B}"),
        "text": format!("see {A}."),
        A: 1,
    });
    assert_eq!(
        rules().redact(&document).expect("all are UUIDs"),
        json!({
            "second_id": "[uuid:1]",
            "id": "[uuid:2]",
            "again_id": "[uuid:1]",
            "ids": ["[uuid:2]", "none"],
            "link": "/tickets/[uuid:2]/timeline?of=[uuid:1]",
            "text": "see [uuid:2].",
            "[uuid:2]": 1,
        })
    );
}

#[test]
fn every_kind_hides_what_fits_it() {
    let document = json!({
        "created_at": "2026-11-22T10:00:00.123Z",
        "body": { "files": [{ "url": "https://s3.local/x?sig=1", "etag": "a".repeat(64) }], "days": ["2026-11-22"] },
        "took_ms": 12.5, "port": 41999, "token": "eyJhbGciOiJIUzI1NiJ9.e30", "load": 0.5, "host": "box-7",
        "closed_at": null,
    });
    assert_eq!(
        rules().redact(&document).expect("all fit"),
        json!({
            "created_at": "[time]",
            "body": { "files": [{ "url": "[url]", "etag": "[hex64]" }], "days": ["[date]"] },
            "took_ms": "[duration]", "port": "[integer]", "token": "[token]", "load": "[number]", "host": "[text]",
            "closed_at": null,
        })
    );
}

#[test]
fn a_value_of_the_wrong_kind_fails_with_its_path_and_all_are_told() {
    let document = json!({
        "id": "0191d0b0", "created_at": "yesterday", "closed_at": "2026-11-22T10:00:00", "link": "/tickets",
        "body": { "files": [{ "url": "x" }, { "url": 1, "etag": "A" }], "days": ["2026-13-01", "20261122"] },
        "took_ms": -1, "port": 1.5, "token": "short", "load": "1", "host": " ", "site_id": { "id": A },
    });
    assert_eq!(
        wrong(&document),
        [
            ("id", Kind::Uuid),
            ("created_at", Kind::Time),
            ("closed_at", Kind::Time),
            ("link", Kind::EmbeddedUuid),
            ("body.files[0].url", Kind::Url),
            ("body.files[1].url", Kind::Url),
            ("body.files[1].etag", Kind::Hex64),
            ("body.days[0]", Kind::Date),
            ("body.days[1]", Kind::Date),
            ("took_ms", Kind::Duration),
            ("port", Kind::Integer),
            ("token", Kind::Token),
            ("load", Kind::Number),
            ("host", Kind::Text),
            ("site_id", Kind::Uuid),
        ]
        .map(|(path, kind)| (path.to_owned(), kind))
    );
    let first = &rules().redact(&json!({ "id": 7 })).expect_err("a number is no UUID")[0];
    assert_eq!(first.to_string(), "id is not a UUID: 7");
}

#[test]
fn durations_come_in_the_usual_spellings() {
    for good in [json!(0), json!("250ms"), json!("1.5s"), json!("PT5S")] {
        assert_eq!(
            rules().redact(&json!({ "took_ms": good })).expect("it fits"),
            json!({ "took_ms": "[duration]" })
        );
    }
    for bad in [json!("5"), json!("s"), json!("-5s"), json!("five s"), json!(true), json!("infs")] {
        assert!(rules().redact(&json!({ "took_ms": bad })).is_err(), "{bad}");
    }
}

#[test]
fn rules_that_fit_nothing_or_say_too_much_are_refused() {
    assert!(matches!(
        Redactions::parse("rules: [{ kind: uuid }]"),
        Err(RedactionsError::Empty { number: 1 })
    ));
    for text in ["rules: [{ field: a, kind: colour }]", "rules: [{ feild: a, kind: uuid }]", "{}", "rules: 1"]
    {
        assert!(matches!(Redactions::parse(text), Err(RedactionsError::Yaml(_))), "{text}");
    }
}

#[test]
fn a_pattern_is_no_regular_expression() {
    let rules = Redactions::parse("rules: [{ field: 'a.b*', kind: integer }]").expect("the rules are good");
    let document = json!({ "a.bc": 1, "axbc": 2 });
    assert_eq!(rules.redact(&document).expect("it fits"), json!({ "a.bc": "[integer]", "axbc": 2 }));
}

#[test]
fn a_document_reads_as_yaml_in_the_order_of_the_answer() {
    let document =
        json!({ "z": "[uuid:1]", "a": [1, { "b": "multi\nline\n" }], "t": "true", "f": false, "n": null });
    assert_eq!(
        render(&document).expect("it renders"),
        "z: '[uuid:1]'\na:\n- 1\n- b: |\n    multi\n    line\nt: 'true'\nf: false\nn: null\n"
    );
}

#[test]
fn a_time_in_any_other_spelling_is_told() {
    let rules = rules();
    for good in ["2026-11-22T10:00:00Z", "2026-11-22T10:00:00.123456+02:00"] {
        assert!(rules.redact(&json!({ "seen_at": good })).is_ok(), "{good}");
    }
    for bad in [
        "2026-11-22 10:00:00Z",
        "2026-11-22T10:00Z",
        "2026-11-22T10:00:00+00",
        "2026-02-30T10:00:00Z",
        "20261122T100000Z",
    ] {
        assert!(rules.redact(&json!({ "seen_at": bad })).is_err(), "{bad}");
    }
}
