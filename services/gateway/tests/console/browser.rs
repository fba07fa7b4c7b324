//! A headless Chromium, spoken to over its DevTools WebSocket. Waiting happens inside the page, with a bound.

use base64::Engine;
use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

pub const CHROMIUM: &str = "/usr/bin/chromium";

/// Longest wait for something to appear on the page.
const PATIENCE_MS: u32 = 15_000;

/// One page in one browser; both end with it.
pub struct Page {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    child: Child,
    _profile: TempDir,
    session: Value,
    next_id: u64,
    /// Script errors, refused resources and every address asked for.
    pub complaints: Vec<String>,
    pub requests: Vec<String>,
}

impl Drop for Page {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Page {
    #[expect(clippy::disallowed_methods, reason = "this test is about a browser, which is a process")]
    pub async fn open(url: &str) -> Self {
        let profile = TempDir::new().unwrap();
        let mut child = Command::new(CHROMIUM)
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
            .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
            .args(["--disable-dev-shm-usage", "--remote-debugging-port=0", "--window-size=1280,900"])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg("about:blank")
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let address = tokio::task::spawn_blocking(move || {
            let mut lines = stderr.lines().map_while(Result::ok);
            let found = lines.find_map(|line| line.strip_prefix("DevTools listening on ").map(str::to_owned));
            // Chromium must be able to go on writing.
            std::thread::spawn(move || lines.for_each(drop));
            found.expect("Chromium says where it listens")
        });
        let (socket, _) = connect_async(address.await.unwrap()).await.unwrap();
        let (complaints, requests) = (Vec::new(), Vec::new());
        let mut page =
            Self { socket, child, _profile: profile, session: Value::Null, next_id: 0, complaints, requests };
        let target = page.ask("Target.createTarget", json!({ "url": "about:blank" })).await;
        let params = json!({ "targetId": target["targetId"], "flatten": true });
        page.session = page.ask("Target.attachToTarget", params).await["sessionId"].clone();
        for domain in ["Page.enable", "Runtime.enable", "Log.enable", "Network.enable"] {
            page.ask(domain, json!({})).await;
        }
        page.ask("Page.navigate", json!({ "url": url })).await;
        page
    }

    async fn ask(&mut self, method: &str, params: Value) -> Value {
        self.next_id += 1;
        let id = self.next_id;
        let mut message = json!({ "id": id, "method": method, "params": params });
        if !self.session.is_null() {
            message["sessionId"] = self.session.clone();
        }
        self.socket.send(Message::text(message.to_string())).await.unwrap();
        loop {
            let Message::Text(text) = self.socket.next().await.expect("the browser lives").unwrap() else {
                continue;
            };
            let answer: Value = serde_json::from_str(&text).unwrap();
            if answer["id"] == id {
                assert!(answer.get("error").is_none(), "{method}: {answer}");
                return answer["result"].clone();
            }
            self.note(&answer);
        }
    }

    fn note(&mut self, event: &Value) {
        let params = &event["params"];
        match event["method"].as_str() {
            Some("Runtime.exceptionThrown") => self.complaints.push(params["exceptionDetails"].to_string()),
            Some("Log.entryAdded") if params["entry"]["level"] == "error" => {
                self.complaints.push(params["entry"].to_string());
            }
            Some("Network.requestWillBeSent") => {
                self.requests.push(params["request"]["url"].as_str().unwrap_or_default().to_owned());
            }
            _ => {}
        }
    }

    /// The value of a JavaScript expression.
    pub async fn value(&mut self, expression: &str) -> Value {
        let params = json!({ "expression": expression, "awaitPromise": true, "returnByValue": true });
        let answer = self.ask("Runtime.evaluate", params).await;
        assert!(answer.get("exceptionDetails").is_none(), "{expression}: {answer}");
        answer["result"]["value"].clone()
    }

    /// Waits until an expression is true; the page looks again whenever it has drawn.
    pub async fn until(&mut self, expression: &str) {
        let script = format!(
            "new Promise((done) => {{ const end = performance.now() + {PATIENCE_MS}; const look = () => {{ \
             let holds = false; try {{ holds = Boolean({expression}); }} catch {{}} \
             if (holds) done(true); else if (performance.now() > end) done(false); else setTimeout(look, 20); }}; look(); }})"
        );
        if self.value(&script).await != true {
            let seen = self.value("document.body.innerText").await;
            panic!("never true: {expression}\nthe page says:\n{}", seen.as_str().unwrap_or_default());
        }
    }

    /// Waits until a text is on the page.
    pub async fn until_shown(&mut self, text: &str) {
        self.until(&format!(
            "document.body.innerText.toLowerCase().includes({})",
            json!(text.to_lowercase())
        ))
        .await;
    }

    /// Presses one key: a character, or a key's name.
    pub async fn press(&mut self, key: &str) {
        let (code, text) = match key {
            "Enter" => (13, "\r"),
            "Tab" => (9, ""),
            "Escape" => (27, ""),
            "ArrowUp" => (38, ""),
            "ArrowDown" => (40, ""),
            letter => (0, letter),
        };
        let mut down = json!({ "type": "keyDown", "key": key, "windowsVirtualKeyCode": code });
        if !text.is_empty() {
            down["text"] = text.into();
        }
        self.ask("Input.dispatchKeyEvent", down).await;
        let up = json!({ "type": "keyUp", "key": key, "windowsVirtualKeyCode": code });
        self.ask("Input.dispatchKeyEvent", up).await;
    }

    /// Types into whatever has the focus.
    pub async fn type_text(&mut self, text: &str) {
        self.ask("Input.insertText", json!({ "text": text })).await;
    }

    /// Presses Tab until the focus is on an element.
    pub async fn tab_to(&mut self, selector: &str) {
        let here = format!("document.activeElement?.matches({})", json!(selector));
        for _ in 0..80 {
            if self.value(&here).await == true {
                return;
            }
            self.press("Tab").await;
        }
        panic!("the keyboard never reaches {selector}");
    }

    /// Resizes the window, and emulates a dark or light preference.
    pub async fn look(&mut self, width: u32, scheme: &str) {
        let metrics = json!({ "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false });
        self.ask("Emulation.setDeviceMetricsOverride", metrics).await;
        let features = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.ask("Emulation.setEmulatedMedia", features).await;
    }

    /// Keeps a picture for a person to look at.
    pub async fn picture(&mut self, name: &str) {
        let shot = self.ask("Page.captureScreenshot", json!({ "format": "png" })).await;
        let png = base64::engine::general_purpose::STANDARD.decode(shot["data"].as_str().unwrap()).unwrap();
        std::fs::write(Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("console-{name}.png")), png)
            .unwrap();
    }
}
