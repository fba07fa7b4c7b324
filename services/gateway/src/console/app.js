// The page: signing in, views, keys, alerts.

import { announce, byId, fill, h, raw, time, words } from "./dom.js";
import * as gateway from "./gateway.js";
import * as chat from "./chat.js";
import * as cockpit from "./cockpit.js";
import * as ticket from "./ticket.js";

const ROLES = ["dispatcher", "technician", "qa", "finance", "approver", "agent", "customer", "admin"];
const ALERTS_MS = 15000;
const VIEWS = ["work", "chat", "alerts"];
const KEYS = [
  ["/", "write a command"], ["j, k", "next, previous ticket"], ["Enter", "open the selected ticket"], ["Esc", "close, or go back"],
  ["a", "first action of the open ticket"], ["p, t", "job packet, timeline"], ["r", "refresh"], ["f", "filters"],
  ["1, 2, 3", "work, command, alerts"], ["Tab", "complete a command"], ["?", "this help"],
];

let alertTimer = null;
let alertDelay = ALERTS_MS;
let alertNames = "";

function view(name) {
  document.body.dataset.view = name;
  for (const button of byId("views").children) {
    if (button.dataset.view === name) button.setAttribute("aria-current", "page"); else button.removeAttribute("aria-current");
  }
}

async function trySignIn(token, actor) {
  const problem = byId("sign-in-problem");
  problem.textContent = "";
  try {
    const who = await gateway.whoIs(token);
    if (who.shared && !actor?.id) {
      byId("token").value = token;
      byId("actor").hidden = false;
      byId("actor-id").required = true;
      byId("actor-id").focus();
      announce("The shared token needs to know on whose behalf you act.");
      return;
    }
    await gateway.signIn(token, who, actor);
    enter();
  } catch (error) {
    problem.textContent = error.status === 401 ? "This token is not known." : error.message;
    if (error.status === 401) gateway.forget();
  }
}

function enter() {
  const { actor } = gateway.session;
  byId("sign-in").hidden = true;
  byId("token").value = "";
  byId("desk").hidden = false;
  byId("views").hidden = false;
  byId("sign-out").hidden = false;
  byId("who").hidden = false;
  byId("who").textContent = `${actor.id} · ${actor.role}`;
  cockpit.start((id) => { view("work"); void ticket.open(id); });
  void refreshAlerts();
  view("work");
  announce(`Signed in as ${actor.id}, ${actor.role}.`);
  byId("main").focus({ preventScroll: true });
}

function signOut() {
  gateway.forget();
  cockpit.stop();
  clearTimeout(alertTimer);
  location.reload();
}

async function refreshAlerts() {
  clearTimeout(alertTimer);
  try {
    const snapshot = await gateway.alerts();
    alertDelay = ALERTS_MS;
    drawAlerts(snapshot);
  } catch (error) {
    alertDelay = Math.min(60000, alertDelay * 2);
    byId("alerts-summary").textContent = error.message;
  }
  alertTimer = setTimeout(refreshAlerts, alertDelay);
}

function drawAlerts(snapshot) {
  const active = snapshot.alerts ?? [];
  const names = active.map((alert) => alert.code).join(", ");
  byId("alert-count").hidden = active.length === 0;
  byId("alert-count").textContent = String(active.length);
  fill(byId("alerts-summary"), active.length ? `${active.length} active · ` : "Nothing is alarming · ", time(snapshot.generated_at));
  const signals = Object.entries(snapshot.signals ?? {});
  fill(byId("alerts"),
    active.map((alert) => h("article", { class: "entry" }, h("h3", {}, words(alert.code)), h("p", {}, alert.message ?? ""), alert.runbook ? h("p", { class: "hint" }, `Runbook: ${alert.runbook}`) : null, raw(alert))),
    h("table", {}, h("caption", {}, "Signals and when they alarm"), h("thead", {}, h("tr", {}, ["signal", "now", "alarms at"].map((head) => h("th", { scope: "col" }, head)))),
      h("tbody", {}, signals.map(([name, count]) => h("tr", {}, h("th", { scope: "row" }, words(name)), h("td", {}, String(count)), h("td", {}, String(snapshot.thresholds?.[name] ?? "–")))))));
  if (names !== alertNames && names) announce(`Alerts: ${names}`);
  alertNames = names;
}

function help() {
  const dialog = byId("dialog");
  fill(dialog, h("form", { method: "dialog" }, h("h2", { id: "dialog-title" }, "Keyboard"),
    h("dl", { class: "facts" }, KEYS.flatMap(([key, what]) => [h("dt", {}, h("kbd", {}, key)), h("dd", {}, what)])),
    h("div", { class: "buttons" }, h("button", { class: "primary" }, "Close"))));
  dialog.showModal();
}

function leaveTicket() {
  ticket.close();
  cockpit.focusQueue();
}

function changed(result) {
  void cockpit.refresh();
  const id = result?.details?.data?.ticket_id ?? ticket.current();
  if (ticket.current() && id) void ticket.open(ticket.current(), false).then(() => byId("ticket").focus({ preventScroll: true }));
}

function escape() {
  const active = document.activeElement;
  if (active && active.matches("input, select, textarea")) { active.blur(); cockpit.focusQueue(); }
  else if (document.body.dataset.view !== "work") view("work");
  else if (ticket.current()) leaveTicket();
}

const SHORTCUTS = {
  "/": () => { view("chat"); byId("line").focus(); },
  j: () => { view("work"); cockpit.move(1); },
  k: () => { view("work"); cockpit.move(-1); },
  r: () => { void cockpit.refresh(); void refreshAlerts(); if (ticket.current()) void ticket.open(ticket.current(), false); },
  f: () => { view("work"); byId("filters").querySelector("select")?.focus(); },
  a: () => byId("ticket").querySelector(".actions button:not([aria-disabled])")?.focus(),
  p: () => ticket.showPanel("packet"),
  t: () => ticket.showPanel("timeline"),
  "?": help,
  ...Object.fromEntries(VIEWS.map((name, index) => [String(index + 1), () => view(name)])),
};

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || byId("dialog").open || byId("desk").hidden) return;
  if (event.key === "Escape") { escape(); return; }
  if (event.target.matches("input, select, textarea")) return;
  if (event.key === "Enter" && event.target.matches("tr, body, main")) { event.preventDefault(); cockpit.openSelected(); return; }
  const shortcut = SHORTCUTS[event.key];
  if (shortcut) { event.preventDefault(); shortcut(); }
}

function wire() {
  fill(byId("actor-role"), ROLES.map((role) => h("option", { value: role }, role)));
  byId("sign-in-form").addEventListener("submit", (event) => {
    event.preventDefault();
    void trySignIn(byId("token").value.trim(), { id: byId("actor-id").value.trim(), role: byId("actor-role").value });
  });
  byId("sign-out").addEventListener("click", signOut);
  byId("help-button").addEventListener("click", help);
  byId("views").addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button) view(button.dataset.view);
  });
  byId("open-ticket").addEventListener("submit", (event) => {
    event.preventDefault();
    const id = byId("open-ticket-id").value.trim();
    if (id) void ticket.open(id);
  });
  document.addEventListener("leave-ticket", leaveTicket);
  document.addEventListener("keydown", onKey);
  chat.start(changed);
  ticket.start(changed);
  cockpit.wire();
}

/** The token of a printed link: after the #, so it is never sent, and gone from the address before anything else. */
function tokenOfLink() {
  const given = new URLSearchParams(location.hash.slice(1)).get("token");
  if (location.hash) history.replaceState(null, "", location.pathname);
  return given;
}

wire();
const token = tokenOfLink() ?? gateway.savedToken();
if (token) void trySignIn(token, gateway.savedActor()); else byId("token").focus();
