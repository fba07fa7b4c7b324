//! `human`: something a person does and confirms.

use std::sync::Arc;
use std::time::{Duration, Instant};

use drillyard_spec::drill::Human;
use futures::future::BoxFuture;
use serde_json::json;

use crate::action::http::text_of;
use crate::action::{Done, Scene};

/// What a person is asked.
#[derive(Debug, Clone)]
pub struct Ask {
    /// The unit.
    pub unit: String,
    /// Who is asked.
    pub owner: String,
    /// What they are asked.
    pub text: String,
    /// How long they have.
    pub deadline: Duration,
}

/// Asks people and gives the name or initials of who confirmed; nothing where nobody can be asked, or nobody confirms.
pub type Desk = Arc<dyn Fn(Ask) -> BoxFuture<'static, Option<String>> + Send + Sync>;

/// A desk at which nobody sits.
#[must_use]
pub fn empty_desk() -> Desk {
    Arc::new(|_| Box::pin(async { None }))
}

/// Asks. The answer has `confirmed`, `by` and `took_ms`; without a confirmation there is none, and nothing is proved.
pub async fn perform(wanted: &Human, scene: &Scene<'_>) -> Done {
    let text = match text_of(&wanted.ask, scene) {
        Ok(text) => text,
        Err(reason) => return Done::unresolved("human", reason),
    };
    let what = json!({ "human": wanted.owner, "ask": text, "deadline_ms": wanted.deadline.as_millis() });
    let unit = scene.unit.to_owned();
    let ask = Ask { unit, owner: wanted.owner.clone(), text, deadline: wanted.deadline };
    let begun = Instant::now();
    let confirmed = tokio::time::timeout(wanted.deadline, (scene.desk)(ask)).await;
    let took = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    let answer = match confirmed {
        Ok(Some(by)) => Ok(json!({ "confirmed": true, "by": by, "took_ms": took })),
        Ok(None) => Err(format!("{} was not there to confirm it", wanted.owner)),
        Err(_) => Err(format!("{} did not confirm it within {} s", wanted.owner, wanted.deadline.as_secs())),
    };
    Done { what, answer }
}
