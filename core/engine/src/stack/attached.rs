//! A system that is up already: where it is, and what drills may do to it. Nothing of it is ever started or removed.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use drillyard_spec::drill::{Action, Drill, Step};
use drillyard_spec::target::{Allowance, Target};
use drillyard_spec::topology::interpolate::Interpolated;
use drillyard_spec::topology::{Ready, Topology};

use super::Backend;
use super::error::StackError;
use super::object_store::ObjectAccess;

/// Bound for one answer of a system that is up.
const ANSWER: Duration = Duration::from_secs(10);

/// A target with its variables filled in.
#[derive(Debug, Clone)]
pub struct Attached {
    /// The target's name.
    pub name: String,
    file: String,
    urls: BTreeMap<String, String>,
    database: Option<String>,
    objects: Option<ObjectAccess>,
    secrets: BTreeMap<String, String>,
    allow: BTreeSet<Allowance>,
}

impl Attached {
    /// Fills in the variables of a target.
    ///
    /// # Errors
    /// When a variable has no value, with its name.
    pub fn resolve(target: &Target, variables: &dyn Fn(&str) -> Option<String>) -> Result<Self, StackError> {
        let fill = |what: &str, value: &Interpolated| {
            let missing = value.names().into_iter().find(|name| variables(name).is_none());
            let text = value.resolve(variables).map_err(|source| StackError::Unset {
                service: format!("{}: {what}", target.file),
                source,
            })?;
            match missing {
                // Compose reads an unset variable as nothing, which is no address and no key.
                Some(name) if text.is_empty() || value.to_string().contains(&format!("${{{name}}}")) => Err(
                    StackError::Unknown(format!("{}: {what}: the variable {name} has no value", target.file)),
                ),
                _ => Ok(text),
            }
        };
        let table = |values: &BTreeMap<String, Interpolated>| {
            let filled = values.iter().map(|(name, value)| Ok((name.clone(), fill(name, value)?)));
            filled.collect::<Result<BTreeMap<_, _>, StackError>>()
        };
        let objects = target.objects.as_ref().map(|objects| {
            Ok::<_, StackError>(ObjectAccess::new(
                fill("objects", &objects.endpoint)?,
                fill("objects", &objects.bucket)?,
                (fill("objects", &objects.access_key)?, fill("objects", &objects.secret_key)?),
            ))
        });
        let mut urls = table(&target.services)?;
        urls.values_mut().for_each(|url| url.truncate(url.trim_end_matches('/').len()));
        Ok(Self {
            name: target.name.clone(),
            file: target.file.clone(),
            urls,
            database: target.database.as_ref().map(|url| fill("database", url)).transpose()?,
            objects: objects.transpose()?,
            secrets: table(&target.secrets)?,
            allow: target.allow.clone(),
        })
    }

    /// Looks whether every service that says when it is ready is.
    ///
    /// # Errors
    /// The first that is not, with its address.
    pub async fn answers(&self, topology: &Topology) -> Result<(), StackError> {
        let client = reqwest::Client::builder().timeout(ANSWER).build();
        let client = client.map_err(|error| StackError::Unknown(format!("no HTTP client: {error}")))?;
        for (service, url) in &self.urls {
            let Some(Ready::Http(path)) = topology.service(service).map(|service| &service.ready) else {
                continue;
            };
            let why = match client.get(format!("{url}{path}")).send().await {
                Ok(answer) if answer.status().is_success() => continue,
                Ok(answer) => format!("answered {}", answer.status().as_u16()),
                Err(error) => error.without_url().to_string(),
            };
            let target = &self.name;
            return Err(StackError::Unknown(format!(
                "the target `{target}` is not up: `{service}`, GET {url}{path}: {why}"
            )));
        }
        Ok(())
    }

    /// Base URL of a service.
    #[must_use]
    pub fn url(&self, service: &str) -> Option<&str> {
        self.urls.get(service).map(String::as_str)
    }

    /// `host:port` of every service with an address.
    #[must_use]
    pub fn addresses(&self) -> BTreeMap<String, String> {
        let authority = |url: &str| url.split_once("://").map_or(url, |(_, rest)| rest).to_owned();
        self.urls.iter().map(|(service, url)| (service.clone(), authority(url))).collect()
    }

    /// URL of the database.
    #[must_use]
    pub fn database_url(&self) -> Option<&str> {
        self.database.as_deref()
    }

    /// Name of the database.
    #[must_use]
    pub fn database(&self) -> Option<&str> {
        let (_, path) = self.database.as_deref()?.rsplit_once('/')?;
        path.split('?').next().filter(|name| !name.is_empty())
    }

    /// The bucket.
    #[must_use]
    pub fn objects(&self) -> Option<&ObjectAccess> {
        self.objects.as_ref()
    }

    /// Values of the topology's secrets.
    #[must_use]
    pub fn secrets(&self) -> &BTreeMap<String, String> {
        &self.secrets
    }

    /// Why an action may not be done to the target; nothing when it may.
    #[must_use]
    pub fn refuses(&self, action: &Action) -> Option<String> {
        let needed = Allowance::needed_by(action).filter(|needed| !self.allow.contains(needed))?;
        let (word, file) = (needed.as_str(), &self.file);
        Some(format!(
            "the target `{}` does not allow `{word}`, which `{}` needs; `allow: [{word}]` in {file} would",
            self.name,
            action.describe()
        ))
    }

    /// Why a unit cannot be run on the target, before any of it is; nothing when it can.
    #[must_use]
    pub fn refuses_unit(&self, drill: &Drill) -> Option<String> {
        if !drill.env.is_empty() {
            let services = drill.env.keys().cloned().collect::<Vec<_>>().join(", ");
            return Some(format!(
                "it sets the environment of {services}, which runs on `{}` already",
                self.name
            ));
        }
        [&drill.steady, &drill.steps, &drill.finally].into_iter().find_map(|steps| self.refuses_one_of(steps))
    }

    fn refuses_one_of(&self, steps: &[Step]) -> Option<String> {
        let here = |step: &&Step| {
            step.backends.is_empty() || step.backends.iter().any(|word| word == Backend::Attached.as_str())
        };
        steps.iter().filter(here).find_map(|step| {
            let own = self.refuses(&step.action).map(|why| format!("{}: {why}", step.place));
            own.or_else(|| step.action.inner().into_iter().find_map(|inner| self.refuses_one_of(inner)))
        })
    }
}
