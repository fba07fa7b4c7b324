use super::*;
use crate::topology;

const TOPOLOGY: &str = "
services:
  api:
    environment: { PORT: 8080, KEY: \"${KEY:?x}\" }
    x-drillyard: { process: { program: api }, ready: { tcp: true }, port_env: PORT }
x-drillyard: { secrets: [KEY] }
";

/// The target, or the messages of what is wrong.
fn read(text: &str) -> Result<Target, Vec<String>> {
    let known = topology::parse(&Source::new("compose.yaml", TOPOLOGY), &mut Vec::new()).unwrap();
    let name =
        text.split_once("target: ").map_or("x", |(_, rest)| rest.split_whitespace().next().unwrap_or("x"));
    let source = Source::new(&format!("ops/targets/{name}.yaml"), text);
    let mut out = Vec::new();
    let target = parse(&source, Some(&known), &mut out);
    target.ok_or_else(|| out.iter().map(|found| found.message.clone()).collect())
}

#[test]
fn a_target_says_where_things_are_and_what_may_be_done() {
    let target = read(
        "target: stage\nservices: { api: \"https://api.stage.example\" }\nsecrets: { KEY: \"${KEY}\" }\nallow: [requests, faults]\n",
    )
    .unwrap();
    assert!(!target.protected);
    assert_eq!(target.services["api"].with_defaults(), "https://api.stage.example");
    assert_eq!(target.allow, BTreeSet::from([Allowance::Requests, Allowance::Faults]));
}

#[test]
fn misspelt_services_secrets_and_allowances_are_found_at_once() {
    let wrong =
        read("target: stage\nservices: { apo: \"http://h\" }\nsecrets: { KEX: a }\nallow: [request]\n")
            .unwrap_err();
    assert_eq!(
        wrong,
        [
            "the topology has no service `apo`",
            "the topology has no secret `KEX`",
            "nothing is called `request` here"
        ]
    );
}

#[test]
fn what_people_depend_on_is_protected_by_its_name_or_its_host() {
    for text in [
        "target: prod-eu\nservices: { api: \"http://10.0.0.1\" }\nallow: [requests]\n",
        "target: a\nservices: { api: \"https://api.prod.example\" }\nallow: [requests]\n",
        "target: a\nservices: { api: \"http://h\" }\ndatabase: \"postgres://u:p@db-production:5432/x\"\nallow: [requests]\n",
        "target: a\nprotected: true\nservices: { api: \"http://h\" }\nallow: [requests]\n",
    ] {
        let wrong = read(text).unwrap_err();
        assert!(wrong[0].contains("is not allowed by naming it alone"), "{wrong:?}");
    }
    // Words that only begin so are nobody's production.
    assert!(!read("target: product\nservices: { api: \"http://producer\" }\n").unwrap().protected);
}

#[test]
fn a_protected_target_is_never_broken_on_purpose() {
    let text = "target: prod\ni_know_this_is_protected: prod\nservices: { api: \"http://h\" }\nallow: [requests, faults, load]\n";
    let wrong = read(text).unwrap_err();
    assert_eq!(wrong.len(), 2);
    assert!(wrong.iter().all(|message| message.contains("can never be allowed")), "{wrong:?}");
    let text =
        "target: prod\ni_know_this_is_protected: prod\nservices: { api: \"http://h\" }\nallow: [requests]\n";
    assert!(read(text).unwrap().protected);
}
