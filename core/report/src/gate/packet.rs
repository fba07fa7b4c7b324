//! The go/no-go packet: a decision as a page, as Markdown and as JSON.

use std::fmt::Write as _;

use super::{Answer, Decision};
use crate::format::html::{Page, STYLE};

/// Name of the packet's JSON.
pub const JSON: &str = "packet.json";

/// The decision as JSON.
///
/// # Errors
///
/// It cannot be written as JSON.
pub fn json(decision: &Decision) -> Result<String, serde_json::Error> {
    serde_json::to_string_pretty(decision)
}

/// The outcome as a release manager says it.
const fn word(answer: Answer) -> &'static str {
    match answer {
        Answer::Pass => "GO",
        Answer::Warn => "GO, with warnings",
        Answer::Inconclusive => "NO-GO: not proved",
        Answer::Fail => "NO-GO",
    }
}

/// The decision as Markdown.
#[must_use]
pub fn markdown(decision: &Decision) -> String {
    let cell = |text: &str| text.replace('|', "\\|").replace('\n', " ");
    let mut out = format!("# {}: {}\n\n", cell(&decision.title), word(decision.answer));
    let commit = decision.commit.as_deref().unwrap_or("unknown");
    let _ = writeln!(out, "Gate `{}`, commit `{commit}`, decided {}.\n", decision.gate, decision.at);
    if !decision.reasons.is_empty() {
        out.push_str("## Reasons\n\n| answer | reason | about | |\n|---|---|---|---|\n");
        for one in &decision.reasons {
            let _ = writeln!(
                out,
                "| {} | {} | {} | {} |",
                one.answer.as_str(),
                one.code,
                cell(&one.subject),
                cell(&one.text)
            );
        }
    }
    out.push_str("\n## Required against proved\n\n| unit | backend | answer | run | time | |\n|---|---|---|---|---|---|\n");
    for row in &decision.matrix {
        let (run, took) = (
            row.run.as_deref().unwrap_or("none"),
            row.took_ms.map_or_else(String::new, |ms| format!("{ms} ms")),
        );
        let _ = writeln!(
            out,
            "| {} | {} | {} | {run} | {took} | {} |",
            cell(&row.unit),
            row.backend,
            row.answer.as_str(),
            cell(&row.note)
        );
    }
    if !decision.alerts.is_empty() {
        out.push_str("\n## Alert times\n\n| unit | step | time |\n|---|---|---|\n");
    }
    for one in &decision.alerts {
        let _ = writeln!(out, "| {} | {} | {} ms |", cell(&one.unit), cell(&one.step), one.took_ms);
    }
    out.push_str("\n## Waivers\n\n");
    for one in &decision.waivers {
        let _ = writeln!(
            out,
            "- {}: {} until {}: {}",
            cell(&one.unit),
            cell(&one.owner),
            one.expires,
            cell(&one.reason)
        );
    }
    out.push_str(if decision.waivers.is_empty() { "None.\n" } else { "" });
    out.push_str("\n## Sign-offs\n\n");
    for (role, names) in &decision.sign_offs {
        for at in 0..role.quorum.max(names.len()) {
            let _ = match names.get(at) {
                Some(name) => writeln!(out, "- [x] {}: {}", cell(&role.role), cell(name)),
                None => writeln!(out, "- [ ] {}: **unsigned**", cell(&role.role)),
            };
        }
    }
    out.push_str("\n## Evidence\n\n");
    for one in &decision.evidence {
        let _ = writeln!(out, "- `{}` manifest `{}`", one.run, one.manifest_sha256);
    }
    out
}

const fn class(answer: Answer) -> &'static str {
    match answer {
        Answer::Pass => "passed",
        Answer::Warn => "snapshot",
        Answer::Inconclusive => "inconclusive",
        Answer::Fail => "failed",
    }
}

/// The decision as one self-contained page.
#[must_use]
pub fn html(decision: &Decision) -> String {
    let mut page = Page::default();
    page.open(&format!("{}: {}", decision.title, word(decision.answer)), STYLE);
    page.raw("<header class=\"")
        .raw(class(decision.answer))
        .raw("\"><p class=\"kicker\">Readiness packet · ")
        .text(&decision.gate);
    page.raw("</p><h1>")
        .text(&decision.title)
        .raw("</h1><p class=\"verdict\"><strong>")
        .raw(word(decision.answer));
    page.raw("</strong></p><p class=\"bound\">commit <code>")
        .text(decision.commit.as_deref().unwrap_or("unknown"));
    page.raw("</code> · decided ")
        .text(&decision.at.to_string())
        .raw("</p></header><section><h2>Sign-offs</h2><ul class=\"tiles\">");
    for (role, names) in &decision.sign_offs {
        for at in 0..role.quorum.max(names.len()) {
            let signed = names.get(at);
            page.raw(if signed.is_some() {
                "<li class=\"passed\">"
            } else {
                "<li class=\"failed\" style=\"border-style:dashed\">"
            });
            page.raw("<b>")
                .text(signed.map_or("UNSIGNED", String::as_str))
                .raw("</b> ")
                .text(&role.role)
                .raw("</li>");
        }
    }
    page.raw("</ul></section><section><h2>Reasons</h2>");
    if decision.reasons.is_empty() {
        page.raw("<p class=\"quiet\">Nothing speaks against it.</p>");
    }
    page.raw("<table><tbody>");
    for one in &decision.reasons {
        page.raw("<tr><td><span class=\"badge ")
            .raw(class(one.answer))
            .raw("\">")
            .raw(one.code)
            .raw("</span><td><b>");
        page.text(&one.subject).raw("</b><br>").text(&one.text);
    }
    page.raw("</tbody></table></section>");
    matrix(decision, &mut page);
    alerts(decision, &mut page);
    page.raw("<section><h2>Waivers</h2>");
    if decision.waivers.is_empty() {
        page.raw("<p class=\"quiet\">None.</p>");
    }
    for one in &decision.waivers {
        page.raw("<p><b>")
            .text(&one.unit)
            .raw("</b>: ")
            .text(&one.owner)
            .raw(" until ")
            .text(&one.expires.to_string());
        page.raw("<br>").text(&one.reason).raw("</p>");
    }
    page.raw("</section><section><h2>Evidence</h2><table class=\"facts\"><tbody>");
    for one in &decision.evidence {
        page.raw("<tr><th>")
            .text(&one.run)
            .raw("</th><td><code>")
            .text(&one.manifest_sha256)
            .raw("</code></td></tr>");
    }
    page.raw("</tbody></table></section>");
    page.close("");
    page.into_text()
}

fn alerts(decision: &Decision, page: &mut Page) {
    if decision.alerts.is_empty() {
        return;
    }
    page.raw("<section><h2>Alert times</h2><table><thead><tr><th>Unit<th>Step<th>Time</thead><tbody>");
    for one in &decision.alerts {
        page.raw("<tr><td>")
            .text(&one.unit)
            .raw("<td>")
            .text(&one.step)
            .raw("<td>")
            .number(one.took_ms)
            .raw(" ms");
    }
    page.raw("</tbody></table></section>");
}

fn matrix(decision: &Decision, page: &mut Page) {
    page.raw("<section><h2>Required against proved</h2><table><thead><tr><th>Unit<th>Backend<th><th>Time</thead><tbody>");
    for row in &decision.matrix {
        page.raw("<tr><td>")
            .text(&row.unit)
            .raw("<br><small class=\"quiet\">")
            .text(row.run.as_deref().unwrap_or("no run"));
        page.raw("</small><td>")
            .text(&row.backend)
            .raw("<td><span class=\"badge ")
            .raw(class(row.answer))
            .raw("\">");
        page.text(&row.note).raw("</span><td>");
        if let Some(took) = row.took_ms {
            page.number(took).raw(" ms");
        }
    }
    page.raw("</tbody></table></section>");
}
