// Messages that appear over the page: why a card came back, what was refused.
// They stay long enough to be read, wait while somebody points at them, and are
// announced to screen readers, because their container is a live region.

import { byId, make } from "./dom.js";

const shortest = 12_000; // milliseconds a message stays
const perCharacter = 80;
const most = 4; // messages at a time

// toast shows a message. The function it returns replaces the message's text
// while it is still shown.
export function toast(text, { title = "", tone = "" } = {}) {
  const body = make("span", { class: "toast-text" }, text);
  const node = make("div", { class: "toast", "data-tone": tone },
    title && make("strong", { class: "toast-title" }, title),
    body,
    make("button", { type: "button", class: "close", "aria-label": "Dismiss", onclick: () => close() }, "×"));
  let timer;
  const close = () => {
    clearTimeout(timer);
    node.remove();
  };
  const wait = () => {
    clearTimeout(timer);
    timer = setTimeout(close, Math.max(shortest, perCharacter * body.textContent.length));
  };
  for (const name of ["pointerenter", "focusin"]) node.addEventListener(name, () => clearTimeout(timer));
  for (const name of ["pointerleave", "focusout"]) node.addEventListener(name, wait);

  const list = byId("toasts");
  while (list.childElementCount >= most) list.firstElementChild.remove();
  list.append(node);
  wait();
  return (replacement) => {
    if (!node.isConnected || body.textContent === replacement) return;
    body.textContent = replacement;
    wait();
  };
}

// hostToasts moves the messages into a modal dialog, which covers and silences
// everything outside of it, and back to the page when it closes.
export function hostToasts(dialog) {
  dialog.append(byId("toasts"));
  dialog.addEventListener("close", () => document.body.append(byId("toasts")), { once: true });
}
