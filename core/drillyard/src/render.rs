//! Diagnostics as people, editors and build machines want to read them.

use std::fmt::{self, Display, Write as _};

use drillyard_report::format::github;
use drillyard_spec::diagnostic::Diagnostic;
use drillyard_spec::source::{Place, Source, Span, Texts};
use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, SourceCode};

/// Columns a message is wrapped at.
const WIDTH: usize = 100;

/// How diagnostics are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// The text with a caret under each place, for a terminal.
    Human {
        /// Use colours.
        color: bool,
    },
    /// One JSON object per line: `code`, `message`, `place`, `help`, `related`.
    Json,
    /// GitHub workflow commands, which become annotations of the changed lines.
    Github,
}

/// Writes `diagnostics` in their order; `texts` are those they were found in.
#[must_use]
pub fn render(diagnostics: &[Diagnostic], texts: &Texts, style: Style) -> String {
    diagnostics.iter().fold(String::new(), |mut out, diagnostic| {
        match style {
            Style::Human { color } => human(diagnostic, texts, color, &mut out),
            Style::Json => json(diagnostic, &mut out),
            Style::Github => annotate(diagnostic, texts, &mut out),
        }
        out
    })
}

fn human(diagnostic: &Diagnostic, texts: &Texts, color: bool, out: &mut String) {
    let theme = if color { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    let handler = GraphicalReportHandler::new_themed(theme).with_width(WIDTH).with_links(false);
    let shown = Shown::new(diagnostic, texts);
    // Without the place a diagnostic of a text that is gone would not say where; the text form always does.
    if shown.source.is_none() || handler.render_report(out, &shown).is_err() {
        let _ = writeln!(out, "{}: {}: {}", diagnostic.place, diagnostic.code, diagnostic.message);
        if let Some(help) = &diagnostic.help {
            let _ = writeln!(out, "  help: {help}");
        }
    }
    out.push('\n');
}

fn json(diagnostic: &Diagnostic, out: &mut String) {
    let line = serde_json::to_string(diagnostic).expect("a diagnostic is made of text and numbers");
    out.push_str(&line);
    out.push('\n');
}

fn annotate(diagnostic: &Diagnostic, texts: &Texts, out: &mut String) {
    let Place { file, line, column } = &diagnostic.place;
    let end = texts
        .get(file)
        .map(|source| source.place(Span { start: diagnostic.span.end, end: diagnostic.span.end }));
    let mut place = format!("file={},line={line},col={column}", github::property(file));
    if let Some(end) = end.filter(|end| end.line >= *line) {
        let _ = write!(place, ",endLine={}", end.line);
        if end.line == *line && end.column > *column {
            let _ = write!(place, ",endColumn={}", end.column);
        }
    }
    let mut message = diagnostic.message.clone();
    for related in &diagnostic.related {
        let _ = write!(message, "\n{}: {}", related.place, related.text);
    }
    if let Some(help) = &diagnostic.help {
        let _ = write!(message, "\nhelp: {help}");
    }
    let title = github::property(&format!("{} {}", diagnostic.code, diagnostic.code.title()));
    let _ = writeln!(out, "::error {place},title={title}::{}", github::message(&message));
}

/// A diagnostic with the text it points into, as miette draws it.
struct Shown<'a> {
    /// Nothing for a place in another file, which is drawn below its diagnostic.
    code: Option<String>,
    message: &'a str,
    help: Option<&'a str>,
    source: Option<NamedSource<String>>,
    labels: Vec<LabeledSpan>,
    elsewhere: Vec<Shown<'a>>,
}

impl<'a> Shown<'a> {
    fn new(diagnostic: &'a Diagnostic, texts: &Texts) -> Self {
        let source = texts.get(&diagnostic.place.file);
        let mut labels: Vec<LabeledSpan> = source
            .map(|source| LabeledSpan::new_primary_with_span(None, visible(source, diagnostic.span)))
            .into_iter()
            .collect();
        let mut elsewhere = Vec::new();
        for related in &diagnostic.related {
            let other = texts.get(&related.place.file);
            let here = related.place.file == diagnostic.place.file;
            match other {
                Some(other) if here => {
                    labels.push(LabeledSpan::new_with_span(
                        Some(related.text.clone()),
                        visible(other, related.span),
                    ));
                }
                _ => elsewhere.push(Shown {
                    code: None,
                    message: &related.text,
                    help: None,
                    source: other.map(named),
                    labels: other
                        .map(|other| LabeledSpan::new_with_span(None, visible(other, related.span)))
                        .into_iter()
                        .collect(),
                    elsewhere: Vec::new(),
                }),
            }
        }
        Self {
            code: Some(diagnostic.code.to_string()),
            message: &diagnostic.message,
            help: diagnostic.help.as_deref(),
            source: source.map(named),
            labels,
            elsewhere,
        }
    }
}

fn named(source: &Source) -> NamedSource<String> {
    NamedSource::new(&**source.path(), source.text().to_string())
}

/// The part of a span that lies in the text, so that one past its end is drawn instead of refused.
fn visible(source: &Source, span: Span) -> std::ops::Range<usize> {
    let len = source.text().len();
    let start = span.start.min(len);
    start..span.end.clamp(start, len)
}

impl fmt::Debug for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message)
    }
}

impl Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message)
    }
}

impl std::error::Error for Shown<'_> {}

impl miette::Diagnostic for Shown<'_> {
    fn code<'b>(&'b self) -> Option<Box<dyn Display + 'b>> {
        self.code.as_ref().map(|code| Box::new(code) as Box<dyn Display>)
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(if self.code.is_some() { miette::Severity::Error } else { miette::Severity::Advice })
    }

    fn help<'b>(&'b self) -> Option<Box<dyn Display + 'b>> {
        self.help.as_ref().map(|help| Box::new(help) as Box<dyn Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.source.as_ref().map(|source| source as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(self.labels.iter().cloned()))
    }

    fn related<'b>(&'b self) -> Option<Box<dyn Iterator<Item = &'b dyn miette::Diagnostic> + 'b>> {
        let related = self.elsewhere.iter().map(|shown| shown as &dyn miette::Diagnostic);
        (!self.elsewhere.is_empty())
            .then(|| Box::new(related) as Box<dyn Iterator<Item = &dyn miette::Diagnostic>>)
    }
}

#[cfg(test)]
mod tests {
    use drillyard_spec::code::Code;

    use super::*;

    const DRILL: &str = "drill: a\ntitle: A\nsteps:\n  - htp: { get: api/x }\n    save: { id: body.id }\n";

    fn texts() -> Texts {
        let mut texts = Texts::default();
        texts.insert("drills/a.yaml", DRILL);
        texts.insert("drills/b.yaml", "drill: a\n");
        texts
    }

    fn span(text: &str, of: &str) -> Span {
        Span::new(text.find(of).expect("it is in the text"), of.len())
    }

    fn unknown_key() -> Diagnostic {
        let texts = texts();
        let source = texts.get("drills/a.yaml").expect("it was inserted");
        Diagnostic::new(Code::UnknownKey, source, span(DRILL, "htp"), "nobody reads `htp`")
            .help("did you mean `http`?")
            .related(source, span(DRILL, "steps"), "a step of this list")
    }

    #[test]
    fn human_text_has_the_code_the_caret_the_second_label_and_the_help() {
        let text = render(&[unknown_key()], &texts(), Style::Human { color: false });
        let expected = "\
DY010

  × nobody reads `htp`
   ╭─[drills/a.yaml:4:5]
 2 │ title: A
 3 │ steps:
   · ──┬──
   ·   ╰── a step of this list
 4 │   - htp: { get: api/x }
   ·     ───
 5 │     save: { id: body.id }
   ╰────
  help: did you mean `http`?

";
        assert_eq!(text, expected);
    }

    #[test]
    fn human_text_is_coloured_only_when_told() {
        assert!(render(&[unknown_key()], &texts(), Style::Human { color: true }).contains("\x1b["));
        assert!(!render(&[unknown_key()], &texts(), Style::Human { color: false }).contains('\x1b'));
    }

    #[test]
    fn a_related_place_in_another_file_is_drawn_with_its_own_text() {
        let texts = texts();
        let (a, b) =
            (texts.get("drills/a.yaml").expect("inserted"), texts.get("drills/b.yaml").expect("inserted"));
        let twice = Diagnostic::new(Code::RepeatedName, a, Span::new(7, 1), "`a` is taken").related(
            b,
            Span::new(7, 1),
            "it is defined here",
        );
        let text = render(&[twice], &texts, Style::Human { color: false });
        assert!(text.contains("drills/a.yaml:1:8"), "{text}");
        assert!(text.contains("drills/b.yaml:1:8"), "{text}");
        assert!(text.contains("it is defined here"), "{text}");
    }

    #[test]
    fn a_place_at_the_end_or_in_a_text_that_is_gone_is_still_named() {
        let mut texts = texts();
        let source = texts.get("drills/a.yaml").expect("inserted").clone();
        let end = Diagnostic::new(Code::NotYaml, &source, Span::new(DRILL.len() + 5, 3), "it ends here");
        assert!(
            render(std::slice::from_ref(&end), &texts, Style::Human { color: false })
                .contains("it ends here")
        );
        texts = Texts::default();
        let text = render(&[end.help("close it")], &texts, Style::Human { color: false });
        assert_eq!(text, "drills/a.yaml:6:1: DY001: it ends here\n  help: close it\n\n");
    }

    #[test]
    fn json_is_one_object_per_line() {
        let text = render(&[unknown_key(), unknown_key()], &texts(), Style::Json);
        let lines: Vec<serde_json::Value> =
            text.lines().map(|line| serde_json::from_str(line).expect("a line is JSON")).collect();
        assert_eq!(lines.len(), 2);
        assert_eq!(
            lines[0],
            serde_json::json!({
                "code": "DY010",
                "message": "nobody reads `htp`",
                "place": { "file": "drills/a.yaml", "line": 4, "column": 5 },
                "help": "did you mean `http`?",
                "related": [{ "place": { "file": "drills/a.yaml", "line": 3, "column": 1 }, "text": "a step of this list" }],
            })
        );
    }

    #[test]
    fn github_annotations_are_one_escaped_line_each() {
        let texts = texts();
        let source = texts.get("drills/a.yaml").expect("inserted");
        let odd =
            Diagnostic::new(Code::UnknownKey, source, span(DRILL, "htp"), "100%\nwrong").help("a, b: c");
        assert_eq!(
            render(&[odd], &texts, Style::Github),
            "::error file=drills/a.yaml,line=4,col=5,endLine=4,endColumn=8,title=DY010 A key nobody reads::100%25%0Awrong%0Ahelp: a, b: c\n"
        );
    }
}
