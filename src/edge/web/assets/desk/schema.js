// Fields made of a JSON Schema: what is typed is kept, only what differs is sent, and each field knows its path for errors.
import { el, newId, text } from "./ui.js";
import { lang, t } from "./words.js";

/// The schema itself, without references and without the `null` that only says "may be left out".
export function plain(schema, defs) {
  let s = schema ?? {};
  for (let i = 0; i < 8; i += 1) {
    if (typeof s.$ref === "string") {
      const { $ref, ...beside } = s;
      s = { ...defs[$ref.replace("#/$defs/", "")], ...beside };
    }
    const some = s.anyOf?.filter((one) => one.type !== "null");
    if (some?.length === 1) {
      const { anyOf, ...beside } = s;
      s = { ...some[0], ...beside };
    } else break;
  }
  if (Array.isArray(s.type)) s = { ...s, type: s.type.filter((one) => one !== "null")[0] };
  return s;
}

const choicesOf = (s) => s.enum?.filter((v) => v !== null) ?? (s.oneOf?.every((o) => o.const !== undefined) ? s.oneOf.map((o) => o.const) : null);

const pretty = (key) => key.replaceAll("_", " ").replace(/^./, (c) => c.toUpperCase());

/// The name of a key for people: of the catalogue if it has one, else made of the key.
function title(path) {
  const key = `desk.set.${path}`;
  const known = t(key);
  return known === key ? { words: pretty(path.split(".").at(-1)), known: false } : { words: known, known: true };
}

/// A form part for `schema` at `path` with `value`: `{node, read, put, fail}`. `read` gives what was changed, or undefined.
export function part(schema, defs, path, value) {
  const s = plain(schema, defs);
  if (s.properties) return group(s, defs, path, value);
  if (s.type === "object") return map(s, defs, path, value);
  return leaf(s, path, value);
}

function group(s, defs, path, value) {
  const parts = Object.entries(s.properties).map(([key, one]) => [key, part(one, defs, path ? `${path}.${key}` : key, value?.[key])]);
  const whole = (s.required?.length ?? 0) > 0;
  const inside = parts.map(([, one]) => one.node).sort((a, b) => (a.tagName === "FIELDSET") - (b.tagName === "FIELDSET"));
  const node = path ? el("fieldset", {}, el("legend", {}, title(path).words), inside) : el("div", {}, inside);
  return {
    node,
    read() {
      const changed = parts.map(([key, one]) => [key, one.read()]).filter(([, v]) => v !== undefined);
      if (changed.length === 0) return undefined;
      // One that is only valid as a whole is sent as a whole.
      const all = whole ? parts.map(([key, one]) => [key, one.now()]).filter(([, v]) => v !== undefined) : changed;
      return Object.fromEntries(all);
    },
    now: () => Object.fromEntries(parts.map(([key, one]) => [key, one.now()]).filter(([, v]) => v !== undefined)),
    put: (values) => parts.forEach(([key, one]) => one.put(values?.[key])),
    fail: (errors) => parts.forEach(([, one]) => one.fail(errors)),
  };
}

/// Names that are not known before: only those that there are now.
function map(s, defs, path, value) {
  const one = s.additionalProperties || Object.values(s.patternProperties ?? {})[0] || {};
  const names = Object.keys(value ?? {});
  const properties = Object.fromEntries(names.map((name) => [name, one]));
  const made = group({ properties }, defs, path, value);
  made.node.hidden = names.length === 0;
  return made;
}

function leaf(s, path, value) {
  const choices = choicesOf(s);
  const test = `setting-${path}`;
  const { words, known } = title(path);
  let input;
  const many = s.type === "array";
  if (choices || s.type === "boolean") {
    const options = choices ?? [true, false];
    const named = (v) => (v === true ? t("desk.on") : v === false ? t("desk.off") : String(v));
    input = el("select", { test }, el("option", { value: "" }, t("desk.set.same")), options.map((v) => el("option", { value: JSON.stringify(v) }, named(v))));
  } else {
    input = el("input", { test, autocomplete: "off" });
    if (s.type === "integer" || s.type === "number") {
      input.type = "number";
      input.step = s.type === "integer" ? "1" : "any";
      input.inputMode = "decimal";
      if (s.minimum !== undefined) input.min = String(s.minimum);
      if (s.maximum !== undefined) input.max = String(s.maximum);
    } else if (s.writeOnly) {
      input.type = "password";
      input.placeholder = t("desk.set.secret");
    }
    if (s.maxLength) input.maxLength = s.maxLength;
    if (s.pattern && !many) input.pattern = s.pattern.replace(/-\]/g, "\\-]").replace(/^\^rtmps\?.*$/, "rtmps?://.*");
  }
  input.id = newId("setting");
  const show = (v) => {
    if (v === undefined || v === null) return "";
    if (input.tagName === "SELECT") return JSON.stringify(v);
    return many ? v.join(", ") : typeof v === "number" ? String(Math.round(v * 1e4) / 1e4) : String(v);
  };
  const parse = (typed) => {
    if (typed === "") return many ? [] : undefined;
    if (input.tagName === "SELECT") return JSON.parse(typed);
    if (many) return typed.split(",").map((one) => one.trim()).filter(Boolean);
    if (s.type === "integer" || s.type === "number") return Number(typed);
    if (s.type === "string") return typed;
    // Of several kinds: a switch, a number, or text.
    return typed === "true" ? true : typed === "false" ? false : Number.isFinite(Number(typed)) ? Number(typed) : typed;
  };
  let base = show(value);
  input.value = base;
  const wrong = el("small", { class: "wrong", id: newId("wrong"), test: `${test}-error` });
  const hint = s.description && s.type && !(known && lang() === "zh") ? el("small", { id: newId("hint") }, s.description) : null;
  input.setAttribute("aria-describedby", [hint?.id, wrong.id].filter(Boolean).join(" "));
  const node = el("div", { class: "field" }, el("label", { htmlFor: input.id }, words), input, hint, wrong);
  return {
    node,
    read: () => (input.value === base ? undefined : parse(input.value)),
    now: () => parse(input.value),
    put(v) {
      const next = show(v);
      if (input.value === base && document.activeElement !== input) input.value = next;
      base = next;
    },
    fail(errors) {
      const found = errors.get(path);
      text(wrong, found ?? "");
      if (found) {
        input.setAttribute("aria-invalid", "true");
        errors.delete(path);
      } else input.removeAttribute("aria-invalid");
    },
  };
}
