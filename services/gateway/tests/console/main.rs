//! The console in a real browser: a whole ticket's life without a mouse. Ignored where there is no Chromium.

#![expect(clippy::unwrap_used, reason = "a broken test world should end the test")]

mod browser;
mod dispatch;

use browser::{CHROMIUM, Page};
use dispatch::{Dispatch, TICKET};
use dispatch_domain::TicketState;
use dispatch_gateway::config::Config;
use dispatch_gateway::http::{Gateway, router};
use libtest_mimic::{Arguments, Failed, Trial};
use std::collections::BTreeSet;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

const TOKEN: &str = "shared-token-of-the-test";

fn main() -> ExitCode {
    rustls::crypto::ring::default_provider().install_default().expect("installed once");
    let absent = !Path::new(CHROMIUM).exists();
    let trials = vec![
        Trial::test("a_ticket_lives_its_whole_life_by_keyboard", || run(life_by_keyboard()))
            .with_ignored_flag(absent),
        Trial::test("nothing_is_asked_of_anybody_else_and_nothing_is_kept", || run(keeps_to_itself()))
            .with_ignored_flag(absent),
        Trial::test("a_printed_link_signs_in_without_sending_its_token_in_an_address", || {
            run(signs_in_by_link())
        })
        .with_ignored_flag(absent),
        Trial::test("a_failing_api_slows_the_page_down_and_says_so", || run(slows_down()))
            .with_ignored_flag(absent),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn run(test: impl Future<Output = ()>) -> Result<(), Failed> {
    tokio::runtime::Runtime::new().unwrap().block_on(test);
    Ok(())
}

async fn listen(router: axum::Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

/// A dispatch API and the settings of a gateway before it.
async fn world() -> (Dispatch, Config) {
    let dispatch = Dispatch::default();
    let api = listen(dispatch.router()).await;
    let config = Config::from_lookup(|name| match name {
        "OPENCLAW_GATEWAY_TOKEN" => Some(TOKEN.to_owned()),
        "DISPATCH_API_URL" => Some(api.clone()),
        _ => None,
    });
    (dispatch, config.unwrap())
}

async fn gateway(config: &Config) -> String {
    listen(router(Arc::new(Gateway::new(config, CancellationToken::new()).unwrap()))).await
}

/// The whole world with a signed-in page.
async fn signed_in() -> (Dispatch, Page) {
    let (dispatch, config) = world().await;
    let mut page = Page::open(&gateway(&config).await).await;
    page.until("document.activeElement?.id === 'token'").await;
    page.type_text(TOKEN).await;
    page.press("Enter").await;
    page.until("document.activeElement?.id === 'actor-id'").await;
    page.type_text("ana").await;
    page.press("Enter").await;
    page.until_shown("ana · dispatcher").await;
    page.until_shown("0 open").await;
    (dispatch, page)
}

async fn command(page: &mut Page, line: &str, answered: &str) {
    let before = page
        .value("document.querySelectorAll('.entry:not([aria-busy]) .typed').length")
        .await
        .as_u64()
        .unwrap();
    page.press("/").await;
    page.until("document.activeElement?.id === 'line'").await;
    page.type_text(line).await;
    page.press("Escape").await;
    page.until("document.querySelector('#completions').hidden").await;
    page.value("document.querySelector('#line').focus()").await;
    page.press("Enter").await;
    let fresh = format!(
        "[...document.querySelectorAll('.entry:not([aria-busy])')].filter((e) => e.querySelector('.typed')).length > {before}"
    );
    page.until(&fresh).await;
    let last = "[...document.querySelectorAll('#log .entry')].at(-1).innerText";
    page.until(&format!("{last}.includes({})", serde_json::json!(answered))).await;
    page.press("Escape").await;
}

async fn act(page: &mut Page, action: &str) {
    page.tab_to(&format!("[data-action='{action}']")).await;
    page.press("Enter").await;
    page.until("document.querySelector('dialog').open").await;
}

/// Opens the form of an action that is not available for lack of evidence.
async fn fill_in(page: &mut Page, action: &str) {
    page.tab_to("#not-available > summary").await;
    page.press("Enter").await;
    page.tab_to(&format!("[data-action='{action}'][aria-disabled]")).await;
    page.press("Enter").await;
    page.tab_to(&format!("[data-fill='{action}']")).await;
    page.press("Enter").await;
    page.until("document.querySelector('dialog').open").await;
}

async fn submitted(page: &mut Page, state: &str) {
    page.press("Enter").await;
    page.until("!document.querySelector('dialog').open").await;
    page.until(&format!("document.querySelector('#ticket .badge.strong')?.textContent === '{state}'")).await;
}

async fn life_by_keyboard() {
    let (dispatch, mut page) = signed_in().await;
    let create = "ticket.create {\"account_id\": \"00000000-0000-0000-0000-0000000000b1\", \"site_id\": \"00000000-0000-0000-0000-0000000000c1\", \"summary\": \"Door will not latch\"}";
    command(&mut page, create, "done 201").await;
    let triage = format!(
        "ticket_triage ticket_id={TICKET} priority=URGENT incident_type=DOOR_WONT_LATCH ready_to_schedule=true"
    );
    command(&mut page, &triage, "done 200").await;
    page.until_shown("1 open").await;
    page.press("j").await;
    page.until("document.activeElement?.dataset.ticket").await;
    page.press("Enter").await;
    page.until_shown("Door will not latch").await;
    page.until("document.activeElement?.id === 'ticket'").await;
    page.press("a").await;
    page.until("document.activeElement?.dataset.action === 'schedule_propose'").await;
    page.picture("1280-ticket").await;
    page.press("Enter").await;
    submitted(&mut page, "schedule proposed").await;
    act(&mut page, "schedule_confirm").await;
    submitted(&mut page, "scheduled").await;
    act(&mut page, "dispatch_assignment").await;
    page.type_text("00000000-0000-0000-0000-000000000083").await;
    page.picture("1280-form").await;
    submitted(&mut page, "dispatched").await;
    act(&mut page, "check_in").await;
    submitted(&mut page, "in progress").await;
    fill_in(&mut page, "complete_work").await;
    page.press("Enter").await;
    page.until(
        "document.querySelector('dialog .refusal')?.innerText.includes('photo_after_latched_alignment')",
    )
    .await;
    page.picture("1280-refused").await;
    page.press("Escape").await;
    page.until("!document.querySelector('dialog').open").await;
    let evidence = format!(
        "closeout.add_evidence ticket_id={TICKET} kind=PHOTO uri=s3://e/p.jpg evidence_key=photo_after_latched_alignment"
    );
    command(&mut page, &evidence, "done 200").await;
    // The ticket is drawn anew after the change.
    page.until("document.querySelector('.ticks .done')").await;
    fill_in(&mut page, "complete_work").await;
    page.press(" ").await;
    submitted(&mut page, "completed pending verification").await;
    command(
        &mut page,
        &format!("qa.verify ticket_id={TICKET} timestamp=2026-11-22T12:00:00.000Z result=PASS"),
        "done 200",
    )
    .await;
    command(
        &mut page,
        &format!("ticket.triage ticket_id={TICKET} priority=ROUTINE incident_type=X"),
        "allowed from",
    )
    .await;
    page.press("t").await;
    page.until("document.querySelectorAll('.timeline li').length === 9").await;
    command(&mut page, &format!("ticket_close ticket_id={TICKET} reason='all done'"), "done 200").await;
    page.until_shown("0 open").await;
    let case = dispatch.case();
    assert_eq!(case.state, Some(TicketState::Closed));
    let keys: BTreeSet<_> = case.keys.iter().collect();
    assert_eq!((keys.len(), case.keys.len()), (12, 12), "each change has a key of its own");
    assert!(page.complaints.is_empty(), "{:#?}", page.complaints);
}

async fn keeps_to_itself() {
    let (_, mut page) = signed_in().await;
    let create = "ticket_create account_id=00000000-0000-0000-0000-0000000000b1 site_id=00000000-0000-0000-0000-0000000000c1 summary='Door <img src=x onerror=alert(1)>'";
    command(&mut page, create, "done 201").await;
    page.press("?").await;
    page.until("document.querySelector('dialog').open").await;
    page.press("Escape").await;
    page.press("j").await;
    page.press("Enter").await;
    page.until_shown("Door <img src=x").await;
    for (width, scheme) in [(1280, "light"), (1280, "dark"), (390, "light"), (390, "dark")] {
        page.look(width, scheme).await;
        for view in ["1", "2", "3"] {
            page.press(view).await;
            page.picture(&format!("{width}-{scheme}-{view}")).await;
            let width_used = page.value("document.documentElement.scrollWidth").await;
            assert!(width_used.as_u64().unwrap() <= u64::from(width), "{width}/{view}: {width_used}");
        }
        page.press("1").await;
    }
    let unnamed = "[...document.querySelectorAll('button, input, select, textarea')].filter((e) => \
        e.checkVisibility() && !e.textContent.trim() && !e.labels?.length && !e.ariaLabel).map((e) => e.outerHTML)";
    assert_eq!(page.value(unnamed).await, serde_json::json!([]), "every control has a name");
    let kept = "[localStorage.length, document.cookie, location.href.includes('token'), document.querySelectorAll('img').length]";
    assert_eq!(page.value(kept).await, serde_json::json!([0, "", false, 0]));
    let origin = page.value("location.origin").await;
    let origin = origin.as_str().unwrap();
    let strangers: Vec<_> =
        page.requests.iter().filter(|url| !url.starts_with(origin) && *url != "about:blank").collect();
    assert!(strangers.is_empty(), "{strangers:?}");
    assert!(page.complaints.is_empty(), "{:#?}", page.complaints);
}

async fn signs_in_by_link() {
    let (dispatch, config) = world().await;
    let mut page = Page::open(&format!("{}/#token={TOKEN}", gateway(&config).await)).await;
    page.until("document.activeElement?.id === 'actor-id'").await;
    assert_eq!(
        page.value("location.href.includes('token')").await,
        false,
        "the link's token leaves the address"
    );
    page.type_text("ana").await;
    page.press("Enter").await;
    page.until_shown("0 open").await;
    assert!(page.requests.iter().all(|url| !url.contains(TOKEN)), "{:?}", page.requests);
    drop(dispatch);
}

async fn slows_down() {
    let (dispatch, mut page) = signed_in().await;
    dispatch.case().down = true;
    page.press("r").await;
    page.until_shown("next try in 10 s").await;
    page.press("r").await;
    page.until_shown("next try in 20 s").await;
    dispatch.case().down = false;
    page.press("r").await;
    page.until_shown("Live ·").await;
}
