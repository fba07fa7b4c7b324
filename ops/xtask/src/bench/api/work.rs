//! What the clients ask for.

use std::fmt::Write as _;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, bail};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;

use super::stage::SECRET;

/// The account, and its site, of every ticket that the bench creates.
pub const ACCOUNT: &str = "00000000-0000-4000-8000-200000000001";
/// See [`ACCOUNT`].
pub const SITE: &str = "00000000-0000-4000-8000-300000000001";
/// What the ids of the tickets that are there before begin with; the number follows.
pub const SEEDED: &str = "00000000-0000-4000-8000-";
/// The number of the first such ticket less one; twelve digits fill the id.
pub const FIRST: u64 = 100_000_000_000;

/// One kind of traffic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `GET /tickets/{id}` of any ticket.
    Ticket,
    /// The dispatcher's cockpit as it opens.
    Cockpit,
    /// The next fifty tickets that wait for a schedule.
    Queue,
    /// The fifty newest tickets.
    List,
    /// `POST /tickets`.
    Create,
    /// Create, triage, propose, confirm: four commands on one new ticket.
    Chain,
}

impl Kind {
    /// All, reads first.
    pub const ALL: [Self; 6] =
        [Self::Ticket, Self::Cockpit, Self::Queue, Self::List, Self::Create, Self::Chain];

    /// As named on the command line and in the report.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ticket => "ticket",
            Self::Cockpit => "cockpit",
            Self::Queue => "queue",
            Self::List => "list",
            Self::Create => "create",
            Self::Chain => "chain",
        }
    }

    /// Whether it leaves something behind.
    pub fn writes(self) -> bool {
        matches!(self, Self::Create | Self::Chain)
    }

    /// Requests of one round.
    pub fn steps(self) -> usize {
        if self == Self::Chain { 4 } else { 1 }
    }
}

/// A kind of traffic on a database with so many tickets.
#[derive(Debug, Clone)]
pub struct Work {
    kind: Kind,
    tickets: u64,
    head: String,
}

impl Work {
    /// The work of one kind.
    pub fn new(kind: Kind, tickets: u64) -> Result<Self> {
        let head = format!("host: dispatch-api\r\nauthorization: Bearer {}\r\n", token()?);
        Ok(Self { kind, tickets, head })
    }

    /// A client with a stream of random numbers of its own.
    pub fn client(&self, number: usize) -> Client {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let seed = (now.as_nanos() as u64) ^ ((number as u64 + 1) << 32);
        Client { work: self.clone(), random: seed | 1, step: 0, ticket: String::new(), body: String::new() }
    }
}

/// An HS256 token of a dispatcher who may see everything.
fn token() -> Result<String> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","typ":"JWT"}"#);
    let claims = json!({
        "sub": "bench-dispatcher", "role": "dispatcher", "actor_type": "HUMAN",
        "account_ids": ["*"], "site_ids": ["*"], "iat": now, "exp": now + 86_400,
    });
    let message = format!("{header}.{}", URL_SAFE_NO_PAD.encode(claims.to_string()));
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes())?;
    mac.update(message.as_bytes());
    Ok(format!("{message}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())))
}

/// One connection's requests.
#[derive(Debug)]
pub struct Client {
    work: Work,
    random: u64,
    step: usize,
    ticket: String,
    body: String,
}

impl Client {
    /// Requests of one round.
    pub fn steps(&self) -> usize {
        self.work.kind.steps()
    }

    /// Begins a round from its first request.
    pub fn begin_anew(&mut self) {
        self.step = 0;
    }

    /// Appends the next request.
    pub fn write_request(&mut self, out: &mut Vec<u8>) {
        let head = &self.work.head;
        let path = match self.work.kind {
            Kind::Ticket => {
                let number = FIRST + 1 + self.draw() % self.work.tickets;
                return get(out, &format!("/tickets/{SEEDED}{number}"), &self.work.head);
            }
            Kind::Cockpit => "/ux/dispatcher/cockpit",
            Kind::Queue => "/ux/dispatcher/cockpit?state=READY_TO_SCHEDULE&limit=50",
            Kind::List => "/tickets?limit=50",
            Kind::Create | Kind::Chain => return self.write_command(out),
        };
        get(out, path, head);
    }

    fn write_command(&mut self, out: &mut Vec<u8>) {
        let (verb, body) = match self.step {
            0 => (
                "",
                json!({
                    "account_id": ACCOUNT, "site_id": SITE, "summary": "Walk-in cooler does not hold temperature",
                    "description": "Reads 9 degrees since this morning, door seal looks worn", "nte_cents": 45_000,
                }),
            ),
            1 => (
                "triage",
                json!({ "priority": "URGENT", "incident_type": "REFRIGERATION", "ready_to_schedule": true }),
            ),
            2 => ("schedule/propose", json!({ "options": [window()] })),
            _ => ("schedule/confirm", window()),
        };
        self.body.clear();
        // Writing to a String cannot fail.
        let _ = write!(self.body, "{body}");
        let key = self.key();
        let path =
            if verb.is_empty() { "/tickets".to_owned() } else { format!("/tickets/{}/{verb}", self.ticket) };
        let head = format!(
            "POST {path} HTTP/1.1\r\n{}idempotency-key: {key}\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n",
            self.work.head,
            self.body.len()
        );
        out.extend_from_slice(head.as_bytes());
        out.extend_from_slice(self.body.as_bytes());
    }

    /// Takes the answer to the request written last.
    ///
    /// # Errors
    /// It is not the one that was to be had.
    pub fn answered(&mut self, status: u16, body: &[u8]) -> Result<()> {
        let creates = self.work.kind.writes() && self.step == 0;
        let expected = if creates { 201 } else { 200 };
        if status != expected {
            bail!("the API answered {status}: {}", String::from_utf8_lossy(body));
        }
        if creates && self.work.kind == Kind::Chain {
            let ticket: Value = serde_json::from_slice(body)?;
            ticket["id"].as_str().context("a ticket has an id")?.clone_into(&mut self.ticket);
        }
        self.step = (self.step + 1) % self.work.kind.steps();
        Ok(())
    }

    /// A random UUID of version 4.
    fn key(&mut self) -> String {
        let (high, low) = (self.draw(), self.draw());
        format!(
            "{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}",
            high >> 32,
            (high >> 16) & 0xffff,
            high & 0xfff,
            low >> 52,
            low & 0xffff_ffff_ffff
        )
    }

    /// xorshift64*: good enough to spread reads, and as cheap as it gets.
    fn draw(&mut self) -> u64 {
        self.random ^= self.random >> 12;
        self.random ^= self.random << 25;
        self.random ^= self.random >> 27;
        self.random.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }
}

fn get(out: &mut Vec<u8>, path: &str, head: &str) {
    for part in ["GET ", path, " HTTP/1.1\r\n", head, "\r\n"] {
        out.extend_from_slice(part.as_bytes());
    }
}

fn window() -> Value {
    json!({ "start": "2031-03-04T09:00:00.000Z", "end": "2031-03-04T11:00:00.000Z" })
}
