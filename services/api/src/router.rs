//! From paths to endpoints. The list of endpoints is the only source of routes.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::Method;
use axum::routing::any;

use crate::app::App;
use crate::endpoint::{self, Endpoint};
use crate::exchange;

/// The endpoints of one route template.
type Methods = Vec<&'static Endpoint>;

/// Which endpoints a listener has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// All of them.
    Both,
    /// All but those with operational data, which have a listener of their own.
    Business,
    /// Open endpoints only.
    Operations,
}

impl Door {
    fn has(self, endpoint: &Endpoint) -> bool {
        match (self, endpoint) {
            (Self::Both, _) => true,
            (Self::Business, Endpoint::Open(open)) => !open.restricted,
            (Self::Business, _) => true,
            (Self::Operations, endpoint) => matches!(endpoint, Endpoint::Open(_)),
        }
    }
}

/// Builds the router of a listener.
///
/// Methods are told apart here and not by the framework, because a known path with another method, HEAD and
/// OPTIONS included, answers exactly as an unknown path does.
pub fn build(app: Arc<App>, door: Door) -> Router {
    let mut routes: BTreeMap<&'static str, Methods> = BTreeMap::new();
    for endpoint in endpoint::ALL.iter().filter(|endpoint| door.has(endpoint)) {
        routes.entry(endpoint.route()).or_default().push(endpoint);
    }
    let mut router = Router::new();
    for (route, mut methods) in routes {
        // The framework prefers a literal path to a template. Where a template would have matched another
        // method of that path it still does: `GET /tickets/intake` is a bad ticket id, not an unknown route.
        let also = endpoint::ALL.iter().filter(|other| door.has(other) && covers(other.route(), route));
        methods.extend(also);
        let methods: &'static Methods = Box::leak(Box::new(methods));
        router = router.route(
            route,
            any(move |State(app): State<Arc<App>>, request: Request| {
                exchange::run(app, Route::of(methods, request.method()), request)
            }),
        );
    }
    router
        .fallback(|State(app): State<Arc<App>>, request: Request| {
            exchange::run(app, Route::default(), request)
        })
        .with_state(app)
}

/// What a request's path leads to.
#[derive(Debug, Clone, Copy, Default)]
pub struct Route {
    /// The endpoint of its method.
    pub endpoint: Option<&'static Endpoint>,
    /// The endpoints of every method.
    pub methods: &'static [&'static Endpoint],
}

impl Route {
    fn of(methods: &'static [&'static Endpoint], method: &Method) -> Self {
        let endpoint = methods.iter().copied().find(|endpoint| endpoint.method() == method.as_str());
        Self { endpoint, methods }
    }

    /// The methods as `Allow` lists them; none for an unknown path.
    pub fn allow(&self) -> Option<String> {
        // The path's own methods come first; a template that would have matched is no resource of its own here.
        let own = self.methods.first().map(|endpoint| endpoint.route());
        let own = self.methods.iter().filter(|endpoint| Some(endpoint.route()) == own);
        let mut names: Vec<&str> = own.map(|endpoint| endpoint.method()).collect();
        names.sort_unstable();
        (!names.is_empty()).then(|| names.join(", "))
    }
}

/// Whether a template other than the route itself matches the route's text.
fn covers(template: &str, route: &str) -> bool {
    let same = |(part, text): (&str, &str)| part == text || part == dispatch_domain::tool::TICKET_ID;
    template != route
        && template.split('/').count() == route.split('/').count()
        && template.split('/').zip(route.split('/')).all(same)
}

/// The id in a path, as sent: the segment where the template has its placeholder.
pub fn id_segment<'a>(template: &str, path: &'a str) -> Option<&'a str> {
    let position = template.split('/').position(|segment| segment.starts_with('{'))?;
    path.split('/').nth(position)
}

#[cfg(test)]
mod tests {
    use super::{covers, id_segment};

    #[test]
    fn a_template_covers_the_literal_paths_it_would_match() {
        assert!(covers("/tickets/{ticketId}", "/tickets/intake"));
        assert!(!covers("/tickets/{ticketId}", "/tickets/{ticketId}"));
        assert!(!covers("/tickets/{ticketId}", "/outbox/replay"));
        assert!(!covers("/tickets/{ticketId}", "/tickets/{ticketId}/triage"));
    }

    #[test]
    fn the_ticket_id_is_found_by_its_place() {
        assert_eq!(id_segment("/tickets/{ticketId}/triage", "/tickets/abc/triage"), Some("abc"));
        assert_eq!(
            id_segment("/ux/technician/job-packet/{ticketId}", "/ux/technician/job-packet/x"),
            Some("x")
        );
        assert_eq!(id_segment("/tickets", "/tickets"), None);
    }
}
