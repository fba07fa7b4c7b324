// Talking to the gateway. The token lives in this tab's sessionStorage and nowhere else.

const TOKEN = "dispatch-console-token";
const ACTOR = "dispatch-console-actor";

export const session = { actor: null, shared: false, tools: [] };

/** An answer that is no result: no token, no such tool, no gateway. */
export class Refused extends Error {
  constructor(status, message) { super(message); this.status = status; }
}

export const savedToken = () => sessionStorage.getItem(TOKEN);
export const savedActor = () => JSON.parse(sessionStorage.getItem(ACTOR) ?? "null");

export function forget() {
  sessionStorage.removeItem(TOKEN);
  sessionStorage.removeItem(ACTOR);
}

async function request(path, body, token = savedToken()) {
  const headers = { authorization: `Bearer ${token}` };
  if (body) headers["content-type"] = "application/json";
  let response;
  try {
    response = await fetch(path, { method: body ? "POST" : "GET", headers, body: body && JSON.stringify(body), cache: "no-store" });
  } catch {
    throw new Refused(0, "The gateway cannot be reached.");
  }
  const document = await response.json().catch(() => null);
  if (!response.ok) throw new Refused(response.status, document?.error?.message ?? `The gateway answered ${response.status}.`);
  return document;
}

/** Who a token is; nothing is kept yet. */
export const whoIs = (token) => request("/console/session", null, token);

/** Keeps the token and learns which tools it may use. */
export async function signIn(token, who, actor) {
  sessionStorage.setItem(TOKEN, token);
  if (who.shared) sessionStorage.setItem(ACTOR, JSON.stringify(actor));
  session.shared = who.shared;
  session.actor = who.shared ? actor : { id: who.actor_id, role: who.actor_role };
  session.tools = (await request("/tools")).tools;
}

export const toolOf = (name) => session.tools.find((tool) => tool.name === name || tool.chat_name === name);

/** Whether the session's role may use a tool. */
export function mayUse(name) {
  const tool = toolOf(name);
  return Boolean(tool) && (tool.roles.length === 0 || tool.roles.includes(session.actor.role));
}

/** A key for one intended change: the same for every retry of it. */
export function freshKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

const actorFields = () => (session.shared ? { actor_id: session.actor.id, actor_role: session.actor.role } : {});

/** Runs a tool; gives its result, also when the call failed. */
export async function call(tool, args = {}, key = undefined) {
  const body = { tool, args: { ...actorFields(), ...args }, sessionKey: "console" };
  if (key) body.idempotencyKey = key;
  return (await request("/tools/invoke", body)).result;
}

/** The data of a read, or an error that carries the refusal. */
export async function read(tool, args = {}) {
  const result = await call(tool, args);
  if (!result.isError) return result.details.data;
  const refused = new Refused(result.details.error.status, result.details.error.message);
  refused.error = result.details.error;
  throw refused;
}

/** Runs a line as typed. */
export const command = (line, key) => request("/console/command", { line, idempotencyKey: key, ...actorFields() });

export const alerts = () => request("/console/alerts");
