// As much of Jira's wiki markup as the daemon writes: bold text, links, a quotation,
// escaped characters and character references. Links are shown, not followed: nothing
// leaves the page.

import { make } from "./dom.js";

// quotation is a text between two lines {quote}, within which \{quote} is text.
const quotation = /(?:^|\n)\{quote\}\n((?:[^\\]|\\.)*?)\n\{quote\}(?:\n|$)/su;
const piece = /\*(\S(?:[^*\n\\]|\\.)*)\*|\[([^\]|\n]*)\|([^\]\n]*)\]/g;

// rendered is what Jira shows for a text, as nodes and strings.
export function rendered(text) {
  const found = quotation.exec(text);
  if (!found) return inline(text);
  const after = found.index + found[0].length;
  return [...inline(text.slice(0, found.index)), make("blockquote", {}, ...inline(found[1])), ...rendered(text.slice(after))];
}

function inline(text) {
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

// The character references that the daemon writes for characters which have no
// safe backslash, see internal/wikitext. Jira hands them on to the browser.
const references = {
  "&#126;": "~", "&Hat;": "^", "&amp;": "&", "&bsol;": "\\", "&colon;": ":", "&period;": ".", "&plus;": "+", "&vert;": "|",
};

// plain is the text that markup shows: without the backslashes that keep
// characters from being markup, and with character references read. What comes
// out is text, not markup, and is read once only: "&amp;#126;" is "&#126;".
export function plain(text) {
  return text.replace(/\\([!-/:-@[-`{-~])|&#?[0-9A-Za-z]+;/g, (whole, character) => character ?? references[whole] ?? whole);
}

function escaped(text, index) {
  let slashes = 0;
  while (text[index - 1 - slashes] === "\\") slashes++;
  return slashes % 2 === 1;
}
