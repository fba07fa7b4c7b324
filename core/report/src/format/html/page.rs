//! Writes HTML: markup is text of this program, everything else is escaped.

use std::io::{self, Write};

/// A page that grows.
#[derive(Debug, Default)]
pub(crate) struct Page(String);

impl Page {
    /// Markup of our own.
    pub(crate) fn raw(&mut self, markup: &'static str) -> &mut Self {
        self.0.push_str(markup);
        self
    }

    /// Text from outside, also inside an attribute's quotes; control characters become blanks.
    pub(crate) fn text(&mut self, text: &str) -> &mut Self {
        for c in text.chars() {
            match c {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&#39;"),
                '\n' | '\t' => self.0.push(c),
                // Marks that turn the direction of text could show one thing and mean another.
                c if c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}') => {
                    self.0.push(' ')
                }
                c => self.0.push(c),
            }
        }
        self
    }

    /// A whole number.
    pub(crate) fn number(&mut self, number: u64) -> &mut Self {
        self.0.push_str(&number.to_string());
        self
    }

    /// A coordinate with one decimal.
    pub(crate) fn coordinate(&mut self, number: f64) -> &mut Self {
        self.0.push_str(&format!("{number:.1}"));
        self
    }

    /// Begins a page.
    pub(crate) fn open(&mut self, title: &str, style: &'static str) {
        self.raw("<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><meta name=\"color-scheme\" content=\"light dark\">");
        // Nothing is ever fetched, whatever a service answered.
        self.raw("<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:\">");
        self.raw("<title>").text(title).raw("</title><style>").raw(style).raw("</style></head><body><main>");
    }

    /// Ends the page.
    pub(crate) fn close(&mut self, script: &'static str) {
        self.raw("</main><script>").raw(script).raw("</script></body></html>\n");
    }

    /// Writes what there is so far and forgets it.
    pub(crate) fn flow(&mut self, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(self.0.as_bytes())?;
        self.0.clear();
        Ok(())
    }

    /// The text of the page.
    pub(crate) fn into_text(self) -> String {
        self.0
    }
}
