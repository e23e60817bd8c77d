// Small helpers. Text always arrives as text nodes, so nothing that somebody
// typed can become markup.

import { toast } from "./toast.js";

export const byId = (id) => document.getElementById(id);

// make builds an element; strings among the children become text.
export function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child));
  return node;
}

// avatar shows who did something by initials, in a colour of their own.
export function avatar(person) {
  const name = person.name || "?";
  const initials = name.split("@")[0].split(/[\s._-]+/).filter(Boolean).slice(0, 2).map((word) => word[0].toUpperCase()).join("");
  const node = make("span", { class: person.app ? "avatar app" : "avatar", title: name, "aria-hidden": "true" }, initials);
  let hue = 0;
  for (const character of name) hue = (hue * 31 + character.codePointAt(0)) % 360;
  node.style.setProperty("--hue", hue);
  return node;
}

const time = { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" };
const clockFormat = new Intl.DateTimeFormat("en-GB", time);
const preciseFormat = new Intl.DateTimeFormat("en-GB", { ...time, fractionalSecondDigits: 3 });
const dayFormat = new Intl.DateTimeFormat("en-GB", { weekday: "short" });

// clock is a time of day, 00:00:00 to 23:59:59, after the day of the week
// unless it is today.
export function clock(at) {
  const date = new Date(at);
  const today = date.toDateString() === new Date().toDateString();
  return today ? clockFormat.format(date) : `${dayFormat.format(date)} ${clockFormat.format(date)}`;
}

// preciseClock is a time of day with milliseconds.
export const preciseClock = (at) => preciseFormat.format(new Date(at));

// choose fills a select once and keeps the choice when the options stay.
export function choose(select, options) {
  const wanted = JSON.stringify(options);
  if (select.dataset.options === wanted) return;
  const kept = select.value;
  select.replaceChildren(...options.map(([value, text]) => make("option", { value }, text)));
  if (options.some(([value]) => value === kept)) select.value = kept;
  select.dataset.options = wanted;
}

export function announce(text) {
  byId("announcer").textContent = text;
}

// send posts a command; what the server refuses is shown. It returns whether
// the command was carried out.
export async function send(path, body = {}) {
  try {
    const answer = await fetch(path, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    if (answer.ok) return true;
    const { error } = await answer.json();
    toast(error);
  } catch {
    toast("The sandbox does not answer. Is it still running?");
  }
  return false;
}
