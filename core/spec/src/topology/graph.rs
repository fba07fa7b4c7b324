//! Checks that concern several services at once: dependencies, addresses, secrets.

use std::collections::BTreeSet;

use super::read::Spans;
use super::{Condition, Dependency, Process, Scope, Service, Topology, address};
use crate::code::Code;
use crate::diagnostic::{Diagnostic, suggest};
use crate::source::{Source, Span};

/// Looks at the topology as a whole.
pub fn check(source: &Source, topology: &Topology, spans: &Spans, out: &mut Vec<Diagnostic>) {
    let mut checker = Checker { source, topology, spans, out };
    checker.mentions();
    checker.dependencies();
    checker.cycles();
    checker.addresses();
    checker.secrets();
    checker.lanes();
}

/// Marks the secrets that a shared service or a template job mentions.
pub fn share_secrets(topology: &mut Topology) {
    let mentioned: BTreeSet<String> = topology
        .services
        .iter()
        .filter(|service| service.scope != Scope::Lane)
        .flat_map(Service::values)
        .flat_map(|(_, value)| value.names().into_iter().map(str::to_owned).collect::<Vec<_>>())
        .collect();
    for secret in &mut topology.secrets {
        secret.shared = mentioned.contains(&secret.name);
    }
}

struct Checker<'a, 'o> {
    source: &'a Source,
    topology: &'a Topology,
    spans: &'a Spans,
    out: &'o mut Vec<Diagnostic>,
}

impl Checker<'_, '_> {
    fn bad(&mut self, span: Span, message: impl Into<String>, help: impl Into<String>) {
        self.out.push(Diagnostic::new(Code::BadTopology, self.source, span, message).help(help));
    }

    fn service_span(&self, name: &str) -> Span {
        self.spans.services.get(name).copied().unwrap_or_default()
    }

    fn unknown_service(&mut self, name: &str, span: Span) {
        let names = self.topology.services.iter().map(|service| service.name.as_str());
        let help = suggest(name, names);
        let message = format!("the topology has no service `{name}`");
        self.out.push(Diagnostic::new(Code::UnknownService, self.source, span, message).maybe_help(help));
    }

    fn mentions(&mut self) {
        for (name, span) in &self.spans.mentioned {
            if self.topology.service(name).is_none() {
                self.unknown_service(name, *span);
            }
        }
    }

    fn dependencies(&mut self) {
        let topology = self.topology;
        for service in &topology.services {
            for dependency in &service.depends_on {
                let key = (service.name.clone(), dependency.service.clone());
                let span = self.spans.depends.get(&key).copied().unwrap_or_default();
                match topology.service(&dependency.service) {
                    None => self.unknown_service(&dependency.service, span),
                    Some(needed) => self.dependency(service, dependency, needed, span),
                }
            }
        }
    }

    fn dependency(&mut self, service: &Service, dependency: &Dependency, needed: &Service, span: Span) {
        let (name, other) = (&service.name, &needed.name);
        match dependency.condition {
            Condition::Completed if needed.process.is_some() && !needed.is_job() => {
                self.bad(
                    span,
                    format!("`{other}` never completes"),
                    format!("only a job does; give `{other}` the key `ready: {{exit: 0}}`"),
                );
            }
            Condition::Healthy if needed.is_job() => {
                self.bad(
                    span,
                    format!("`{other}` is a job and is never healthy"),
                    "write `condition: service_completed_successfully`",
                );
            }
            Condition::Healthy if !self.spans.healthchecks.contains(other) => {
                self.bad(span, format!("`{other}` has no health check"), "Compose refuses to start a service that waits for health without one; add `healthcheck:`");
            }
            Condition::Started | Condition::Healthy | Condition::Completed => {}
        }
        if service.process.is_some() && needed.process.is_none() {
            self.bad(
                span,
                format!("`{name}` runs as a process, but `{other}` only as a container"),
                format!("give `{other}` the key `x-drillyard: {{process: …}}`"),
            );
        }
        let outlives = match service.scope {
            Scope::Lane => true,
            Scope::Template => needed.scope != Scope::Lane,
            Scope::Shared => needed.scope == Scope::Shared,
        };
        if !outlives {
            self.bad(
                span,
                format!("`{name}` is there before `{other}`"),
                "a shared service cannot need one of a lane, and the template is made before any lane",
            );
        }
    }

    fn cycles(&mut self) {
        let mut done = BTreeSet::new();
        for service in &self.topology.services {
            let mut path = Vec::new();
            self.walk(&service.name, &mut path, &mut done);
        }
    }

    fn walk(&mut self, name: &str, path: &mut Vec<String>, done: &mut BTreeSet<String>) {
        if let Some(at) = path.iter().position(|seen| seen == name) {
            let mut ring: Vec<String> = path[at..].to_vec();
            ring.push(name.to_owned());
            let last = (path[path.len() - 1].clone(), name.to_owned());
            let span = self.spans.depends.get(&last).copied().unwrap_or_default();
            self.bad(
                span,
                format!("services wait for each other: {}", ring.join(" → ")),
                "none of them could ever start; remove one `depends_on`",
            );
            return;
        }
        if !done.insert(name.to_owned()) {
            return;
        }
        path.push(name.to_owned());
        if let Some(service) = self.topology.service(name) {
            for dependency in &service.depends_on {
                if self.topology.service(&dependency.service).is_some() {
                    self.walk(&dependency.service, path, done);
                }
            }
        }
        path.pop();
    }

    fn addresses(&mut self) {
        let topology = self.topology;
        for service in &topology.services {
            for (by, value) in service.values() {
                let text = value.with_defaults();
                let key = (service.name.clone(), by.to_owned());
                let span = self.spans.values.get(&key).copied().unwrap_or_default();
                for found in address::find(&text, |name| topology.service(name).is_some()) {
                    if let Some(target) = topology.service(found.service) {
                        self.address(service, target, found.port, span);
                    }
                }
            }
        }
    }

    fn address(&mut self, service: &Service, target: &Service, port: u16, span: Span) {
        if target.process.is_none() {
            return;
        }
        let name = &target.name;
        match target.port {
            None => self.bad(
                span,
                format!("`{name}` listens on no port"),
                "name the variable that holds its port in `port_env`",
            ),
            Some(real) if real != port => {
                self.bad(
                    span,
                    format!("`{name}` listens on {real}, not on {port}"),
                    format!("write `{name}:{real}`"),
                );
            }
            Some(_) if service.scope != Scope::Lane && target.scope == Scope::Lane => {
                self.bad(
                    span,
                    format!("`{}` is there before `{name}` and cannot know its address", service.name),
                    "only services of a lane can connect to one another",
                );
            }
            Some(_) => {}
        }
    }

    fn secrets(&mut self) {
        let topology = self.topology;
        let variables: BTreeSet<&str> =
            topology.services.iter().flat_map(Service::values).flat_map(|(_, value)| value.names()).collect();
        for secret in &topology.secrets {
            if !variables.contains(secret.name.as_str()) {
                let span = self.spans.secrets.get(&secret.name).copied().unwrap_or_default();
                let message = format!("no service mentions the secret `{}`", secret.name);
                let help = suggest(&secret.name, variables.iter().copied());
                self.out
                    .push(Diagnostic::new(Code::BadTopology, self.source, span, message).maybe_help(help));
            }
        }
        for (name, span) in &self.spans.signed_with {
            if !topology.secrets.iter().any(|secret| secret.name == *name) {
                let help = suggest(name, topology.secrets.iter().map(|secret| secret.name.as_str()));
                let help = help.or_else(|| Some("list it under `x-drillyard: {secrets: […]}`".to_owned()));
                let message = format!("there is no secret `{name}`");
                self.out
                    .push(Diagnostic::new(Code::UnknownName, self.source, *span, message).maybe_help(help));
            }
        }
    }

    fn lanes(&mut self) {
        let topology = self.topology;
        for (what, own) in [
            (
                "database",
                topology.postgres().and_then(|(service, it)| Some((service, it.lane_database.as_deref()?))),
            ),
            (
                "bucket",
                topology.object_store().and_then(|(service, it)| Some((service, it.lane_bucket.as_deref()?))),
            ),
        ] {
            let Some((service, variable)) = own else { continue };
            let lanes = topology.services.iter().filter(|service| service.scope == Scope::Lane);
            let used = lanes.flat_map(Service::values).any(|(_, value)| value.names().contains(&variable));
            if !used
                && topology
                    .services
                    .iter()
                    .any(|service| service.scope == Scope::Lane && service.process.is_some())
            {
                let span = self.service_span(&service.name);
                self.bad(
                    span,
                    format!(
                        "no service of a lane mentions `{variable}`, so all lanes would share one {what}"
                    ),
                    format!("write `${{{variable}:-…}}` where the {what} is named"),
                );
            }
        }
        for kind in ["postgres", "s3"] {
            let same = |service: &&Service| match &service.process {
                Some(Process::Postgres(_)) => kind == "postgres",
                Some(Process::ObjectStore(_)) => kind == "s3",
                _ => false,
            };
            if let Some(second) = topology.services.iter().filter(same).nth(1) {
                let span = self.service_span(&second.name);
                self.bad(
                    span,
                    format!("there are two services with `builtin: {kind}`"),
                    "a topology has at most one of each",
                );
            }
        }
        let template = topology.services.iter().find(|service| service.scope == Scope::Template);
        if let Some(job) =
            template.filter(|_| topology.postgres().is_none_or(|(_, it)| it.lane_database.is_none()))
        {
            let span = self.service_span(&job.name);
            self.bad(
                span,
                format!("`{}` prepares a template, but no database has one", job.name),
                "give the database `lane_database`",
            );
        }
    }
}
