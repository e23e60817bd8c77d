// The daemon's own words, newest at the end.

import { byId, make, preciseClock } from "./dom.js";

const most = 500;
const line = /^time=(\S+) level=(\S+) msg=("(?:[^"\\]|\\.)*"|\S*)(.*)$/;
let last = 0;

export function appendLog(lines) {
  const frame = byId("log");
  const list = byId("log-lines");
  const follow = frame.scrollHeight - frame.scrollTop - frame.clientHeight < 40;
  for (const entry of lines) {
    if (entry.seq <= last) continue;
    last = entry.seq;
    list.append(render(entry));
  }
  while (list.childElementCount > most) list.firstElementChild.remove();
  if (follow) frame.scrollTop = frame.scrollHeight;
}

function render({ text, mark }) {
  if (mark) return make("li", {}, make("span", { class: "mark" }, text));
  const parts = line.exec(text);
  if (!parts) return make("li", {}, text);
  const [, time, level, message, rest] = parts;
  return make("li", { "data-level": level },
    make("span", { class: "time" }, preciseClock(time)), " ",
    make("span", { class: "level" }, level.padEnd(5)), " ",
    message.startsWith('"') ? unquote(message) : message,
    make("span", { class: "rest" }, rest));
}

function unquote(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
