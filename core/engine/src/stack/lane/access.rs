//! What a lane tells those who work in it: names, addresses, credentials, logs.

use std::collections::BTreeMap;

use drillyard_spec::drill::Action;
use drillyard_spec::fault::EdgeName;
use drillyard_spec::topology::{Alerts, Process as Kind};

use super::super::undo::MARK;
use super::{HOST, Lane, LogMark, ObjectAccess, PoisonError, StackError, identity};

impl Lane {
    /// The lane's name: a number and the unit's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Real address by service, as `host:port`.
    #[must_use]
    pub fn addresses(&self) -> BTreeMap<String, String> {
        if let Some(attached) = self.stack.attached() {
            return attached.addresses();
        }
        self.wiring.ports.iter().map(|(service, port)| (service.clone(), format!("{HOST}:{port}"))).collect()
    }

    /// Every address that stands for a service of this lane somewhere, with the service: as the runner sees it, and as
    /// others in the lane do.
    #[must_use]
    pub fn all_addresses(&self) -> Vec<(String, String)> {
        let outside = self.addresses().into_iter().map(|(service, address)| (address, service));
        let inside = self.wiring.inside.iter().flat_map(|inside| {
            inside.names.iter().map(|(service, address)| (address.clone(), service.clone()))
        });
        let detours = self.wiring.inside.iter().flat_map(|inside| {
            let detour =
                |(edge, port): (&EdgeName, &u16)| (format!("{}:{port}", inside.gateway), edge.to.clone());
            self.wiring.detours.iter().map(detour)
        });
        // A system that is up already was most likely brought up from the same file.
        let own = self.stack.topology.services.iter().filter(|_| self.stack.attached().is_some());
        let own = own.filter_map(|service| {
            Some((format!("{}:{}", service.name, service.port?), service.name.clone()))
        });
        outside.chain(inside).chain(detours).chain(own).collect()
    }

    /// Base URL of a service, without a slash at the end.
    #[must_use]
    pub fn url(&self, service: &str) -> Option<String> {
        let found = self.stack.topology.service(service)?;
        if matches!(found.process, Some(Kind::Postgres(_))) {
            return None;
        }
        if let Some(attached) = self.stack.attached() {
            return attached.url(service).map(str::to_owned);
        }
        self.wiring.ports.get(service).map(|port| format!("http://{HOST}:{port}"))
    }

    /// Name of the lane's database.
    #[must_use]
    pub fn database(&self) -> Option<&str> {
        self.database.as_deref()
    }

    /// URL of the lane's database in the database service `service`.
    #[must_use]
    pub fn database_url(&self, service: &str) -> Option<String> {
        self.stack.topology.postgres().filter(|(found, _)| found.name == service)?;
        if let Some(attached) = self.stack.attached() {
            return attached.database_url().map(str::to_owned);
        }
        Some(self.server()?.url(self.database.as_deref()?))
    }

    /// The lane's bucket.
    #[must_use]
    pub fn objects(&self) -> Option<&ObjectAccess> {
        self.objects.as_ref()
    }

    /// The value of a secret in this lane.
    #[must_use]
    pub fn secret(&self, name: &str) -> Option<&str> {
        let known = self.stack.topology.secrets.iter().any(|secret| secret.name == name);
        self.wiring.variables.get(name).filter(|_| known).map(String::as_str)
    }

    /// Every secret of this lane, name and value, for masking.
    #[must_use]
    pub fn secrets(&self) -> Vec<(String, String)> {
        self.stack.secrets_in(&self.wiring)
    }

    /// The bearer token of an identity; the same for the whole life of the lane.
    ///
    /// # Errors
    /// When there is no such identity or its token cannot be signed.
    pub fn token(&self, name: &str) -> Result<String, StackError> {
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(token) = tokens.get(name) {
            return Ok(token.clone());
        }
        let known = self.stack.topology.identities.get(name);
        let known =
            known.ok_or_else(|| StackError::Unknown(format!("the topology has no identity `{name}`")))?;
        let token = identity::token(name, known, &self.wiring)?;
        tokens.insert(name.to_owned(), token.clone());
        Ok(token)
    }

    /// Headers that a request of `method` gets unless the step writes its own; values are templates.
    #[must_use]
    pub fn default_headers(&self, method: &str) -> Vec<(String, String)> {
        self.stack.topology.headers.get(method).cloned().unwrap_or_default()
    }

    /// How an answer of an alerts endpoint is read.
    #[must_use]
    pub fn alerts(&self) -> &Alerts {
        &self.stack.topology.alerts
    }

    /// Service and path at which tools are called.
    #[must_use]
    pub fn tool_door(&self) -> Option<(String, String)> {
        self.stack.topology.tools.as_ref().map(|tools| (tools.service.clone(), tools.path.clone()))
    }

    /// The present moment in the lane's logs.
    #[must_use]
    pub fn log_mark(&self) -> LogMark {
        self.logs.mark()
    }

    /// What the lane's services wrote since `mark`, as `service | line`; bounded per service.
    #[must_use]
    pub fn log_since(&self, mark: &LogMark) -> Vec<String> {
        self.logs.since(mark)
    }

    /// Everything a service of the lane wrote, at most the last 8 MiB; nothing when it has no log of its own.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn log_of(&self, service: &str) -> Option<std::io::Result<String>> {
        self.logs.whole(service)
    }

    /// Why an action may not be done here; nothing when it may.
    #[must_use]
    pub fn refuses(&self, action: &Action) -> Option<String> {
        self.stack.attached()?.refuses(action)
    }

    /// Programs the topology grants to drills.
    #[must_use]
    pub fn programs(&self) -> &[String] {
        &self.stack.topology.programs
    }

    /// A command for a program the topology grants: in the project's folder, with the mark of the run, by which it is
    /// found when it is left behind, and no environment but `PATH`.
    #[must_use]
    pub fn command(&self, program: &str) -> std::process::Command {
        let ground = &self.stack.ground;
        let mut command = ground.run().command(program);
        command.env_clear().env(MARK, &ground.options.run_id).env("PATH", &ground.options.search_path);
        command.current_dir(&ground.options.project_root);
        command
    }

    /// How to reach everything of the lane by hand, one line each.
    #[must_use]
    pub fn connection_strings(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if let Some((service, _)) = self.stack.topology.postgres() {
            lines.extend(self.database_url(&service.name).map(|url| format!("{}: {url}", service.name)));
        }
        if let (Some((service, _)), Some(objects)) = (self.stack.topology.object_store(), &self.objects) {
            let ObjectAccess { endpoint, bucket, access_key, secret_key, .. } = objects;
            lines.push(format!(
                "{}: {endpoint}/{bucket} AWS_ACCESS_KEY_ID={access_key} AWS_SECRET_ACCESS_KEY={secret_key}",
                service.name
            ));
        }
        let own = self.services.all();
        let urls = own.iter().filter_map(|(service, _)| Some(format!("{service}: {}", self.url(service)?)));
        lines.extend(urls);
        lines
    }
}
