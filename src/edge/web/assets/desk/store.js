// What the desk knows: the room, the staff's view, the box's status; changed by the socket only. Parts of the page subscribe to
// the names of what they show.

export const state = {
  me: { name: "", role: "viewer" },
  room: null,
  lines: [],
  staff: { held: [], pending: [], people: [], acts: [], words: [] },
  status: null,
  connected: false,
};

const MOST_LINES = 200;
const watchers = new Map();
const due = new Set();

/// Calls `see` now and whenever one of `names` has changed; at most once in a frame.
export function watch(names, see) {
  for (const name of names) {
    if (!watchers.has(name)) watchers.set(name, new Set());
    watchers.get(name).add(see);
  }
  see();
}

function flush() {
  const all = [...due];
  due.clear();
  for (const see of all) {
    try {
      see();
    } catch (e) {
      console.error(e);
    }
  }
}

/// Says that these have changed.
export function changed(...names) {
  // A page in the background gets no frames: a timer then.
  if (due.size === 0) (document.hidden ? setTimeout : requestAnimationFrame)(flush);
  for (const name of names) for (const see of watchers.get(name) ?? []) due.add(see);
}

/// Everything is shown anew: another language.
export const changedAll = () => changed(...watchers.keys());

export const isOwner = () => state.me.role === "owner";

function putLine(line) {
  const { lines } = state;
  const at = lines.findIndex((l) => l.line === line.line);
  if (at >= 0) lines[at] = line;
  else {
    let i = lines.length;
    while (i > 0 && lines[i - 1].line > line.line) i -= 1;
    lines.splice(i, 0, line);
    if (lines.length > MOST_LINES) lines.splice(0, lines.length - MOST_LINES);
  }
}

const TAKES = {
  hello(m) {
    state.room = m.room ?? state.room;
    if (m.you) {
      state.you = m.you;
    }
    for (const line of m.lines ?? []) putLine(line);
    if (m.staff) takeStaff(m.staff);
    if (m.status) state.status = m.status;
    changed("room", "lines", "staff", "poll", "questions", "products", "draws", "you", "status");
  },
  line(m) {
    putLine(m.line);
    state.staff.held = state.staff.held.filter((l) => l.line !== m.line.line || m.line.state === "held");
    changed("lines", "staff");
  },
  "line-gone"(m) {
    // The staff still see it, as hidden: it can be brought back.
    const line = state.lines.find((l) => l.line === m.line);
    if (line) line.state = "hidden";
    state.staff.held = state.staff.held.filter((l) => l.line !== m.line);
    changed("lines", "staff");
  },
  held(m) {
    if (!state.staff.held.some((l) => l.line === m.line.line)) state.staff.held.push(m.line);
    changed("staff");
  },
  count(m) {
    if (!state.room) return;
    state.room.viewers = m.viewers ?? state.room.viewers;
    state.room.likes = m.likes ?? state.room.likes;
    changed("count");
  },
  poll: (m) => part("poll", m.poll),
  questions: (m) => part("questions", m.questions),
  products: (m) => part("products", m.products),
  draws: (m) => part("draws", m.draws),
  announcement: (m) => part("announcement", m.text, "room"),
  room(m) {
    if (!state.room) return;
    for (const key of ["danmaku", "slow_s", "panic", "show", "title"]) if (m[key] !== undefined) state.room[key] = m[key];
    changed("room");
  },
  you(m) {
    state.you = m.you;
    changed("you");
  },
  staff(m) {
    takeStaff(m.staff);
    changed("staff");
  },
  status(m) {
    state.status = m.status;
    changed("status");
  },
};

function part(key, value, name = key) {
  if (!state.room) return;
  state.room[key] = value;
  changed(name);
}

function takeStaff(staff) {
  state.staff = { held: [], pending: [], people: [], acts: [], words: [], ...staff };
  byNumber.clear();
  for (const person of state.staff.people) byNumber.set(person.viewer, person);
}

const byNumber = new Map();

/// Somebody who is known to the staff's view.
export const personOf = (viewer) => byNumber.get(viewer);

/// Takes a message of the socket.
export function take(message) {
  if (Object.hasOwn(TAKES, message?.t)) TAKES[message.t](message);
}

export function setConnected(on) {
  state.connected = on;
  changed("link");
}
