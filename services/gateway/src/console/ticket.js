// One ticket: facts, the actions the API offers, the job packet with its gate, and the timeline.

import { badge, byId, explain, fill, h, raw, readable, time, words } from "./dom.js";
import { askFor } from "./action.js";
import { mayUse, read, toolOf } from "./gateway.js";

let shown = null;
let panel = "packet";
let changed = () => {};
let onlyStates = false;
let asked = 0;

export const current = () => shown;

/** Opens a ticket, or shows the open one anew. */
export async function open(id, focus = true) {
  const fresh = id !== shown;
  shown = id;
  const region = byId("ticket");
  const mine = ++asked;
  if (fresh) fill(region, h("p", { class: "hint" }, "Loading…"));
  document.body.classList.add("has-ticket");
  const [ticket, cockpit, packet] = await Promise.all([
    optional("ticket.get", { ticket_id: id }),
    optional("dispatcher.cockpit", { ticket_id: id }),
    optional("tech.job_packet", { ticket_id: id }),
  ]);
  const history = await optional("ticket.timeline", { ticket_id: id });
  if (mine !== asked || shown !== id) return;
  draw({ id, ticket, cockpit, packet, history });
  if (focus) { region.focus({ preventScroll: true }); region.scrollIntoView({ block: "nearest" }); }
}

/** A read the role may make: its data, or the refusal; nothing if the role has no such tool. */
async function optional(tool, args) {
  if (!mayUse(tool)) return {};
  try { return { data: await read(tool, args) }; }
  catch (error) { return { error: error.error ?? { code: "UNREACHABLE", message: error.message } }; }
}

export function close() {
  shown = null;
  asked += 1;
  document.body.classList.remove("has-ticket");
  fill(byId("ticket"));
}

/** `changes` is called after a committed action. */
export function start(changes) { changed = changes; }

function draw(parts) {
  const ticket = parts.ticket.data ?? parts.cockpit.data?.selected_ticket?.ticket;
  const packet = parts.packet.data?.packet;
  const region = byId("ticket");
  const failure = parts.ticket.error ?? (ticket || packet ? null : parts.packet.error);
  if (failure) { fill(region, back(), explain(failure), raw(failure)); return; }
  const state = ticket?.state ?? packet?.header.current_state;
  fill(region,
    h("div", { class: "section-head" }, back(), h("h2", {}, ticket?.summary ?? packet?.work_scope.summary ?? "Ticket"), badge(words(state).toLowerCase(), "strong")),
    h("p", { class: "hint" }, h("code", {}, parts.id)),
    facts(ticket, packet),
    actions(parts, packet),
    tabs(parts, packet),
    raw({ ticket: ticket ?? null, packet: packet ?? null }));
}

const back = () => h("button", { type: "button", class: "back", onclick: () => document.dispatchEvent(new CustomEvent("leave-ticket")) }, "← Back");

function facts(ticket, packet) {
  const scheduled = packet?.header.scheduled_window ?? { start: ticket?.scheduled_start, end: ticket?.scheduled_end };
  const pairs = [
    ["priority", ticket?.priority ?? packet?.header.priority], ["incident", ticket?.incident_type ?? packet?.header.incident_type],
    ["window", scheduled.start ? h("span", {}, time(scheduled.start), " – ", time(scheduled.end)) : null],
    ["technician", ticket?.assigned_tech_id ?? packet?.header.assigned_tech_id], ["version", ticket?.version],
  ];
  return h("dl", { class: "facts" }, pairs.filter(([, value]) => value !== null && value !== undefined)
    .flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value instanceof Node ? value : words(value))]));
}

/** The union of what cockpit and packet offer, each tool once. An action exists only because the API listed it. */
function offered(parts, packet) {
  const row = parts.cockpit.data?.queue.find((entry) => entry.ticket_id === parts.id);
  const seen = new Set();
  return [...(row?.actions ?? []), ...(packet?.actions ?? [])].filter((action) => {
    if (seen.has(action.tool_name)) return false;
    return seen.add(action.tool_name);
  });
}

function actions(parts, packet) {
  const all = offered(parts, packet).filter((action) => action.mutating);
  if (all.length === 0) return h("p", { class: "hint" }, "The API offers no action on this ticket here.");
  const button = (action) => {
    const why = action.policy_error;
    const id = `why-${action.action_id}`;
    return h("li", {}, h("button", {
      type: "button", "data-action": action.action_id, "aria-disabled": action.enabled ? null : "true", "aria-describedby": why ? id : null,
      onclick: () => (action.enabled ? act(action, parts, packet) : toggle(id)),
    }, words(action.action_id)), why ? h("div", { id, class: "why", hidden: true }, explain(why), fillIn(action, why, () => act(action, parts, packet))) : null);
  };
  const on = all.filter((action) => action.enabled);
  const off = all.filter((action) => !action.enabled);
  return h("section", { "aria-label": "Actions" }, h("h3", {}, "Actions"),
    on.length ? h("ul", { class: "actions" }, on.map(button)) : h("p", { class: "hint" }, "Nothing can be done by you in this state."),
    off.length ? h("details", { class: "raw", id: "not-available" }, h("summary", {}, `${off.length} not available, and why`), h("ul", { class: "actions off" }, off.map(button))) : null);
}

/** A completion brings its own checklist and signature reason, so what is missing may be what its form asks for. The API decides. */
function fillIn(action, why, onclick) {
  const brings = toolOf(action.tool_name)?.input_schema.properties?.payload?.properties?.checklist_status;
  if (why.dimension !== "evidence" || !brings) return null;
  return h("button", { type: "button", "data-fill": action.action_id, onclick }, "Fill in what is missing");
}

function toggle(id) { byId(id).hidden = !byId(id).hidden; }

function act(action, parts, packet) {
  askFor(action.tool_name, words(action.action_id), { ticketId: parts.id, checklist: packet?.checklist.required_items ?? [] }, changed);
}

function tabs(parts, packet) {
  const panels = { packet: ["Job packet", () => packetPanel(parts, packet)], timeline: ["Timeline", () => timelinePanel(parts)] };
  const body = h("div", { role: "tabpanel", id: "ticket-panel", tabindex: 0 });
  const list = h("div", { role: "tablist", "aria-label": "Details" });
  const show = (name) => {
    panel = name;
    fill(body, panels[name][1]());
    for (const tab of list.children) tab.setAttribute("aria-selected", String(tab.dataset.panel === name));
  };
  list.append(...Object.entries(panels).map(([name, [label]]) => h("button", {
    type: "button", role: "tab", "data-panel": name, "aria-controls": "ticket-panel", onclick: () => show(name),
  }, label)));
  show(panel);
  return h("section", { "aria-label": "Details" }, list, body);
}

/** t and p. */
export const showPanel = (name) => byId("ticket").querySelector(`[data-panel="${name}"]`)?.click();

function packetPanel(parts, packet) {
  if (!packet) return parts.packet.error ? explain(parts.packet.error) : h("p", { class: "hint" }, "Your role does not read job packets.");
  const { site_and_access: site, work_scope: work, closeout_gate: gate, evidence_requirements: evidence, checklist } = packet;
  const place = [site.address.address1, site.address.address2, site.address.city, site.address.region, site.address.postal_code].filter(Boolean).join(", ");
  const contact = site.onsite_contact;
  const tick = (done, key) => h("li", { class: done ? "done" : "todo" }, h("span", { "aria-hidden": "true" }, done ? "✓ " : "○ "), words(key), h("span", { class: "visually-hidden" }, done ? ", present" : ", missing"));
  const missing = [...gate.missing_evidence_keys, ...gate.missing_checklist_keys, ...gate.invalid_evidence_refs];
  return h("div", { class: "packet" },
    h("section", {}, h("h3", {}, "Site"), h("p", {}, h("strong", {}, site.site_name), h("br"), place),
      site.access_instructions ? h("p", {}, site.access_instructions) : null,
      contact ? h("p", {}, `${contact.name} (${contact.role}) `, h("a", { href: `tel:${contact.phone}` }, contact.phone)) : null),
    h("section", {}, h("h3", {}, "Work"), h("p", {}, work.summary), work.customer_description ? h("p", {}, work.customer_description) : null,
      work.nte_cents ? h("p", { class: "hint" }, `Not to exceed ${(work.nte_cents / 100).toFixed(2)}`) : null),
    h("section", {}, h("h3", {}, "Closeout gate "), h("p", {}, badge(gate.ready ? "ready" : words(gate.code).toLowerCase(), gate.ready ? "good" : "warn")),
      missing.length ? h("p", {}, "Missing: ", missing.map(words).join(", ")) : null,
      gate.no_signature_reason ? h("p", {}, `No signature: ${gate.no_signature_reason}`) : null),
    h("section", {}, h("h3", {}, "Evidence"), evidence.required_evidence.length
      ? h("ul", { class: "ticks" }, evidence.required_evidence.map((item) => tick(item.present, item.key)))
      : h("p", { class: "hint" }, "No template yet: triage gives the ticket one."),
    evidence.evidence_items.length ? readable(evidence.evidence_items.map((item) => ({ kind: item.kind, key: item.metadata?.evidence_key, uri: item.uri, at: item.created_at }))) : null),
    h("section", {}, h("h3", {}, "Checklist"), checklist.required_items.length
      ? h("ul", { class: "ticks" }, checklist.required_items.map((item) => tick(item.checked, item.key)))
      : h("p", { class: "hint" }, "Nothing required yet.")));
}

function timelinePanel(parts) {
  const events = parts.history.data?.events ?? parts.cockpit.data?.selected_ticket?.timeline.events ?? [];
  if (parts.history.error) return explain(parts.history.error);
  const list = h("ol", { class: "timeline" });
  const drawEvents = () => fill(list, events.filter((event) => !onlyStates || event.before_state !== event.after_state).map((event) => h("li", {},
    h("p", {}, time(event.created_at), " ", h("strong", {}, words(event.tool_name)), " ",
      event.before_state !== event.after_state && event.after_state ? badge(`${event.before_state ? `${words(event.before_state)} → ` : ""}${words(event.after_state)}`.toLowerCase()) : null),
    h("p", { class: "hint" }, `${event.actor_id} (${event.actor_role ?? event.actor_type})`), raw(event, "Payload and ids"))));
  drawEvents();
  const box = h("input", { type: "checkbox", id: "only-states", checked: onlyStates, onchange: (event) => { onlyStates = event.target.checked; drawEvents(); } });
  return h("div", {}, h("label", { class: "inline", for: "only-states" }, box, " state changes only"), list);
}
