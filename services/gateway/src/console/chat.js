// The command line: completion from the tools' schemas, history, and answers one can read.

import { announce, badge, byId, explain, fill, h, raw, readable, words } from "./dom.js";
import { command, freshKey, session, toolOf } from "./gateway.js";

const history = [];
let recalled = 0;
let choices = [];
let chosen = -1;
let lastFailed = null;
let afterChange = () => {};

const ENVELOPE = ["actor_id", "actor_role", "actor_type", "request_id", "correlation_id", "trace_parent", "trace_state", "trace_id"];

/** Fields a call of `tool` may bring, the needed ones first. */
function fieldsOf(tool) {
  const schema = tool.input_schema;
  const payload = schema.properties?.payload;
  const needed = [...(schema.required ?? []), ...(payload?.required ?? [])];
  const names = [...Object.keys(schema.properties ?? {}), ...Object.keys(payload?.properties ?? {})]
    .filter((name) => name !== "payload" && !ENVELOPE.includes(name));
  return [...new Set(names)].sort((a, b) => Number(needed.includes(b)) - Number(needed.includes(a)))
    .map((name) => ({ name, needed: needed.includes(name), schema: payload?.properties?.[name] ?? schema.properties?.[name] ?? {} }));
}

/** What fits where the caret is: tool names, then fields, then the values a field knows. */
function candidates(text) {
  const first = /^\/?([\w.]*)$/.exec(text);
  if (first) {
    const dotted = first[1].includes(".");
    const wanted = first[1].toLowerCase().replaceAll(".", "_");
    return session.tools.filter((tool) => tool.chat_name.includes(wanted))
      .sort((a, b) => Number(b.chat_name.startsWith(wanted)) - Number(a.chat_name.startsWith(wanted)))
      .map((tool) => ({ from: 0, text: `${dotted ? tool.name : tool.chat_name} `, label: dotted ? tool.name : tool.chat_name, note: tool.description }));
  }
  const tool = toolOf(/^\/?([\w.]+)/.exec(text)?.[1] ?? "");
  if (!tool) return [];
  const json = /^\/?[\w.]+\s*\{/.test(text);
  const value = json ? /"(\w+)"\s*:\s*"(\w*)$/.exec(text) : /(\w+)=(\w*)$/.exec(text);
  const fields = fieldsOf(tool);
  if (value) {
    const known = fields.find((field) => field.name === value[1])?.schema.enum ?? [];
    return known.filter((word) => word.startsWith(value[2].toUpperCase()))
      .map((word) => ({ from: text.length - value[2].length, text: json ? `${word}"` : `${word} `, label: word, note: value[1] }));
  }
  const field = json ? /[{,]\s*"?(\w*)$/.exec(text) : /\s(\w*)$/.exec(text);
  if (!field) return [];
  return fields.filter((candidate) => candidate.name.startsWith(field[1]) && !text.includes(json ? `"${candidate.name}"` : `${candidate.name}=`))
    .map((candidate) => {
      const start = text.length - (json ? /"?\w*$/.exec(text)[0].length : field[1].length);
      const quoted = candidate.schema.type === "string" ? '"' : "";
      const insert = json ? `"${candidate.name}": ${quoted}` : `${candidate.name}=`;
      return { from: start, text: insert, label: candidate.name, note: candidate.needed ? "needed" : "optional" };
    });
}

function showChoices() {
  const line = byId("line");
  const text = line.value.slice(0, line.selectionStart);
  choices = text.trim() === "" ? [] : candidates(text).slice(0, 8);
  if (choices.length === 1 && text.slice(choices[0].from) === choices[0].text) choices = [];
  chosen = -1;
  drawChoices();
}

function drawChoices() {
  const box = byId("completions");
  box.hidden = choices.length === 0;
  byId("line").setAttribute("aria-expanded", String(choices.length > 0));
  byId("line").setAttribute("aria-activedescendant", chosen >= 0 ? `choice-${chosen}` : "");
  fill(box, choices.map((choice, index) => h("div", {
    id: `choice-${index}`, role: "option", "aria-selected": String(index === chosen),
    onmousedown: (event) => { event.preventDefault(); chosen = index; take(); },
  }, h("span", {}, choice.label), h("span", { class: "hint" }, choice.note))));
}

function take() {
  const line = byId("line");
  const choice = choices[Math.max(chosen, 0)];
  const rest = line.value.slice(line.selectionStart);
  const text = line.value.slice(0, choice.from) + choice.text;
  line.value = text + rest;
  line.setSelectionRange(text.length, text.length);
  grow();
  showChoices();
}

function grow() {
  const line = byId("line");
  line.rows = Math.min(8, line.value.split("\n").length);
}

function onKey(event) {
  const line = byId("line");
  const open = choices.length > 0;
  if (event.key === "Tab" && !event.shiftKey && open) { event.preventDefault(); take(); }
  else if (event.key === "Escape" && open) { event.stopPropagation(); choices = []; drawChoices(); }
  else if (event.key === "Enter" && !event.shiftKey) {
    event.preventDefault();
    if (open && chosen >= 0) take(); else void submit();
  } else if ((event.key === "ArrowDown" || event.key === "ArrowUp") && open && (event.key === "ArrowDown" || chosen >= 0)) {
    event.preventDefault();
    chosen = Math.max(-1, Math.min(choices.length - 1, chosen + (event.key === "ArrowDown" ? 1 : -1)));
    drawChoices();
  } else if (event.key === "ArrowUp" && history.length && !line.value.includes("\n")) {
    event.preventDefault(); recall(-1);
  } else if (event.key === "ArrowDown" && recalled < history.length) { event.preventDefault(); recall(1); }
}

function recall(step) {
  recalled = Math.max(0, Math.min(history.length, recalled + step));
  byId("line").value = history[recalled] ?? "";
  choices = [];
  drawChoices();
}

async function submit() {
  const line = byId("line");
  const text = line.value.trim();
  if (!text) return;
  history.push(text);
  recalled = history.length;
  line.value = "";
  choices = [];
  drawChoices();
  grow();
  // The same line again after a failure is a retry, so it keeps its key and can happen only once.
  const key = lastFailed?.text === text ? lastFailed.key : freshKey();
  const entry = h("article", { class: "entry", "aria-busy": "true" }, h("p", { class: "typed" }, text), h("p", { class: "hint" }, "running…"));
  append(entry);
  try {
    const answer = await command(text, key);
    lastFailed = answer.result.isError ? { text, key } : null;
    show(entry, text, answer.tool, answer.result);
    if (!answer.result.isError && toolOf(answer.tool)?.mutating) afterChange(answer.result);
  } catch (error) {
    lastFailed = { text, key };
    fill(entry, h("p", { class: "typed" }, text), h("p", { class: "problem" }, error.message));
    announce(error.message);
  }
  entry.removeAttribute("aria-busy");
  entry.scrollIntoView({ block: "nearest" });
}

function append(entry) {
  byId("log").append(entry);
  entry.scrollIntoView({ block: "nearest" });
}

/** A call made elsewhere on the page, noted where all calls are. */
export function note(tool, result) {
  const entry = h("article", { class: "entry" });
  append(entry);
  show(entry, words(tool), tool, result);
}

function show(entry, typed, tool, result) {
  const details = result.details;
  const failed = result.isError === true;
  const data = failed ? null : details.data ?? details;
  const status = failed ? details.error.status : details.status ?? 200;
  announce(failed ? `${tool} failed: ${details.error.message}` : `${tool} answered`);
  fill(entry, h("p", { class: "typed" }, typed),
    h("p", {}, badge(failed ? `failed ${status}` : `done ${status}`, failed ? "bad" : "good"), " ", h("code", {}, toolOf(tool)?.name ?? tool), ids(data)),
    failed ? explain(details.error) : summary(data), raw(details));
}

/** The ticket an answer is about, ready to be copied into the next call. */
function ids(data) {
  const id = data?.ticket_id ?? data?.ticket?.id ?? (data?.state ? data.id : null);
  if (!id) return null;
  return h("button", { type: "button", class: "quiet", title: "Put this ticket into the command line", onclick: () => use(id) }, ` ${id}`);
}

function use(id) {
  const line = byId("line");
  line.value = `${line.value.trimEnd()} ticket_id=${id} `.trimStart();
  line.focus();
}

function summary(data) {
  if (Array.isArray(data?.queue)) {
    const rows = data.queue.map((row) => ({ state: words(row.state).toLowerCase(), priority: row.priority, sla: row.sla_timer_remaining, ticket: row.ticket_id }));
    return h("div", {}, h("p", {}, `${rows.length} ticket${rows.length === 1 ? "" : "s"} in the queue`), rows.length ? readable(rows) : null);
  }
  if (Array.isArray(data?.events)) {
    return readable(data.events.map((event) => ({ at: event.created_at, tool: event.tool_name, before: event.before_state, after: event.after_state, by: event.actor_id })));
  }
  return readable(data);
}

/** Wires the command line; `changed` hears about every committed change. */
export function start(changed) {
  afterChange = changed;
  const line = byId("line");
  line.addEventListener("input", () => { grow(); showChoices(); });
  line.addEventListener("keydown", onKey);
  line.addEventListener("blur", () => { choices = []; drawChoices(); });
  byId("prompt").addEventListener("submit", (event) => { event.preventDefault(); void submit(); });
}
