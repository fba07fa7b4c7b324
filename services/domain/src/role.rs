//! The ten canonical roles and the other names they go by.

wire_enum! {
    /// A canonical role: what is compared, logged, returned and stored.
    enum Role as "role" {
        Dispatcher = "dispatcher",
        Technician = "technician",
        Audit = "audit",
        System = "system",
        Agent = "agent",
        Customer = "customer",
        Approver = "approver",
        Qa = "qa",
        Finance = "finance",
        Admin = "admin",
    }
}

/// The canonical roles in alphabetical order, as refusals list them.
pub const ALPHABETICAL: &[Role] = &[
    Role::Admin,
    Role::Agent,
    Role::Approver,
    Role::Audit,
    Role::Customer,
    Role::Dispatcher,
    Role::Finance,
    Role::Qa,
    Role::System,
    Role::Technician,
];

/// Other names, lower case, with the role each one means.
pub const ALIASES: &[(&str, Role)] = &[
    ("tech", Role::Technician),
    ("dispatcher_admin", Role::Dispatcher),
    ("assistant", Role::Dispatcher),
    ("bot", Role::Dispatcher),
];

/// The other names that let a program act as a dispatcher.
pub const MACHINE_ALIASES: &[&str] = &["assistant", "bot"];

/// A role name that is neither canonical nor an alias.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{source_name} '{value}' is not a known role; expected one of: {}", alphabetical())]
pub struct UnknownRole {
    /// Where the name came from, for example `Claim 'role'`.
    pub source_name: String,
    /// The name as given.
    pub value: String,
}

fn alphabetical() -> String {
    ALPHABETICAL.iter().map(|role| role.as_str()).collect::<Vec<_>>().join(", ")
}

impl Role {
    /// Reads a role or one of its other names in any case, surrounding white space ignored.
    ///
    /// `source_name` says where the name came from; it opens the message of a refusal.
    ///
    /// # Errors
    /// [`UnknownRole`], whose text lists the canonical roles alphabetically.
    pub fn parse(source_name: &str, value: &str) -> Result<Self, UnknownRole> {
        let name = value.trim().to_lowercase();
        name.parse()
            .ok()
            .or_else(|| ALIASES.iter().find(|(alias, _)| *alias == name).map(|(_, role)| *role))
            .ok_or_else(|| UnknownRole { source_name: source_name.to_owned(), value: value.to_owned() })
    }
}

/// Whether a name is one that lets a program act as a dispatcher.
pub fn is_machine_alias(name: &str) -> bool {
    MACHINE_ALIASES.contains(&name.trim().to_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_roles_and_four_aliases() {
        assert_eq!(Role::ALL.len(), 10);
        assert_eq!(ALPHABETICAL.len(), 10);
        assert!(ALPHABETICAL.windows(2).all(|pair| pair[0].as_str() < pair[1].as_str()));
        for (alias, role) in ALIASES {
            assert_eq!(Role::parse("role", &format!(" {} ", alias.to_uppercase())), Ok(*role));
        }
    }

    #[test]
    fn machine_aliases_are_aliases_of_the_dispatcher() {
        for name in MACHINE_ALIASES {
            assert!(ALIASES.contains(&(*name, Role::Dispatcher)) && is_machine_alias(&format!(" {name} ")));
        }
        assert!(!is_machine_alias("dispatcher"));
    }

    #[test]
    fn refusal_names_the_source_the_value_and_every_role() {
        let message = Role::parse("Header 'X-Actor-Role'", "boss").unwrap_err().to_string();
        assert_eq!(
            message,
            "Header 'X-Actor-Role' 'boss' is not a known role; expected one of: admin, agent, approver, audit, \
             customer, dispatcher, finance, qa, system, technician"
        );
    }
}
