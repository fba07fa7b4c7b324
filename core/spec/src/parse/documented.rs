//! Every answer of a service with an OpenAPI document is held against it, unless the step says why not.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::code::Code;
use crate::diagnostic::Diagnostic;
use crate::drill::{Action, Check, Expectation};
use crate::fields::text;
use crate::node::Node;
use crate::openapi::Document;
use crate::parse::Reader;
use crate::source::Span;

/// The field an answer's conformance is recorded under.
pub const FIELD: &str = "openapi";

impl Reader<'_, '_> {
    /// What goes without saying where the topology names a document: the answer is one that it allows.
    pub(super) fn imply_documented(
        &mut self,
        action: &Action,
        off: Option<&Node>,
        span: Span,
    ) -> Option<Expectation> {
        let asked = self.asked(action);
        let reason = off.and_then(|node| text(self.source, node, "undocumented", self.out));
        if let (Some(node), None) = (off, &asked) {
            let message = "there is no OpenAPI document that this answer is held against";
            self.out.push(
                Diagnostic::new(Code::UnknownKey, self.source, node.span, message)
                    .help("`undocumented` is for requests to a service for which the topology names one"),
            );
        }
        let (document, pattern) = asked?;
        let pattern = reason.map_or(pattern, |reason| json!({ "off": reason }));
        let place = self.source.place(span);
        let line = self.source.line(place.line).to_owned();
        let (field, check) = (FIELD.to_owned(), Check::Documented { document });
        Some(Expectation { field, pattern, place, line, parts: Vec::new(), check })
    }

    /// The document that speaks of an action's answer, and what is asked of it.
    fn asked(&self, action: &Action) -> Option<(Arc<Document>, Value)> {
        let names = self.context.names;
        let request = |service: &str, method: &str, path: &str| {
            let document = names.documents.get(service)?;
            Some((document.clone(), json!({ "method": method, "path": steady(path) })))
        };
        match action {
            Action::Http(http) => request(&http.target.service, http.method, &http.target.path),
            Action::Alerts(target) => request(&target.service, "GET", &target.path),
            Action::Tool(tool) => {
                let document = names.documents.get(names.tool_operations.as_ref()?)?;
                Some((document.clone(), json!({ "tool": tool.name })))
            }
            _ => None,
        }
    }
}

/// A path without what is drawn anew each time it is filled in: which route it meets does not depend on that.
fn steady(path: &str) -> String {
    path.replace("${fresh.", "{fresh.")
}
