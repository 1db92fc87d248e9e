// Requests over HTTP: JSON both ways, with the header that another site cannot send without asking.

import { Refusal } from './socket.js';

/** The JSON of the answer; a Refusal when it was not done. */
export async function api(method, path, body) {
  let response;
  try {
    response = await fetch(path, {
      method,
      credentials: 'same-origin',
      headers: { 'X-Boothcast': '1', ...(body === undefined ? {} : { 'Content-Type': 'application/json' }) },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch {
    throw new Refusal({ code: 'offline' });
  }
  const text = await response.text();
  let json = null;
  try {
    json = text ? JSON.parse(text) : null;
  } catch { /* not JSON: only its status counts */ }
  if (response.ok) return json;
  throw Object.assign(new Refusal(json?.error ?? { code: `http-${response.status}` }), { status: response.status });
}

export const get = (path) => api('GET', path);
export const post = (path, body = {}) => api('POST', path, body);
export const del = (path) => api('DELETE', path);
