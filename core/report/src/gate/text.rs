//! Reads `*.gate.yaml`; every mistake is reported with its place.

use drillyard_spec::code::Code;
use drillyard_spec::diagnostic::Diagnostic;
use drillyard_spec::fields::{Fields, text, wrong_type};
use drillyard_spec::node::{self, Kind, Node};
use drillyard_spec::parse::sha256_hex;
use drillyard_spec::source::{Source, Span};
use jiff::Timestamp;

use super::{Bound, Criterion, Freeze, Gate, Required, Role, Selector, Waiver};

struct Reader<'a, 'o> {
    source: &'a Source,
    out: &'o mut Vec<Diagnostic>,
}

/// Reads a gate; nothing when there is a mistake, which `out` names.
pub fn read(source: &Source, out: &mut Vec<Diagnostic>) -> Option<Gate> {
    let before = out.len();
    let root = node::parse(source, out)?;
    let gate = Reader { source, out }.gate(&root)?;
    (out.len() == before).then_some(gate)
}

impl<'a> Reader<'a, '_> {
    fn gate(&mut self, root: &'a Node) -> Option<Gate> {
        let mut fields = Fields::open(self.source, root, "a gate", self.out)?;
        let name = self.required_text(&mut fields, "gate");
        let title = self.required_text(&mut fields, "title");
        let max_age = fields
            .require("max_age", self.out)
            .and_then(|node| drillyard_spec::fields::duration(self.source, node, "max_age", self.out));
        let allow_dirty = fields.boolean("allow_dirty", self.out).unwrap_or(false);
        let required = fields.require("require", self.out);
        let required_span = required.map_or(root.span, |node| node.span);
        let required = self.list(required, "require", Self::required);
        if required.is_empty() {
            self.wrong(Code::NoChecks, required_span, "a gate that requires nothing proves nothing");
        }
        let criteria = fields.take("criteria");
        let criteria = self.list(criteria, "criteria", Self::criterion);
        let flake_budget =
            fields.take("flake_budget").and_then(|node| self.count(node, "flake_budget")).unwrap_or(0);
        let waivers = fields.take("waivers");
        let waivers = self.list(waivers, "waivers", Self::waiver);
        let sign_offs = fields.take("sign_offs");
        let sign_offs = self.list(sign_offs, "sign_offs", Self::role);
        let freeze = fields.take("freeze");
        let freeze = self.list(freeze, "freeze", Self::freeze);
        fields.finish(self.out);
        let text_sha256 = sha256_hex(self.source.text());
        let (name, title, max_age) = (name?, title?, max_age?);
        Some(Gate {
            name,
            title,
            text_sha256,
            max_age,
            allow_dirty,
            required,
            criteria,
            flake_budget,
            waivers,
            sign_offs,
            freeze,
        })
    }

    fn wrong(&mut self, code: Code, span: Span, message: impl Into<String>) {
        self.out.push(Diagnostic::new(code, self.source, span, message));
    }

    fn required_text(&mut self, fields: &mut Fields<'a>, name: &'static str) -> Option<String> {
        let node = fields.require(name, self.out)?;
        text(self.source, node, name, self.out)
    }

    fn list<T>(
        &mut self,
        node: Option<&'a Node>,
        name: &str,
        read: fn(&mut Self, &'a Node) -> Option<T>,
    ) -> Vec<T> {
        let Some(node) = node else { return Vec::new() };
        if let Kind::List(items) = &node.kind {
            return items.iter().filter_map(|item| read(self, item)).collect();
        }
        self.out.push(wrong_type(self.source, node, name, "a list"));
        Vec::new()
    }

    fn count(&mut self, node: &Node, name: &str) -> Option<usize> {
        let count = match &node.kind {
            Kind::Number(number) => number.as_u64().and_then(|n| usize::try_from(n).ok()),
            _ => None,
        };
        if count.is_none() {
            self.out.push(wrong_type(self.source, node, name, "a whole number"));
        }
        count
    }

    fn moment(&mut self, fields: &mut Fields<'a>, name: &'static str) -> Option<Timestamp> {
        let node = fields.require(name, self.out)?;
        let written = text(self.source, node, name, self.out)?;
        let moment = written.parse().ok();
        if moment.is_none() {
            self.wrong(
                Code::WrongType,
                node.span,
                format!("`{name}` is a moment such as `2026-12-01T00:00:00Z`"),
            );
        }
        moment
    }

    fn required(&mut self, node: &'a Node) -> Option<Required> {
        let mut fields = Fields::open(self.source, node, "a requirement", self.out)?;
        let (unit, tag) = (fields.text("unit", self.out), fields.text("tag", self.out));
        let backends: Vec<String> =
            fields.texts("backends", self.out).into_iter().map(|(name, _)| name).collect();
        fields.finish(self.out);
        let what = match (unit, tag) {
            (Some(unit), None) => Selector::Unit(unit),
            (None, Some(tag)) => Selector::Tag(tag.trim_start_matches('@').to_owned()),
            _ => {
                self.wrong(Code::MissingKey, node.span, "a requirement has either `unit` or `tag`");
                return None;
            }
        };
        let backends = if backends.is_empty() { vec!["process".to_owned()] } else { backends };
        Some(Required { what, backends })
    }

    fn criterion(&mut self, node: &'a Node) -> Option<Criterion> {
        let mut fields = Fields::open(self.source, node, "a criterion", self.out)?;
        let unit = self.required_text(&mut fields, "unit");
        let step = fields.text("step", self.out);
        let pass = fields.require("pass", self.out).and_then(|node| self.bound(node, "pass"));
        let warn = fields.take("warn").and_then(|node| self.bound(node, "warn"));
        fields.finish(self.out);
        Some(Criterion { unit: unit?, step, pass: pass?, warn })
    }

    /// `<= 800ms` or `<= +10%`.
    fn bound(&mut self, node: &Node, name: &str) -> Option<Bound> {
        let written = text(self.source, node, name, self.out)?;
        let bound = written.trim().strip_prefix("<=").map(str::trim).and_then(|rest| {
            if let Some(percent) = rest.strip_prefix('+').and_then(|rest| rest.strip_suffix('%')) {
                return percent.trim().parse().ok().map(Bound::Relative);
            }
            Some(Bound::Absolute(drillyard_spec::fields::parse_duration(rest)?.as_secs_f64() * 1_000.0))
        });
        if bound.is_none() {
            self.wrong(
                Code::WrongType,
                node.span,
                format!("`{name}` is a bound such as `<= 800ms` or `<= +10%`"),
            );
        }
        bound
    }

    fn waiver(&mut self, node: &'a Node) -> Option<Waiver> {
        let mut fields = Fields::open(self.source, node, "a waiver", self.out)?;
        let unit = self.required_text(&mut fields, "unit");
        let owner = self.required_text(&mut fields, "owner");
        let reason = self.required_text(&mut fields, "reason");
        let expires = self.moment(&mut fields, "expires");
        fields.finish(self.out);
        Some(Waiver { unit: unit?, owner: owner?, reason: reason?, expires: expires? })
    }

    fn role(&mut self, node: &'a Node) -> Option<Role> {
        let mut fields = Fields::open(self.source, node, "a sign-off", self.out)?;
        let role = self.required_text(&mut fields, "role");
        let quorum = fields
            .take("quorum")
            .map_or(Some(1), |node| self.count(node, "quorum").filter(|count| *count > 0));
        fields.finish(self.out);
        if quorum.is_none() {
            self.wrong(Code::WrongType, node.span, "`quorum` is at least 1");
        }
        Some(Role { role: role?, quorum: quorum? })
    }

    fn freeze(&mut self, node: &'a Node) -> Option<Freeze> {
        let mut fields = Fields::open(self.source, node, "a freeze", self.out)?;
        let (from, until) = (self.moment(&mut fields, "from"), self.moment(&mut fields, "until"));
        let reason = self.required_text(&mut fields, "reason");
        fields.finish(self.out);
        Some(Freeze { from: from?, until: until?, reason: reason? })
    }
}
