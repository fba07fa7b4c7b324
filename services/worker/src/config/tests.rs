use super::*;

fn read(settings: &[(&str, &str)]) -> Result<Config, ConfigError> {
    Config::from_lookup(&|name| {
        settings.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
    })
}

#[test]
fn an_empty_environment_gives_the_documented_defaults() {
    let config = read(&[]).unwrap();
    assert_eq!(config.mode, RunMode::Forever);
    assert!(!config.sms.enabled && config.sms.dry_run && config.sms.http_url.is_none());
    assert_eq!((config.outbox.max_attempts, config.outbox.batch_limit), (6, 20));
    assert_eq!(config.outbox.retry_base, Duration::from_secs(5));
    assert_eq!(config.outbox.retry_cap, Duration::from_secs(300));
    assert_eq!(config.outbox.poll, Duration::from_secs(2));
    assert_eq!((config.host.to_string().as_str(), config.port), ("127.0.0.1", 8081));
    assert_eq!(config.heartbeat, Duration::from_secs(20));
}

#[test]
fn switches_take_every_documented_word_and_doubt_the_rest() {
    for (word, expected) in [(" Enabled ", true), ("YES", true), ("0", false), ("disabled", false)] {
        assert_eq!(read(&[("DISPATCH_SMS_ENABLED", word)]).unwrap().sms.enabled, expected, "{word}");
    }
    let doubtful = read(&[("DISPATCH_SMS_DRY_RUN", "maybe")]).unwrap();
    assert!(doubtful.sms.dry_run, "pretending is the safe reading");
    assert!(doubtful.warnings.iter().any(|warning| warning.contains("DISPATCH_SMS_DRY_RUN")));
}

#[test]
fn numbers_that_are_no_positive_integers_fall_back_and_say_so() {
    for wrong in ["0", "-3", "1.5", "12abc"] {
        let config = read(&[("DISPATCH_OUTBOX_BATCH_LIMIT", wrong)]).unwrap();
        assert_eq!(config.outbox.batch_limit, 20, "{wrong}");
        assert!(config.warnings.iter().any(|warning| warning.contains("BATCH_LIMIT")), "{wrong}");
    }
    assert_eq!(read(&[("DISPATCH_OUTBOX_ITERATIONS", "2")]).unwrap().mode, RunMode::Passes(2));
}

#[test]
fn every_problem_is_listed_at_once() {
    let error = read(&[
        ("DISPATCH_WORKER_PORT", "http"),
        ("DISPATCH_WORKER_HOST", "nowhere"),
        ("DISPATCH_SMS_HTTP_URL", "sms:8025"),
        ("DISPATCH_OUTBOX_LEASE_MS", "5000"),
        ("DISPATCH_SMS_QUIET_HOURS", "at night"),
    ])
    .unwrap_err();
    assert_eq!(error.problems.len(), 5, "{error}");
}
