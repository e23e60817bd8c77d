// As much of Jira's wiki markup as the daemon writes: bold text, links and
// escaped characters. Links are shown, not followed: nothing leaves the page.

import { make } from "./dom.js";

const piece = /\*(\S(?:[^*\n\\]|\\.)*)\*|\[([^\]|\n]*)\|([^\]\n]*)\]/g;

// rendered is what Jira shows for a text, as nodes and strings.
export function rendered(text) {
  const parts = [];
  let done = 0;
  for (const found of text.matchAll(piece)) {
    if (escaped(text, found.index)) continue;
    parts.push(plain(text.slice(done, found.index)));
    const [whole, bold, label, target] = found;
    if (bold !== undefined) parts.push(make("strong", {}, plain(bold)));
    else parts.push(make("span", { class: "link", title: target }, plain(label)));
    done = found.index + whole.length;
  }
  parts.push(plain(text.slice(done)));
  return parts;
}

// plain takes the backslashes away that keep characters from being markup.
export function plain(text) {
  return text.replace(/\\([!-/:-@[-`{-~])/g, "$1");
}

function escaped(text, index) {
  let slashes = 0;
  while (text[index - 1 - slashes] === "\\") slashes++;
  return slashes % 2 === 1;
}
