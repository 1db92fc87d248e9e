// Requests to the box. An error is always one sentence for people: the box's own, or ours where it cannot be reached.
import { t } from "./words.js";

export class Failure extends Error {
  constructor(status, code, message, retryMs) {
    super(message);
    this.status = status;
    this.code = code;
    this.retryMs = retryMs;
  }
}

/// The failure that an error object of the box tells of, whatever wrapped it.
export function failureOf(error, status = 0) {
  if (error instanceof Failure) return error;
  const message = typeof error?.message === "string" && error.message ? error.message : t("desk.err.unknown");
  const after = error?.retry_after_ms ?? error?.retryMs ?? error?.after_ms;
  return new Failure(status, error?.code ?? "unknown", message, Number.isFinite(after) ? after : undefined);
}

async function request(method, path, body) {
  const headers = { Accept: "application/json", "X-Boothcast": "1" };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let answer;
  try {
    answer = await fetch(path, {
      method, headers, body: body === undefined ? undefined : JSON.stringify(body), signal: AbortSignal.timeout(15000),
    });
  } catch {
    throw new Failure(0, "away", t("desk.err.away"));
  }
  const text = await answer.text().catch(() => "");
  let data;
  try {
    data = text ? JSON.parse(text) : {};
  } catch {
    data = undefined;
  }
  if (answer.ok && data === undefined) throw new Failure(answer.status, "bad-answer", t("desk.err.unknown"));
  if (answer.ok) return data;
  const failure = failureOf(data?.error ?? { message: data === undefined && text.length < 300 ? text : "" }, answer.status);
  // The session is over or was revoked: what was typed stays, a bar leads to the login page.
  if (answer.status === 401 && path !== "/login") dispatchEvent(new CustomEvent("desk-logged-out"));
  throw failure;
}

export const get = (path) => request("GET", path);
export const post = (path, body = {}) => request("POST", path, body);
export const del = (path) => request("DELETE", path);

/// An order to the box, by its name of `Command`.
export async function command(name, args) {
  const answer = await post("/api/command", args === undefined ? { name } : { name, args });
  return answer?.data ?? answer ?? {};
}

/// The list in an answer, bare or under its name.
export const rows = (answer, key) => (Array.isArray(answer) ? answer : (Array.isArray(answer?.[key]) ? answer[key] : []));
