// Building and announcing: text always goes in as text, never as markup.

export const byId = (id) => document.getElementById(id);

/** An element with attributes, listeners (`onclick`) and children. */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else element.setAttribute(name, String(value));
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

export function fill(element, ...children) {
  element.replaceChildren(...children.flat().filter(Boolean));
}

/** Says something to a screen reader without moving the focus. */
export function announce(text) {
  byId("announcer").textContent = "";
  requestAnimationFrame(() => { byId("announcer").textContent = text; });
}

/** `schedule_propose` as `schedule propose`. */
export const words = (name) => String(name).replaceAll("_", " ").replaceAll(".", ": ");

const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d/;

/** A time for reading, the exact one on hover. */
export function time(text) {
  if (!text) return "–";
  const at = new Date(text);
  const clock = { hour: "2-digit", minute: "2-digit" };
  const today = at.toDateString() === new Date().toDateString();
  const shown = today ? at.toLocaleTimeString([], clock) : at.toLocaleString([], { month: "short", day: "numeric", ...clock });
  return h("time", { datetime: text, title: text }, shown);
}

export const badge = (text, kind = "") => h("span", { class: `badge ${kind}` }, text);

/** The raw document, folded away. */
export function raw(value, label = "Raw JSON") {
  return h("details", { class: "raw" }, h("summary", {}, label), h("pre", { tabindex: 0 }, JSON.stringify(value, null, 2)));
}

/** Any JSON value, readable: members as a list, lists of objects as a table. */
export function readable(value, depth = 0) {
  if (value === null || value === undefined || value === "") return "–";
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value === "string") return ISO.test(value) ? time(value) : value;
  if (typeof value !== "object") return String(value);
  if (Array.isArray(value)) return list(value, depth);
  const members = Object.entries(value).filter(([, member]) => member !== null && member !== "");
  if (members.length === 0) return "–";
  if (depth > 2) return JSON.stringify(value);
  return h("dl", { class: "facts" }, members.flatMap(([name, member]) =>
    [h("dt", {}, words(name)), h("dd", {}, readable(member, depth + 1))]));
}

function list(items, depth) {
  if (items.length === 0) return "none";
  if (items.every((item) => item === null || typeof item !== "object")) return items.join(", ");
  if (depth > 1) return `${items.length} entries`;
  const columns = Object.keys(items[0]).filter((name) => items.every((item) => typeof item[name] !== "object" || item[name] === null)).slice(0, 6);
  const rows = items.slice(0, 50).map((item) => h("tr", {}, columns.map((name) => h("td", {}, readable(item[name], 3)))));
  const more = items.length > rows.length ? h("p", { class: "hint" }, `${items.length - rows.length} more in the raw JSON`) : null;
  return h("div", { class: "scroll", tabindex: 0 }, h("table", {},
    h("thead", {}, h("tr", {}, columns.map((name) => h("th", { scope: "col" }, words(name))))), h("tbody", {}, rows)), more);
}

const DIMENSIONS = {
  role: "Your role may not do this", state: "The ticket is not in a state that allows this",
  evidence: "Evidence or checklist is incomplete", scope: "This is outside your accounts or sites",
  policy: "A policy forbids this now", tool: "This tool does not fit here",
};

/** A refusal in plain words: the rule, what it wants, and what is missing. */
export function explain(error) {
  const all = { ...(error.dispatch_error ?? {}), ...error, ...(error.policy_error ?? {}) };
  const lines = [];
  const say = (label, value) => {
    const text = Array.isArray(value) ? value.join(", ") : value;
    if (text !== undefined && text !== null && text !== "") lines.push(h("dt", {}, label), h("dd", {}, String(text)));
  };
  say("ticket is", all.from_state);
  say("allowed from", all.allowed_from_states);
  say("would lead to", all.to_state);
  say("your role", all.actor_role);
  say("allowed roles", all.allowed_roles);
  say("requirement", all.requirement_code && words(all.requirement_code).toLowerCase());
  say("missing evidence", all.missing_evidence_keys);
  say("missing checklist", all.missing_checklist_keys);
  say("invalid evidence", all.invalid_evidence_refs);
  say("scope", all.scope_type);
  for (const problem of all.validation_errors ?? []) say(problem.path || "payload", problem.message);
  if (all.retryable) say("retry", `worth another try in ${Math.ceil((all.retry_after_ms ?? 1000) / 1000)} s`);
  const rule = DIMENSIONS[all.dimension] ?? null;
  return h("div", { class: "refusal" },
    h("p", {}, h("strong", {}, rule ?? "The call failed"), " ", badge(error.code ?? all.code ?? "ERROR", "bad"),
      all.dimension ? h("span", { class: "hint" }, ` ${all.dimension} rule`) : null),
    h("p", {}, error.message ?? all.message ?? ""), lines.length ? h("dl", { class: "facts" }, lines) : null);
}
