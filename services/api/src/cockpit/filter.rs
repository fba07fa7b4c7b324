//! The query parameters of the queue.

use std::collections::BTreeSet;
use std::str::FromStr;

use dispatch_domain::scope::ScopeList;
use dispatch_domain::sla::{self, SlaStatus};
use dispatch_domain::{ErrorCode, Priority, Refusal, Scope, TicketState, parse_uuid};
use dispatch_store::cockpit::{Band, QueueFilter};
use serde_json::{Value, json};
use time::OffsetDateTime;
use uuid::Uuid;

/// What was asked for; lists are distinct and sorted, empty when not used.
#[derive(Debug, Default)]
pub struct Filters {
    states: BTreeSet<Code<TicketState>>,
    priorities: BTreeSet<Code<Priority>>,
    /// Classes to show; applied after the cap.
    sla: BTreeSet<&'static str>,
    accounts: BTreeSet<Uuid>,
    sites: BTreeSet<Uuid>,
    technicians: BTreeSet<Uuid>,
    incident_types: BTreeSet<String>,
    /// The ticket of the detail panel; it does not filter.
    pub ticket_id: Option<Uuid>,
}

/// A word of a closed list, sorted with `_` before letters and digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Code<T>(T, &'static str);

impl<T: Eq> Ord for Code<T> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        let weights = |text: &'static str| text.bytes().map(|byte| if byte == b'_' { 1 } else { byte });
        weights(self.1).cmp(weights(other.1))
    }
}

impl<T: Eq> PartialOrd for Code<T> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Filters {
    /// Reads the parameters; each list may repeat, hold commas, or both.
    ///
    /// # Errors
    /// `INVALID_QUERY` naming the parameter.
    pub fn read(query: &[(String, String)]) -> Result<Self, Refusal> {
        let states = words(query, "state", str::to_uppercase, |state: TicketState| state.as_str())?;
        let priorities = words(query, "priority", str::to_uppercase, |priority: Priority| priority.as_str())?;
        let sla = words(query, "sla_status", str::to_owned, |status: SlaStatus| status.as_str())?;
        let filters = Self {
            states: states.into_iter().collect(),
            priorities: priorities.into_iter().collect(),
            sla: sla.into_iter().map(|code| code.1).collect(),
            accounts: uuids(query, "account_id")?,
            sites: uuids(query, "site_id")?,
            technicians: uuids(query, "assigned_tech_id")?,
            ticket_id: ticket_id(query)?,
            incident_types: values(query, "incident_type").map(str::to_uppercase).collect(),
        };
        if filters.incident_types.iter().any(|text| text.contains('\0')) {
            return Err(invalid("incident_type", "holds a NUL character"));
        }
        Ok(filters)
    }

    /// Whether a class is to be shown.
    pub fn shows(&self, status: SlaStatus) -> bool {
        self.sla.is_empty() || self.sla.contains(status.as_str())
    }

    /// The filters as they were understood.
    pub fn applied(&self) -> Value {
        json!({
            "state": self.states.iter().map(|code| code.1).collect::<Vec<_>>(),
            "priority": self.priorities.iter().map(|code| code.1).collect::<Vec<_>>(),
            "sla_status": self.sla,
            "account_id": self.accounts,
            "site_id": self.sites,
            "assigned_tech_id": self.technicians,
            "incident_type": self.incident_types,
            "ticket_id": self.ticket_id,
        })
    }

    /// What the queue is made of: every priority asked for, in every class of remaining time asked for.
    pub fn bands(&self, now: OffsetDateTime) -> Vec<Band> {
        let wanted = |priority: &Priority| {
            self.priorities.is_empty() || self.priorities.iter().any(|code| code.0 == *priority)
        };
        let band = |priority: Priority, (from, to)| Band {
            priority,
            target_minutes: sla::target_minutes(priority),
            from,
            to,
        };
        let priorities = Priority::ALL.iter().copied().filter(wanted);
        if self.sla.is_empty() {
            return priorities.map(|priority| band(priority, (None, None))).collect();
        }
        let classes: Vec<SlaStatus> =
            SlaStatus::ALL.iter().copied().filter(|class| self.shows(*class)).collect();
        priorities
            .flat_map(|priority| {
                classes.iter().map(move |class| band(priority, sla::starts_in(*class, priority, now)))
            })
            .collect()
    }

    /// The database's part of the filters, within the caller's scope.
    pub fn within(&self, scope: &Scope) -> QueueFilter {
        QueueFilter {
            states: self.states.iter().map(|code| code.0).collect(),
            priorities: self.priorities.iter().map(|code| code.0).collect(),
            account_ids: self.accounts.iter().copied().collect(),
            site_ids: self.sites.iter().copied().collect(),
            tech_ids: self.technicians.iter().copied().collect(),
            incident_types: self.incident_types.iter().cloned().collect(),
            account_scope: listed(&scope.accounts),
            site_scope: listed(&scope.sites),
        }
    }
}

/// A list as a restriction; everything is none.
pub fn listed(list: &ScopeList) -> Option<Vec<Uuid>> {
    (!list.all).then(|| list.ids.iter().copied().collect())
}

/// All values of a parameter, split at commas, trimmed, without blanks.
fn values<'a>(query: &'a [(String, String)], name: &str) -> impl Iterator<Item = &'a str> {
    query
        .iter()
        .filter(move |(parameter, _)| parameter == name)
        .flat_map(|(_, value)| value.split(','))
        .map(str::trim)
        .filter(|value| !value.is_empty())
}

fn words<T: FromStr + Copy>(
    query: &[(String, String)],
    name: &str,
    fold: fn(&str) -> String,
    spelling: fn(T) -> &'static str,
) -> Result<Vec<Code<T>>, Refusal> {
    values(query, name)
        .map(|value| match fold(value).parse::<T>() {
            Ok(word) => Ok(Code(word, spelling(word))),
            Err(_) => Err(invalid(name, &format!("has unsupported value '{value}'"))),
        })
        .collect()
}

fn uuids(query: &[(String, String)], name: &str) -> Result<BTreeSet<Uuid>, Refusal> {
    values(query, name)
        .map(|value| parse_uuid(value).ok_or_else(|| invalid(name, "must be a valid UUID")))
        .collect()
}

fn ticket_id(query: &[(String, String)]) -> Result<Option<Uuid>, Refusal> {
    let value = query.iter().find(|(parameter, _)| parameter == "ticket_id").map(|(_, value)| value.trim());
    value
        .filter(|value| !value.is_empty())
        .map(|value| parse_uuid(value).ok_or_else(|| invalid("ticket_id", "must be a valid UUID")))
        .transpose()
}

fn invalid(name: &str, what: &str) -> Refusal {
    Refusal::new(ErrorCode::InvalidQuery, format!("Query parameter '{name}' {what}"))
}

#[cfg(test)]
mod tests {
    use super::Filters;
    use serde_json::json;

    fn query(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn lists_repeat_or_hold_commas_and_are_sorted_and_distinct() {
        let filters = Filters::read(&query(&[
            ("state", "triaged, scheduled"),
            ("state", "SCHEDULE_PROPOSED,TRIAGED"),
            ("incident_type", "door_wont_latch"),
            ("sla_status", "breach"),
        ]))
        .unwrap();
        let applied = filters.applied();
        assert_eq!(applied["state"], json!(["SCHEDULE_PROPOSED", "SCHEDULED", "TRIAGED"]));
        assert_eq!(applied["incident_type"], json!(["DOOR_WONT_LATCH"]));
        assert_eq!(applied["ticket_id"], json!(null));
    }

    #[test]
    fn a_bad_value_names_its_parameter() {
        for (name, value) in [
            ("state", "LOST"),
            ("priority", "x"),
            ("sla_status", "BREACH"),
            ("account_id", "1"),
            ("ticket_id", "x"),
        ] {
            let refusal = Filters::read(&query(&[(name, value)])).unwrap_err();
            assert_eq!(refusal.code.as_str(), "INVALID_QUERY");
            assert!(refusal.message.contains(name), "{}", refusal.message);
        }
    }
}
