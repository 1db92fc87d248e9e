// The set-up page comes whole from the box and works without this. Here: the state as it changes, the list of networks
// as the radio finds more, and a form that keeps what was typed when something in it is wrong.
"use strict";

const main = document.querySelector("main");
const form = document.getElementById("form");
const note = document.getElementById("note");
const words = main.dataset;
let sent = false;

const text = (id, value) => {
  const place = document.getElementById(id);
  if (place.textContent !== value) place.textContent = value;
};

async function ask(path) {
  const answer = await fetch(path, { headers: { Accept: "application/json" }, signal: AbortSignal.timeout(5000) });
  if (!answer.ok) throw new Error(answer.status);
  return answer.json();
}

async function showState() {
  let status;
  try {
    status = await ask("/api/status");
  } catch {
    if (sent) text("note", words.lost);
    return;
  }
  text("sentence", status.sentence);
  text("network", status.setup.network ?? words.none);
  document.getElementById("state").className = `card state ${status.severity}`;
  const said = status.setup.note ?? status.failure;
  if (said) text("note", said);
  // The form comes and goes with the window of set-up.
  if (status.setup.open !== (form !== null) && !sent) location.reload();
}

function line(network) {
  const label = document.createElement("label");
  label.className = "line";
  const input = Object.assign(document.createElement("input"), {
    type: "radio", name: "network", value: `s:${network.ssid}`, disabled: !network.usable,
  });
  const name = Object.assign(document.createElement("span"), { className: "ssid", textContent: network.ssid });
  const hint = document.createElement("small");
  hint.textContent = network.usable ? (network.locked ? "" : words.open) : words.unusable;
  const bars = Object.assign(document.createElement("span"), {
    className: `bars b${1 + Math.floor(Math.min(network.strength, 99) / 25)}`, title: `${network.strength} %`,
  });
  label.append(input, name, hint, bars);
  return label;
}

async function showNetworks() {
  if (sent) return;
  let networks;
  try {
    networks = await ask("/api/networks");
  } catch {
    return;
  }
  if (networks.length === 0) return;
  const list = document.getElementById("networks");
  const chosen = form.elements.network.value;
  const focused = list.contains(document.activeElement) ? document.activeElement.value : null;
  list.replaceChildren(...networks.map(line));
  for (const input of list.querySelectorAll("input")) {
    if (input.value === chosen) input.checked = true;
    if (input.value === focused) input.focus();
  }
  // The chosen one is out of sight: keep the choice all the same.
  if (chosen.startsWith("s:") && form.elements.network.value !== chosen) {
    const gone = line({ ssid: chosen.slice(2), usable: true, locked: true, strength: 0 });
    gone.firstChild.checked = true;
    list.prepend(gone);
  }
}

async function send(event) {
  event.preventDefault();
  const button = form.querySelector("button");
  const problems = document.getElementById("problems");
  problems.replaceChildren();
  button.disabled = true;
  text("note", words.sending);
  try {
    const answer = await fetch(form.action, {
      method: "POST",
      headers: { Accept: "application/json" },
      body: new URLSearchParams(new FormData(form)),
      signal: AbortSignal.timeout(15000),
    });
    const said = await answer.json();
    text("note", said.message);
    sent = said.ok;
    for (const [field, clause] of said.problems) {
      const item = document.createElement("li");
      const label = field && form.elements[field]?.closest("label")?.firstChild?.textContent?.trim();
      item.textContent = label ? `${label}: ${clause}` : clause;
      problems.append(item);
    }
    // Another try is possible once this one had its time.
    if (sent) setTimeout(() => { sent = false; button.disabled = false; }, 60000);
  } catch {
    text("note", words.lost);
  }
  if (!sent) button.disabled = false;
  note.scrollIntoView({ block: "center" });
}

setInterval(showState, 2000);
if (form) {
  form.addEventListener("submit", send);
  const show = document.getElementById("show");
  show.hidden = false;
  const secrets = form.querySelectorAll("input[type=password]");
  show.firstElementChild.addEventListener("change", (event) => {
    for (const input of secrets) input.type = event.target.checked ? "text" : "password";
  });
  showNetworks();
  setInterval(showNetworks, 8000);
}
