//! `dispatch-api` as a process.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Output;
use std::sync::Once;

use reqwest::{Client, Method, RequestBuilder};
use serde_json::Value;
use uuid::Uuid;

use crate::answer::try_send;
use crate::{Answer, Database, Process, Signal, send};

static PROVIDER: Once = Once::new();

/// An API on a database of its own.
#[derive(Debug)]
pub struct Api {
    // Before the database, so that it is dropped first.
    process: Option<Process>,
    /// Its database.
    pub database: Database,
    /// `http://127.0.0.1:<port>` once it was started.
    pub url: String,
    program: PathBuf,
    environment: BTreeMap<String, String>,
    client: Client,
}

impl Api {
    /// Prepares a program on a database; nothing runs yet.
    #[must_use]
    pub fn on(program: &str, database: Database) -> Self {
        PROVIDER.call_once(|| {
            // Ignored: the test may have installed it itself.
            let _ = rustls::crypto::ring::default_provider().install_default();
        });
        let environment = BTreeMap::from([
            ("DISPATCH_DATABASE_URL".to_owned(), database.url.clone()),
            ("DISPATCH_API_PORT".to_owned(), "0".to_owned()),
            ("DISPATCH_ENV".to_owned(), "test".to_owned()),
        ]);
        let client = Client::builder().no_proxy().build().unwrap();
        Self { process: None, database, url: String::new(), program: program.into(), environment, client }
    }

    /// Starts a program on a database with the demo fixtures; `settings` are added to its environment.
    pub async fn raise(program: &str, settings: &[(&str, &str)]) -> Self {
        let mut api = Self::on(program, Database::seeded().await);
        settings.iter().for_each(|(name, value)| api.set(name, value));
        api.start().await;
        api
    }

    /// Adds a setting for every process started from now on.
    pub fn set(&mut self, name: &str, value: &str) {
        self.environment.insert(name.to_owned(), value.to_owned());
    }

    /// Starts it and waits until it listens.
    pub async fn start(&mut self) {
        let process = Process::start(&self.database, &self.program, &["serve"], self.environment());
        let started = process.line(|line| line["message"] == "dispatch-api started").await;
        self.url = format!("http://127.0.0.1:{}", started["port"]);
        self.process = Some(process);
    }

    /// Runs a verb to its end.
    #[must_use]
    pub fn run(&self, arguments: &[&str]) -> Output {
        Process::run(&self.database, &self.program, arguments, self.environment())
    }

    fn environment(&self) -> impl Iterator<Item = (&str, &str)> {
        self.environment.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The running process.
    pub fn process(&mut self) -> &mut Process {
        self.process.as_mut().expect("it was started")
    }

    /// Sends the process a signal.
    pub fn signal(&self, signal: Signal) {
        self.process.as_ref().expect("it was started").signal(signal);
    }

    /// Ends it at once.
    pub fn kill(&mut self) {
        self.process().kill();
    }

    /// Lines of its log so far.
    #[must_use]
    pub fn log(&self) -> Vec<Value> {
        self.process.as_ref().map(Process::lines).unwrap_or_default()
    }

    /// Any request to it; connections are shared.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.url))
    }

    /// A GET with headers.
    pub async fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        send(with(self.request(Method::GET, path), headers)).await
    }

    /// Reads as a role, by development headers.
    pub async fn get_as(&self, role: &str, path: &str) -> Answer {
        self.get_with(path, &[("x-actor-id", "actor-1"), ("x-actor-role", role)]).await
    }

    /// Reads as a dispatcher.
    pub async fn get(&self, path: &str) -> Answer {
        self.get_as("dispatcher", path).await
    }

    /// A POST with headers and nothing else.
    pub async fn post_headers(&self, path: &str, body: &Value, headers: &[(&str, &str)]) -> Answer {
        send(with(self.request(Method::POST, path), headers).json(body)).await
    }

    /// Posts as a role with a fresh key.
    pub async fn post(&self, role: &str, path: &str, body: &Value) -> Answer {
        self.post_with(role, path, body, Uuid::new_v4()).await
    }

    /// Posts as a role with a given key.
    pub async fn post_with(&self, role: &str, path: &str, body: &Value, key: Uuid) -> Answer {
        send(self.command(role, path, body, key)).await
    }

    /// The same for an API that may be gone.
    ///
    /// # Errors
    /// When no whole answer came back.
    pub async fn try_post(&self, role: &str, path: &str, body: &Value, key: Uuid) -> reqwest::Result<Answer> {
        try_send(self.command(role, path, body, key)).await
    }

    fn command(&self, role: &str, path: &str, body: &Value, key: Uuid) -> RequestBuilder {
        let request = self.request(Method::POST, path).header("idempotency-key", key.to_string());
        request.header("x-actor-id", "actor-1").header("x-actor-role", role).json(body)
    }

    /// Posts and expects success with the ticket in a state.
    pub async fn moves(&self, role: &str, path: &str, body: &Value, state: &str) -> Answer {
        let answer = self.post(role, path, body).await;
        assert!(answer.status < 300 && answer.state() == state, "{path}: {}", answer.text);
        answer
    }

    /// Posts and expects a refusal.
    pub async fn refuses(&self, role: &str, path: &str, body: &Value, code: &str) -> Answer {
        let answer = self.post(role, path, body).await;
        assert_eq!(answer.code(), code, "{path}: {}", answer.text);
        answer
    }

    /// One number from its database.
    pub async fn count(&self, query: &str) -> i64 {
        self.database.count(query).await
    }
}

fn with(request: RequestBuilder, headers: &[(&str, &str)]) -> RequestBuilder {
    headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))
}
