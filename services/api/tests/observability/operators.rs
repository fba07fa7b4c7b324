//! Operational endpoints behind a token or a listener of their own.

use dispatch_testbed::{Api, token};

use crate::desk::API;

const RESTRICTED: [&str; 3] = ["/metrics", "/ops/alerts", "/health"];

#[tokio::test]
async fn with_a_token_operational_data_is_for_whoever_shows_it_or_is_an_operator() {
    let settings = [("DISPATCH_OPS_TOKEN", "scrape me"), ("DISPATCH_AUTH_JWT_SECRET", token::SECRET)];
    let api = Api::raise(API, &settings).await;
    let bearer = |text: &str| format!("Bearer {text}");
    let (ops, dispatcher, customer) =
        (bearer("scrape me"), bearer(&token::for_role("dispatcher")), bearer(&token::for_role("customer")));
    for path in RESTRICTED {
        api.get_with(path, &[]).await.expect(401, "AUTH_REQUIRED");
        api.get_with(path, &[("authorization", "Bearer scrape you")]).await.expect(401, "INVALID_AUTH_TOKEN");
        api.get_with(path, &[("authorization", &customer)]).await.expect(403, "FORBIDDEN");
        for good in [&ops, &dispatcher] {
            assert_eq!(api.get_with(path, &[("authorization", good)]).await.status, 200, "{path}");
        }
    }
    for path in ["/livez", "/readyz"] {
        assert_eq!(api.get_with(path, &[]).await.status, 200, "{path} is for probes");
    }
}

#[tokio::test]
async fn with_a_listener_of_their_own_operational_endpoints_are_only_there() {
    let api = Api::raise(API, &[("DISPATCH_OPS_PORT", "0")]).await;
    let started = api.log().into_iter().find(|line| line["message"] == "dispatch-api started").unwrap();
    let ops = format!("http://127.0.0.1:{}", started["ops_port"]);
    let client = reqwest::Client::new();
    let status =
        async |path: &str| client.get(format!("{ops}{path}")).send().await.unwrap().status().as_u16();
    for path in RESTRICTED {
        api.get_with(path, &[]).await.expect(404, "NOT_FOUND");
        assert_eq!(status(path).await, 200, "{path}");
    }
    for path in ["/livez", "/readyz"] {
        assert_eq!((api.get_with(path, &[]).await.status, status(path).await), (200, 200), "{path}");
    }
    assert_eq!(status("/tickets").await, 404, "no business there");
    assert_eq!(api.get("/tickets").await.status, 200);
}
