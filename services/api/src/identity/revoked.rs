//! The deny list of tokens: read from the database every second, looked at in memory.

use std::collections::HashSet;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use dispatch_domain::{ErrorCode, Refusal};
use dispatch_store::{PgPool, StoreError, revoked_tokens};
use serde_json::{Map, Value, json};
use tokio::time::{MissedTickBehavior, interval};

use crate::request_log::life_cycle;

/// From one reading of the list to the next: a token that is revoked is believed for at most this long.
const ROUND: Duration = Duration::from_secs(1);

/// Rounds after which entries that have expired are forgotten.
const ROUNDS_PER_PURGE: u32 = 3600;

/// Tokens that are no longer believed; clones share the list.
#[derive(Debug, Clone, Default)]
pub struct RevokedTokens(Arc<RwLock<HashSet<String>>>);

impl RevokedTokens {
    /// Reads the list.
    ///
    /// # Errors
    /// When the database does not answer; the list then stays as it was.
    pub async fn refresh(&self, pool: &PgPool) -> Result<(), StoreError> {
        let list: HashSet<String> = revoked_tokens::current(pool).await?.into_iter().collect();
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = list;
        Ok(())
    }

    /// Reads the list again and again.
    pub async fn keep_refreshing(self, pool: PgPool) {
        let mut beat = interval(ROUND);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut round, mut answering) = (0_u32, true);
        loop {
            beat.tick().await;
            round = round.wrapping_add(1);
            let mut outcome = self.refresh(&pool).await;
            if outcome.is_ok() && round.is_multiple_of(ROUNDS_PER_PURGE) {
                outcome = revoked_tokens::purge(&pool).await.map(drop);
            }
            // Said once per outage, not once per second.
            if let (Err(error), true) = (&outcome, answering) {
                let error = error.to_string();
                life_cycle(true, json!({ "message": "revoked tokens could not be read", "error": error }));
            }
            answering = outcome.is_ok();
        }
    }

    /// Refuses claims whose `jti` is on the list.
    pub(super) fn check(&self, claims: &Map<String, Value>) -> Result<(), Refusal> {
        let Some(jti) = claims.get("jti").and_then(Value::as_str) else { return Ok(()) };
        if self.0.read().unwrap_or_else(PoisonError::into_inner).contains(jti.trim()) {
            return Err(Refusal::new(ErrorCode::InvalidAuthClaims, "Token was revoked"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::RevokedTokens;
    use serde_json::{Map, Value, json};

    #[test]
    fn only_a_listed_jti_is_refused() {
        let revoked = RevokedTokens::default();
        revoked.0.write().unwrap().insert("bad".to_owned());
        let check = |jti: Value| revoked.check(&Map::from_iter([("jti".to_owned(), jti)]));
        assert!(check(json!("bad")).is_err() && check(json!("good")).is_ok() && check(json!(7)).is_ok());
        assert!(revoked.check(&Map::new()).is_ok());
    }
}
