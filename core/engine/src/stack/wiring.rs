//! What a process is told: its environment and arguments, with real addresses in place of service names.

use std::collections::BTreeMap;

use drillyard_spec::fault::EdgeName;
use drillyard_spec::topology::interpolate::Interpolated;
use drillyard_spec::topology::{Service, address};

use super::container::Inside;
use super::error::StackError;

/// The address every process listens on.
pub const HOST: &str = "127.0.0.1";

/// Values that hold for one lane, or for the shared part of the stack.
#[derive(Debug, Clone, Default)]
pub struct Wiring {
    /// Compose variables: secrets, the lane's database and bucket, and what was given from outside.
    pub variables: BTreeMap<String, String>,
    /// Real port by service.
    pub ports: BTreeMap<String, u16>,
    /// Ports of proxies that stand before a service, by who connects and to whom.
    pub detours: BTreeMap<EdgeName, u16>,
    /// Variables that every process gets, such as `PATH`.
    pub base: BTreeMap<String, String>,
    /// Addresses inside of containers; nothing where all are processes.
    pub inside: Option<Inside>,
}

impl Wiring {
    /// The environment of `service`. `own` replaces values of the Compose file, except where it listens.
    ///
    /// # Errors
    /// When a required variable has no value.
    pub fn environment(
        &self,
        service: &Service,
        own: &BTreeMap<String, String>,
    ) -> Result<BTreeMap<String, String>, StackError> {
        let mut environment = self.base.clone();
        for setting in &service.environment {
            let value = match &setting.value {
                Some(value) => Some(self.resolve(service, value)?),
                None => self.variables.get(&setting.name).cloned(),
            };
            if let Some(value) = value {
                environment.insert(setting.name.clone(), value);
            }
        }
        let listens = |name: &String| {
            service.host_env.as_ref() == Some(name) || service.port_env.as_ref() == Some(name)
        };
        for (name, value) in own.iter().filter(|(name, _)| !listens(name)) {
            environment.insert(name.clone(), self.rewrite(service, value));
        }
        if self.inside.is_some() {
            // A container listens where the Compose file says; its port leads outside by the engine.
            return Ok(environment);
        }
        if let Some(name) = &service.host_env {
            environment.insert(name.clone(), HOST.to_owned());
        }
        if let (Some(name), Some(port)) = (&service.port_env, self.ports.get(&service.name)) {
            environment.insert(name.clone(), port.to_string());
        }
        Ok(environment)
    }

    /// The arguments of `service`: of its process, or of its container's entry point.
    ///
    /// # Errors
    /// When a required variable has no value.
    pub fn args(&self, service: &Service) -> Result<Vec<String>, StackError> {
        let args = if self.inside.is_some() { &service.command } else { service.args() };
        args.iter().map(|value| self.resolve(service, value)).collect()
    }

    /// The image of `service`.
    ///
    /// # Errors
    /// When it has none, or a required variable has no value.
    pub fn image(&self, service: &Service) -> Result<String, StackError> {
        let image = service.image.as_ref().ok_or_else(|| {
            StackError::Unknown(format!("`{}` has no image, so it cannot run as a container", service.name))
        })?;
        image
            .resolve(&|name| self.variables.get(name).cloned())
            .map_err(|source| StackError::Unset { service: service.name.clone(), source })
    }

    /// A value with its variables filled in and its addresses made real.
    ///
    /// # Errors
    /// When a required variable has no value.
    pub fn resolve(&self, service: &Service, value: &Interpolated) -> Result<String, StackError> {
        let text = value.resolve(&|name| self.variables.get(name).cloned());
        let text = text.map_err(|source| StackError::Unset { service: service.name.clone(), source })?;
        Ok(self.rewrite(service, &text))
    }

    fn rewrite(&self, from: &Service, text: &str) -> String {
        // The topology was checked: a service is only ever named with the port it listens on.
        address::rewrite(text, |name, _| {
            let edge = EdgeName { from: from.name.clone(), to: name.to_owned() };
            match (self.detours.get(&edge), &self.inside) {
                (Some(port), None) => Some(format!("{HOST}:{port}")),
                (Some(port), Some(inside)) => Some(format!("{}:{port}", inside.gateway)),
                (None, None) => Some(format!("{HOST}:{}", self.ports.get(name)?)),
                (None, Some(inside)) => inside.names.get(name).cloned(),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use drillyard_spec::source::Source;
    use drillyard_spec::topology::{Topology, parse};

    const TEXT: &str = r#"
services:
  api:
    environment: { HOST: 0.0.0.0, PORT: 8080, MODE: "${MODE:-quiet}", KEY: "${KEY:?give one}", LEFT_OUT: }
    x-drillyard: { process: { program: api, args: ["--self=http://api:8080/"] }, ready: { tcp: true }, port_env: PORT, host_env: HOST }
"#;

    fn topology() -> Topology {
        parse(&Source::new("compose.yaml", TEXT), &mut Vec::new()).unwrap()
    }

    fn wiring() -> Wiring {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        Wiring {
            variables: BTreeMap::from([pair("KEY", "k")]),
            ports: BTreeMap::from([("api".to_owned(), 4711)]),
            base: BTreeMap::from([pair("PATH", "/bin")]),
            ..Wiring::default()
        }
    }

    #[test]
    fn a_process_is_told_where_it_listens_whatever_the_drill_says() {
        let (topology, wiring) = (topology(), wiring());
        let own = BTreeMap::from([
            ("PORT".to_owned(), "1".to_owned()),
            ("MODE".to_owned(), "http://api:8080".to_owned()),
        ]);
        let environment = wiring.environment(&topology.services[0], &own).unwrap();
        let flat: Vec<String> = environment.iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(flat, ["HOST=127.0.0.1", "KEY=k", "MODE=http://127.0.0.1:4711", "PATH=/bin", "PORT=4711"]);
        assert_eq!(wiring.args(&topology.services[0]).unwrap(), ["--self=http://127.0.0.1:4711/"]);
    }

    #[test]
    fn only_the_edge_of_a_proxy_is_led_through_it() {
        let (topology, mut wiring) = (topology(), wiring());
        let edge = |from: &str| EdgeName { from: from.to_owned(), to: "api".to_owned() };
        wiring.detours.insert(edge("somebody"), 1);
        assert_eq!(wiring.args(&topology.services[0]).unwrap(), ["--self=http://127.0.0.1:4711/"]);
        wiring.detours.insert(edge("api"), 4712);
        assert_eq!(wiring.args(&topology.services[0]).unwrap(), ["--self=http://127.0.0.1:4712/"]);
    }

    #[test]
    fn a_container_listens_where_the_file_says_and_knows_others_by_name() {
        let mut topology = topology();
        topology.services[0].command = vec![Interpolated::parse("--at=http://api:8080/").unwrap()];
        let mut wiring = wiring();
        wiring.base.clear();
        let names = BTreeMap::from([("api".to_owned(), "dy-1-api:8080".to_owned())]);
        wiring.inside = Some(Inside { names, gateway: "172.18.0.1".parse().unwrap() });
        let own = BTreeMap::from([
            ("PORT".to_owned(), "1".to_owned()),
            ("MODE".to_owned(), "http://api:8080".to_owned()),
        ]);
        let environment = wiring.environment(&topology.services[0], &own).unwrap();
        let flat: Vec<String> = environment.iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(flat, ["HOST=0.0.0.0", "KEY=k", "MODE=http://dy-1-api:8080", "PORT=8080"]);
        assert_eq!(wiring.args(&topology.services[0]).unwrap(), ["--at=http://dy-1-api:8080/"]);
        wiring.detours.insert(EdgeName { from: "api".to_owned(), to: "api".to_owned() }, 4712);
        assert_eq!(wiring.args(&topology.services[0]).unwrap(), ["--at=http://172.18.0.1:4712/"]);
    }

    #[test]
    fn a_missing_variable_names_the_service_and_what_to_do() {
        let wiring = Wiring::default();
        let error = wiring.environment(&topology().services[0], &BTreeMap::new()).unwrap_err();
        assert_eq!(error.full(), "`api`: the variable KEY has no value: give one");
    }
}
