use super::*;
use crate::code::Code;

const WHOLE: &str = r#"
name: shop
services:
  db:
    image: postgres:15
    environment: { POSTGRES_USER: shop, POSTGRES_PASSWORD: "${DB_PASSWORD:-shop}", POSTGRES_DB: shop }
    healthcheck: { test: [CMD-SHELL, pg_isready -U shop] }
    x-drillyard: { process: { builtin: postgres }, lane_database: SHOP_DB }
  files:
    image: minio/minio
    environment: { MINIO_ROOT_USER: "${KEY:-minio}", MINIO_ROOT_PASSWORD: "${SECRET:-minio123}" }
    x-drillyard: { process: { builtin: s3 }, lane_bucket: SHOP_BUCKET }
  seed:
    depends_on: { db: { condition: service_healthy } }
    environment: { URL: "postgres://shop:${DB_PASSWORD:-shop}@db:5432/${SHOP_DB:-shop}" }
    x-drillyard: { process: { cargo: shop-api, args: [seed] }, scope: template, ready: { exit: 0 } }
  api:
    depends_on:
      db: { condition: service_healthy }
      seed: { condition: service_completed_successfully }
    environment:
      - HOST=0.0.0.0
      - PORT=8080
      - URL=postgres://shop:${DB_PASSWORD:-shop}@db:5432/${SHOP_DB:-shop}
      - BUCKET=${SHOP_BUCKET:-shop}
      - FILES=http://files:9000
      - SIGN=${SIGN:?needs a secret}
    healthcheck: { test: [CMD, "true"] }
    x-drillyard: { process: { cargo: shop-api }, ready: { http: /readyz }, port_env: PORT, host_env: HOST, start_timeout: 5s }
  mailer:
    depends_on: [api]
    environment: { API: "http://api:8080" }
    x-drillyard: { process: { program: mailer, args: [--api, "http://api:8080/x"] }, ready: { log: "^ready" } }
x-drillyard:
  secrets: [SIGN, DB_PASSWORD]
  identities:
    clerk: { claims: { sub: clerk-1, sites: ["*"] }, secret: SIGN }
    machine: { bearer: SIGN }
  tools: { service: api, path: /tools }
  alerts: { list: data.alerts }
  http: { headers: { POST: { Idempotency-Key: "$${fresh.uuid}" } } }
x-other: { anything: goes }
"#;

fn read(text: &str) -> (Option<Topology>, Vec<Diagnostic>) {
    let mut out = Vec::new();
    let topology = parse(&Source::new("ops/compose.yaml", text), &mut out);
    (topology, out)
}

fn whole() -> Topology {
    let (topology, out) = read(WHOLE);
    assert_eq!(out, []);
    topology.unwrap()
}

/// The one mistake that changing `from` into `to` makes.
fn mistake(from: &str, to: &str) -> Diagnostic {
    assert!(WHOLE.contains(from), "{from}");
    let (topology, mut out) = read(&WHOLE.replacen(from, to, 1));
    assert!(topology.is_none());
    assert_eq!(out.len(), 1, "{out:#?}");
    out.remove(0)
}

#[test]
fn a_whole_topology_is_read() {
    let topology = whole();
    let names: Vec<_> = topology.services.iter().map(|service| service.name.as_str()).collect();
    assert_eq!(names, ["db", "files", "seed", "api", "mailer"]);
    let api = topology.service("api").unwrap();
    assert_eq!((api.port, api.scope, api.start_timeout), (Some(8080), Scope::Lane, Duration::from_secs(5)));
    assert_eq!(topology.postgres().unwrap().1.lane_database.as_deref(), Some("SHOP_DB"));
    assert_eq!(topology.object_store().unwrap().1.access_key_env, "MINIO_ROOT_USER");
    assert_eq!(topology.headers["POST"], [("Idempotency-Key".to_owned(), "${fresh.uuid}".to_owned())]);
    assert_eq!(topology.tools, Some(Endpoint { service: "api".to_owned(), path: "/tools".to_owned() }));
    assert_eq!(
        api.place.to_string(),
        format!("ops/compose.yaml:{}:3", WHOLE[..WHOLE.find("  api:").unwrap()].lines().count() + 1)
    );
}

#[test]
fn drills_see_services_databases_jobs_and_identities() {
    let names = whole().names();
    assert_eq!(names.services.len(), 5);
    assert!(names.databases.contains("db") && names.databases.len() == 1);
    assert!(names.jobs.contains("seed") && names.jobs.len() == 1);
    assert!(names.identities.contains("clerk") && names.identities.contains("machine"));
}

#[test]
fn edges_come_from_addresses() {
    let edges: Vec<_> = whole()
        .edges()
        .into_iter()
        .map(|edge| format!("{}->{} by {}", edge.from, edge.to, edge.by))
        .collect();
    assert_eq!(
        edges,
        [
            "seed->db by URL",
            "api->db by URL",
            "api->files by FILES",
            "mailer->api by API",
            "mailer->api by args"
        ]
    );
}

#[test]
fn a_secret_that_a_shared_service_needs_is_shared() {
    let shared: Vec<_> = whole().secrets.into_iter().map(|secret| (secret.name, secret.shared)).collect();
    assert_eq!(shared, [("SIGN".to_owned(), false), ("DB_PASSWORD".to_owned(), true)]);
}

#[test]
fn misspelt_keys_are_found_with_the_right_spelling() {
    for (from, to, help) in [
        ("healthcheck: { test: [CMD-SHELL", "helthcheck: { test: [CMD-SHELL", "`healthcheck`"),
        ("port_env: PORT", "port_evn: PORT", "`port_env`"),
        ("lane_bucket:", "lane_buckt:", "`lane_bucket`"),
        ("tools: {", "tolls: {", "`tools`"),
    ] {
        let (_, out) = read(&WHOLE.replacen(from, to, 1));
        let found = out.iter().find(|found| found.code == Code::UnknownKey).expect(to);
        assert!(found.help.as_deref().is_some_and(|text| text.contains(help)), "{found:?}");
    }
}

#[test]
fn unknown_services_are_found_wherever_they_are_named() {
    let found = mistake("depends_on: [api]", "depends_on: [apy]");
    assert_eq!((found.code, found.help.as_deref()), (Code::UnknownService, Some("did you mean `api`?")));
    assert_eq!(mistake("tools: { service: api,", "tools: { service: gateway,").code, Code::UnknownService);
}

#[test]
fn services_that_wait_for_each_other_are_found() {
    let (_, out) =
        read("services: { a: { depends_on: [b] }, b: { depends_on: [c] }, c: { depends_on: [a] } }");
    assert_eq!(out.len(), 1, "{out:#?}");
    assert_eq!(out[0].message, "services wait for each other: a → b → c → a");
}

#[test]
fn contradictions_between_services_are_found() {
    for (from, to, words) in [
        ("condition: service_completed_successfully", "condition: service_healthy", "never healthy"),
        (
            "      db: { condition: service_healthy }\n      seed",
            "      db: { condition: service_completed_successfully }\n      seed",
            "never completes",
        ),
        ("    healthcheck: { test: [CMD-SHELL, pg_isready -U shop] }\n", "", "no health check"),
        ("API: \"http://api:8080\"", "API: \"http://api:8081\"", "listens on 8080, not on 8081"),
        ("FILES=http://files:9000", "FILES=http://mailer:25", "listens on no port"),
        ("secrets: [SIGN, DB_PASSWORD]", "secrets: [SIGN, DB_PASSWRD]", "no service mentions"),
        ("lane_database: SHOP_DB", "lane_database: OTHER", "all lanes would share one database"),
        ("lane_bucket: SHOP_BUCKET", "lane_bucket: OTHER", "all lanes would share one bucket"),
        ("scope: template, ready: { exit: 0 }", "scope: sharde, ready: { exit: 0 }", "no scope `sharde`"),
        ("PORT=8080", "PORT=web", "not a port"),
        ("process: { program: mailer,", "process: { program: mailer, cargo: mailer,", "has one of"),
        ("ready: { log: \"^ready\" }", "ready: { log: \"(\" }", "is no pattern"),
        ("process: { builtin: s3 }", "process: { builtin: s4 }", "nothing called `s4`"),
    ] {
        let (topology, out) = read(&WHOLE.replacen(from, to, 1));
        assert!(topology.is_none(), "{to}");
        assert!(
            out.iter().any(|found| found.code == Code::BadTopology && found.message.contains(words)),
            "{to}: {out:#?}"
        );
    }
}

#[test]
fn an_identity_needs_a_listed_secret() {
    let found = mistake("machine: { bearer: SIGN }", "machine: { bearer: SING }");
    assert_eq!((found.code, found.help.as_deref()), (Code::UnknownName, Some("did you mean `SIGN`?")));
}

#[test]
fn a_header_that_compose_would_read_as_its_own_variable_is_refused() {
    assert_eq!(mistake("$${fresh.uuid}", "${fresh}").code, Code::BadTemplate);
    assert_eq!(mistake("$${fresh.uuid}", "$${fresh.uid}").code, Code::UnknownName);
    assert_eq!(mistake("${KEY:-minio}", "${KEY:-minio").code, Code::BadTemplate);
}

#[test]
fn the_topology_of_this_repository_is_sound() {
    let text =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../ops/compose.yaml")).unwrap();
    let (topology, out) = read(&text);
    assert_eq!(out, []);
    let topology = topology.unwrap();
    let api = topology.service("dispatch-api").unwrap();
    let database = api.setting("DISPATCH_DATABASE_URL").and_then(|setting| setting.value.as_ref()).unwrap();
    assert_eq!(
        database.with_defaults(),
        "postgres://dispatch:@postgres:5432/dispatch",
        "no secret has a default"
    );
    assert!(api.setting("DISPATCH_OBJECT_STORE_BUCKET").is_some(), "merged from an anchor");
    let names = topology.names();
    assert!(names.programs.contains("sha256sum"));
    assert!(names.drained.is_some_and(|query| query.starts_with("select count(*)")));
}
