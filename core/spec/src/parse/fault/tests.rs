//! Faults as they are written, and mistakes in them.

use super::*;
use crate::parse::{Context, Names, drill};
use crate::source::Texts;

/// Code, line and help of a mistake.
type Complaint = (Code, usize, Option<String>);

fn read(steps: &str) -> Result<Vec<FaultStep>, Vec<Complaint>> {
    let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let names = Names {
        services: set(&["api", "db", "objects"]),
        databases: set(&["db"]),
        processes: set(&["api"]),
        object_stores: set(&["objects"]),
        edges: [("api".to_owned(), "db".to_owned())].into(),
        ..Names::default()
    };
    let mut texts = Texts::default();
    let check = "- http: { get: api/x }\n  expect: { status: 200 }\n";
    texts.insert("drills/x.yaml", &format!("drill: x\ntitle: A title\nsteps:\n{check}{steps}"));
    let source = texts.get("drills/x.yaml").unwrap().clone();
    let mut out = Vec::new();
    let drill = drill(&source, Context { texts: &texts, names: &names }, &mut out);
    if !out.is_empty() {
        return Err(out.into_iter().map(|d| (d.code, d.place.line, d.help)).collect());
    }
    let steps = drill.into_iter().flat_map(|drill| drill.steps).filter_map(|step| match step.action {
        Action::Fault(step) => Some(step),
        _ => None,
    });
    Ok(steps.collect())
}

#[test]
fn every_row_of_the_catalog_can_be_written() {
    for info in FAULTS {
        let target = match info.family {
            Family::Service | Family::Resources | Family::Time | Family::Isolation => "api",
            Family::Wire | Family::Http => "api -> db",
            Family::Database => "db",
            Family::Objects => "objects",
        };
        let value = |key: &str| match key {
            "delay" | "jitter" => "5ms",
            "by" => "-5m",
            "set" => "{ A: b }",
            "table" | "key" => "a",
            "answer" => "503",
            _ => "3",
        };
        let keys = info.needs.iter().chain(info.may).map(|key| format!(", {key}: {}", value(key)));
        let rest: String = keys.chain([", after: 0ms..2s".to_owned()]).collect();
        let steps =
            read(&format!("- fault: {{ {}: {target}{rest} }}\n- fault: {{ heal: {target} }}\n", info.name));
        let steps = steps.unwrap_or_else(|out| panic!("{}: {out:?}", info.name));
        let FaultStep::Inject(fault) = &steps[0] else { panic!("{}", info.name) };
        assert_eq!((fault.kind, fault.name.as_str()), (info.name, target));
        assert_eq!(steps[1], FaultStep::Heal(target.to_owned()));
    }
}

#[test]
fn mistakes_are_found_with_their_place_and_the_way_out() {
    let first = |steps: &str| read(steps).unwrap_err().remove(0);
    let (code, line, help) = first("- fault: { kil: api }\n");
    assert_eq!((code, line), (Code::BadAction, 6));
    assert!(help.unwrap().contains("kill"));
    assert_eq!(first("- fault: { kill: db }\n").0, Code::UnknownService);
    assert_eq!(first("- fault: { read-only: api }\n").0, Code::UnknownService);
    let (code, _, help) = first("- fault: { reset: db -> api }\n");
    assert_eq!(code, Code::UnknownService);
    assert!(help.unwrap().contains("api -> db"));
    assert_eq!(first("- fault: { latency: api -> db }\n").0, Code::MissingKey);
    assert_eq!(first("- fault: { reset: api -> db, times: 2 }\n").0, Code::UnknownKey);
    assert_eq!(first("- fault: { status: api -> db, answer: 700 }\n").0, Code::BadAction);
    assert_eq!(first("- fault: { status: api -> db, answer: 503, times: 0 }\n").0, Code::WrongType);
    assert_eq!(first("- fault: { kill: api, stop: api }\n").0, Code::BadAction);
    assert_eq!(first("- fault: { heal: api }\n").0, Code::UnknownName);
    assert_eq!(first("- fault: { recovered: api }\n").0, Code::UnknownName);
    assert_eq!(first("- fault: { kill: api }\n- fault: { recovered: api, kept: 1 }\n").0, Code::BadAction);
    assert_eq!(first("- fault: { wrong-environment: api, set: {} }\n").0, Code::BadAction);
    assert_eq!(first("- fault: { cpu-limit: api, percent: 100 }\n").0, Code::BadAction);
    assert_eq!(first("- fault: { clock-skew: api, by: soon }\n").0, Code::BadDuration);
    assert_eq!(first("- fault: { kill: api, after: 2s..1s }\n").0, Code::BadDuration);
    assert_eq!(first("- fault: { isolate: db }\n").0, Code::UnknownService);
}

#[test]
fn a_fault_has_a_moment_and_a_recovery_has_figures() {
    let steps = read(
        "- fault: { isolate: lane, after: 10ms..2s }\n\
         - fault: { recovered: lane, acknowledged: [1, 2], kept: 2 }\n\
         - fault: { clock-skew: api, by: -1h }\n",
    )
    .unwrap();
    let FaultStep::Inject(fault) = &steps[0] else { panic!("{steps:?}") };
    assert_eq!(fault.after, Some((Duration::from_millis(10), Duration::from_secs(2))));
    assert_eq!(fault.isolates(), Some(None));
    let FaultStep::Recovered(recovered) = &steps[1] else { panic!("{steps:?}") };
    assert_eq!(recovered.kept, Some(serde_json::json!(2)));
    let FaultStep::Inject(fault) = &steps[2] else { panic!("{steps:?}") };
    assert_eq!(fault.moves_clock_of(), Some("api"));
}
