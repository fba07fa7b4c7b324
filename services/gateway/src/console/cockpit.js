// The queue: filters, order as the API gives it, selection by keyboard, and updates that slow down when they fail.

import { announce, badge, byId, explain, fill, h, time, words } from "./dom.js";
import { mayUse, read } from "./gateway.js";

const EVERY_MS = 5000;
const SLOWEST_MS = 60000;

const STATES = ["NEW", "NEEDS_INFO", "TRIAGED", "APPROVAL_REQUIRED", "READY_TO_SCHEDULE", "SCHEDULE_PROPOSED", "SCHEDULED",
  "PENDING_CUSTOMER_CONFIRMATION", "DISPATCHED", "ON_SITE", "IN_PROGRESS", "ON_HOLD", "COMPLETED_PENDING_VERIFICATION",
  "VERIFIED", "INVOICED", "CLOSED", "CANCELLED"];
const FILTERS = [
  ["state", "State", STATES],
  ["priority", "Priority", ["EMERGENCY", "URGENT", "ROUTINE"]],
  ["sla_status", "SLA", ["breach", "warning", "healthy"]],
  ["incident_type", "Incident type", null],
  ["assigned_tech_id", "Technician id", null],
];

let rows = [];
let cursor = -1;
let delay = EVERY_MS;
let timer = null;
let asked = 0;
let freshAt = null;
let open = () => {};

const shortId = (id) => `…${String(id).slice(-8)}`;

function filterFields() {
  return FILTERS.map(([name, label, values]) => {
    const id = `filter-${name}`;
    const field = values
      ? h("select", { id, name }, h("option", { value: "" }, "any"), values.map((value) => h("option", { value }, words(value).toLowerCase())))
      : h("input", { id, name, spellcheck: "false" });
    return h("label", { for: id }, label, field);
  });
}

function filters() {
  const chosen = {};
  for (const [name, value] of new FormData(byId("filters"))) if (value.trim()) chosen[name] = [value.trim()];
  return chosen;
}

const cell = (label, ...children) => h("td", { "data-label": label, class: children[0] === "–" ? "nothing" : null }, children);

function row(ticket, index) {
  return h("tr", {
    id: `row-${index}`, tabindex: index === Math.max(cursor, 0) ? 0 : -1, "aria-selected": String(index === cursor),
    "data-ticket": ticket.ticket_id, class: `sla-${ticket.sla_status}`,
    onclick: () => { select(index, true); open(ticket.ticket_id); },
  },
  cell("Ticket", h("code", { title: ticket.ticket_id }, shortId(ticket.ticket_id))),
  cell("State", badge(words(ticket.state).toLowerCase())),
  cell("Priority", ticket.priority ? badge(ticket.priority.toLowerCase(), ticket.priority === "EMERGENCY" ? "bad" : ticket.priority === "URGENT" ? "warn" : "") : "–"),
  cell("Incident", ticket.incident_type ? words(ticket.incident_type).toLowerCase() : "–"),
  cell("Site", ticket.site?.name ?? "–"),
  cell("Technician", ticket.assigned_tech ? h("code", { title: ticket.assigned_tech }, shortId(ticket.assigned_tech)) : "–"),
  cell("Start", time(ticket.scheduled_start)),
  cell("SLA left", h("span", {
    class: `timer ${ticket.sla_status}`,
    title: `due ${ticket.sla_deadline_at}; delay by ${ticket.sla_delay_attribution}; last transition ${ticket.last_transition_at}`,
  }, ticket.sla_timer_remaining, h("span", { class: "sla-word" }, ` ${ticket.sla_status}`))),
  cell("Updated", time(ticket.last_update_at)));
}

function draw() {
  const heads = ["Ticket", "State", "Priority", "Incident", "Site", "Technician", "Start", "SLA left", "Updated"];
  const hadFocus = byId("queue").contains(document.activeElement);
  if (rows.length === 0) {
    fill(byId("queue"), h("p", { class: "empty" }, "No ticket matches. Create one with ticket_create, or widen the filters."));
  } else {
    fill(byId("queue"), h("table", { role: "grid", "aria-labelledby": "queue-title", class: "queue" },
      h("thead", {}, h("tr", {}, heads.map((head) => h("th", { scope: "col" }, head)))), h("tbody", {}, rows.map(row))));
  }
  const count = (status) => rows.filter((ticket) => ticket.sla_status === status).length;
  byId("queue-summary").textContent = `${rows.length} open · ${count("breach")} breached · ${count("warning")} close to it · `
    + `${rows.filter((ticket) => !ticket.assigned_tech).length} unassigned`;
  if (hadFocus && cursor >= 0) byId(`row-${cursor}`)?.focus();
}

function select(index, focus) {
  if (rows.length === 0) return;
  cursor = Math.max(0, Math.min(rows.length - 1, index));
  for (const [at, element] of [...byId("queue").querySelectorAll("tbody tr")].entries()) {
    element.setAttribute("aria-selected", String(at === cursor));
    element.tabIndex = at === cursor ? 0 : -1;
    if (at === cursor && focus) { element.focus(); element.scrollIntoView({ block: "nearest" }); }
  }
}

/** j and k. */
export const move = (step) => select(cursor < 0 ? 0 : cursor + step, true);

/** Enter. */
export function openSelected() {
  if (cursor >= 0 && rows[cursor]) open(rows[cursor].ticket_id);
}

/** Back to the queue, where the selection was. */
export const focusQueue = () => (cursor >= 0 ? select(cursor, true) : byId("queue").querySelector("tr[tabindex='0']")?.focus());

function live(text, kind) {
  const line = byId("live");
  line.hidden = false;
  line.className = `live ${kind}`;
  line.textContent = text;
}

/** Asks now; the next time is sooner after a success, later after each failure. */
export async function refresh() {
  if (!mayUse("dispatcher.cockpit")) return;
  clearTimeout(timer);
  const mine = ++asked;
  const keep = rows[cursor]?.ticket_id;
  try {
    const document = await read("dispatcher.cockpit", filters());
    // An answer that was overtaken by a newer question tells of the past.
    if (mine !== asked) return;
    rows = document.queue;
    cursor = rows.findIndex((ticket) => ticket.ticket_id === keep);
    freshAt = new Date();
    delay = EVERY_MS;
    live(`Live · ${freshAt.toLocaleTimeString()}`, "good");
    draw();
  } catch (error) {
    if (mine !== asked) return;
    delay = Math.min(SLOWEST_MS, delay * 2);
    live(freshAt ? `Stale since ${freshAt.toLocaleTimeString()} · next try in ${delay / 1000} s` : "No data yet", "bad");
    if (!freshAt) fill(byId("queue"), error.error ? explain(error.error) : h("p", { class: "problem" }, error.message));
    if (error.status === 401) { announce("Your token is no longer accepted. Sign in again."); return; }
  }
  if (!document.hidden) timer = setTimeout(refresh, delay);
}

/** Wires the queue; `opened` is called with a ticket's id. */
export function start(opened) {
  open = opened;
  const allowed = mayUse("dispatcher.cockpit");
  byId("filters").hidden = !allowed;
  rows = [];
  cursor = -1;
  freshAt = null;
  if (!allowed) {
    byId("queue-title").textContent = "Tickets";
    byId("queue-summary").textContent = "";
    fill(byId("queue"), h("p", { class: "empty" }, "Your role works ticket by ticket: open one by its id."));
    return;
  }
  byId("queue-title").textContent = "Queue";
  fill(byId("filters"), filterFields(), h("button", { type: "reset" }, "Clear"));
  void refresh();
}

/** Listeners that live as long as the page. */
export function wire() {
  const form = byId("filters");
  form.addEventListener("change", () => void refresh());
  form.addEventListener("submit", (event) => { event.preventDefault(); void refresh(); });
  form.addEventListener("reset", () => setTimeout(refresh));
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && freshAt) void refresh(); else clearTimeout(timer);
  });
}

export function stop() {
  clearTimeout(timer);
  asked += 1;
  byId("live").hidden = true;
}
