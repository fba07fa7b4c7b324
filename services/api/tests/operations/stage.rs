//! The API and its verbs on a database of their own.

use dispatch_testbed::{Api, Database, eventually};
use serde_json::Value;
use std::ops::{Deref, DerefMut};

/// An API that the test starts when it wants to.
pub struct Stage(Api);

impl Deref for Stage {
    type Target = Api;

    fn deref(&self) -> &Api {
        &self.0
    }
}

impl DerefMut for Stage {
    fn deref_mut(&mut self) -> &mut Api {
        &mut self.0
    }
}

impl Stage {
    /// On an empty database.
    pub async fn raise() -> Self {
        Self(Api::on(env!("CARGO_BIN_EXE_dispatch-api"), Database::empty().await))
    }

    /// Starts the API, and tells verbs where it is.
    pub async fn start_api(&mut self) {
        self.0.start().await;
        let url = self.0.url.clone();
        self.0.set("DISPATCH_API_URL", &url);
    }

    /// Reads as nobody.
    pub async fn get(&self, path: &str) -> (u16, Value) {
        let answer = self.0.get_with(path, &[]).await;
        (answer.status, answer.body)
    }

    pub async fn get_with_token(&self, path: &str, token: &str) -> u16 {
        self.0.get_with(path, &[("authorization", &format!("Bearer {token}"))]).await.status
    }

    /// Posts as a dispatcher with a fresh key.
    pub async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        let answer = self.0.post("dispatcher", path, body).await;
        (answer.status, answer.body)
    }

    /// Reads as a dispatcher.
    pub async fn read(&self, path: &str) -> (u16, Value) {
        self.read_with(path, &[]).await
    }

    /// Reads as a dispatcher, with further headers.
    pub async fn read_with(&self, path: &str, headers: &[(&str, String)]) -> (u16, Value) {
        let mut all = vec![("x-actor-id", "dispatcher-1"), ("x-actor-role", "dispatcher")];
        all.extend(headers.iter().map(|(name, value)| (*name, value.as_str())));
        let answer = self.0.get_with(path, &all).await;
        (answer.status, answer.body)
    }

    /// Any method, nobody's headers.
    pub async fn raw(&self, method: &str, path: &str) -> reqwest::Response {
        self.0.request(method.parse().unwrap(), path).send().await.unwrap()
    }

    /// Host and port of the API.
    pub fn address(&self) -> &str {
        self.0.url.trim_start_matches("http://")
    }

    /// Codes of the alerts that fire now.
    pub async fn alerts(&self) -> Vec<String> {
        let (status, body) = self.get("/ops/alerts").await;
        assert_eq!(status, 200, "{body}");
        let alerts = body["alerts"].as_array().unwrap();
        alerts.iter().map(|alert| alert["code"].as_str().unwrap().to_owned()).collect()
    }

    /// Waits until exactly these alerts fire.
    pub async fn alerts_become(&self, expected: &[&str]) {
        eventually(async || {
            let codes = self.alerts().await;
            (codes == expected).then_some(()).ok_or_else(|| format!("alerts stayed {codes:?}"))
        })
        .await;
    }

    /// Waits until a path answers with the status.
    pub async fn answers(&self, path: &str, status: u16) {
        eventually(async || {
            let is = self.get(path).await.0;
            (is == status).then_some(()).ok_or_else(|| format!("{path} answered {is}, never {status}"))
        })
        .await;
    }

    pub async fn execute(&self, statement: &str) {
        self.0.database.execute(statement).await;
    }
}
