// The form of a mutating tool, made from its schema, and the call it ends in.

import { announce, byId, explain, fill, h, raw, words } from "./dom.js";
import { call, freshKey, toolOf } from "./gateway.js";
import { note } from "./chat.js";

const DESTRUCTIVE = ["ticket.cancel", "ticket.force_close", "ticket.close", "dispatch.force_unassign", "dispatch.manual_bypass"];

const localTime = (minutes) => {
  const at = new Date(Date.now() + minutes * 60000);
  at.setMinutes(0, 0, 0);
  return new Date(at.getTime() - at.getTimezoneOffset() * 60000).toISOString().slice(0, 16);
};

/** A field: what to show, and a function that gives its value, undefined when left empty. */
function field(name, schema, needed, context) {
  const id = `field-${name}`;
  const label = (input, hint) => h("label", { for: id }, h("span", {}, words(name), needed ? "" : h("span", { class: "hint" }, " optional")), input, hint ? h("span", { class: "hint" }, hint) : null);
  const isWindow = (candidate) => candidate?.properties?.start?.format === "date-time" && candidate?.properties?.end;
  if (name === "checklist_status" && context.checklist.length) return checklist(name, context.checklist);
  if (isWindow(schema) || isWindow(schema.items)) return period(name, Boolean(schema.items));
  if (schema.enum) {
    const input = h("select", { id, required: needed }, needed ? null : h("option", { value: "" }, "–"), schema.enum.map((value) => h("option", { value }, words(value).toLowerCase())));
    return { view: label(input), value: () => input.value || undefined };
  }
  if (schema.type === "boolean") {
    const input = h("input", { id, type: "checkbox" });
    return { view: h("label", { class: "inline", for: id }, input, ` ${words(name)}`), value: () => (input.checked || needed ? input.checked : undefined) };
  }
  if (schema.type === "integer" || schema.type === "number") {
    const input = h("input", { id, type: "number", min: schema.minimum, max: schema.maximum, step: schema.type === "integer" ? 1 : "any", required: needed });
    return { view: label(input), value: () => (input.value === "" ? undefined : Number(input.value)) };
  }
  if (schema.format === "date-time") {
    const input = h("input", { id, type: "datetime-local", required: needed, value: needed ? new Date(Date.now() - new Date().getTimezoneOffset() * 60000).toISOString().slice(0, 16) : null });
    return { view: label(input), value: () => (input.value ? new Date(input.value).toISOString() : undefined) };
  }
  if (schema.type === "array") {
    const input = h("textarea", { id, rows: 2, required: needed });
    return { view: label(input, "one per line"), value: () => lines(input.value) };
  }
  if (schema.type === "object") {
    const input = h("textarea", { id, rows: 3, required: needed, spellcheck: "false", placeholder: "{ }" });
    return { view: label(input, "JSON object"), value: () => (input.value.trim() ? JSON.parse(input.value) : undefined) };
  }
  const input = h("input", { id, required: needed, minlength: schema.minLength, maxlength: schema.maxLength, spellcheck: schema.format ? "false" : "true" });
  return { view: label(input), value: () => input.value.trim() || undefined };
}

function lines(text) {
  const found = text.split("\n").map((line) => line.trim()).filter(Boolean);
  return found.length ? found : undefined;
}

function checklist(name, items) {
  const boxes = items.map((item) => [item.key, h("input", { id: `check-${item.key}`, type: "checkbox", checked: item.checked })]);
  return {
    view: h("fieldset", {}, h("legend", {}, words(name)), boxes.map(([key, box]) => h("label", { class: "inline", for: `check-${key}` }, box, ` ${words(key)}`))),
    value: () => Object.fromEntries(boxes.map(([key, box]) => [key, box.checked])),
  };
}

function period(name, many) {
  const input = (edge, minutes) => h("input", { id: `field-${name}-${edge}`, type: "datetime-local", required: true, value: localTime(minutes) });
  const [start, end] = [input("start", 60), input("end", 180)];
  const read = () => ({ start: new Date(start.value).toISOString(), end: new Date(end.value).toISOString() });
  return {
    view: h("fieldset", {}, h("legend", {}, words(name)), h("label", { for: start.id }, "start", start), h("label", { for: end.id }, "end", end)),
    value: () => (many ? [read()] : read()),
  };
}

/** `start` and `end` beside each other are one period with sensible times. */
function fieldsOf(payload, context) {
  const needed = payload?.required ?? [];
  return Object.entries(payload?.properties ?? {})
    .sort(([a], [b]) => Number(needed.includes(b)) - Number(needed.includes(a)))
    .map(([name, schema]) => ({ name, ...field(name, schema, needed.includes(name), context) }));
}

/** Opens the form of `tool` on a ticket; `done` hears of success. */
export function askFor(tool, title, context, done) {
  const dialog = byId("dialog");
  const entry = toolOf(tool);
  const fields = fieldsOf(entry?.input_schema.properties?.payload, context);
  const outcome = h("div", { role: "alert" });
  const danger = DESTRUCTIVE.includes(tool);
  const submit = h("button", { type: "submit", class: danger ? "danger" : "primary" }, title);
  let attempt = { key: freshKey(), sent: null };
  const form = h("form", {
    onsubmit: async (event) => {
      event.preventDefault();
      const payload = {};
      try {
        for (const { name, value } of fields) { const given = value(); if (given !== undefined) payload[name] = given; }
      } catch (error) { fill(outcome, h("p", { class: "problem" }, `A field is not JSON: ${error.message}`)); return; }
      const sent = JSON.stringify(payload);
      // What was sent before and is sent again is the same change; anything else is another one.
      if (attempt.sent !== null && attempt.sent !== sent) attempt = { key: freshKey(), sent };
      attempt.sent = sent;
      submit.disabled = true;
      try {
        const result = await call(tool, { ticket_id: context.ticketId, payload }, attempt.key);
        note(tool, result);
        if (result.isError) fill(outcome, explain(result.details.error), raw(result.details));
        else { dialog.close(); announce(`${title}: done`); done(result); }
      } catch (error) { fill(outcome, h("p", { class: "problem" }, error.message)); }
      submit.disabled = false;
    },
  }, h("h2", { id: "dialog-title" }, title), h("p", { class: "hint" }, entry?.description ?? ""),
  danger ? h("p", { class: "problem" }, "This is recorded in the audit trail under your name.") : null,
  fields.map(({ view }) => view), outcome,
  h("div", { class: "buttons" }, h("button", { type: "button", onclick: () => dialog.close() }, "Cancel"), submit));
  fill(dialog, form);
  dialog.showModal();
  (form.querySelector("input, select, textarea") ?? submit).focus();
}
