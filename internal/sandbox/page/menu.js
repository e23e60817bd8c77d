// The menu that moves a card without dragging it: by touch, keyboard or mouse.
// There is one, outside the board, so that a redrawn board leaves it open.

import { byId, make } from "./dom.js";

const menu = byId("move-menu");
let restore = null;

// openMenu shows the statuses beside the button. choose(status) is called for
// the one that is picked; closed() when the menu is gone and focus with it.
export function openMenu(button, label, statuses, { choose, closed }) {
  menu.setAttribute("aria-label", label);
  menu.replaceChildren(...statuses.map((status) => make("button", {
    type: "button", role: "menuitem", tabindex: "-1", "data-status": status,
    onclick: () => {
      menu.hidePopover();
      choose(status);
    },
  }, status)));
  restore = closed;
  menu.showPopover();
  place(button.getBoundingClientRect());
  menu.firstElementChild?.focus();
}

// place puts the menu under the button, within the window.
function place(button) {
  const { width, height } = menu.getBoundingClientRect();
  const below = button.bottom + 4;
  menu.style.left = `${Math.max(8, Math.min(button.right - width, innerWidth - width - 8))}px`;
  menu.style.top = `${below + height > innerHeight ? Math.max(8, button.top - height - 4) : below}px`;
}

menu.addEventListener("toggle", (event) => {
  if (event.newState !== "closed") return;
  restore?.();
  restore = null;
});

menu.addEventListener("keydown", (event) => {
  const items = [...menu.children];
  const at = items.indexOf(document.activeElement);
  const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 }[event.key];
  if (event.key === "Tab") menu.hidePopover();
  else if (next !== undefined) items.at(next % items.length).focus();
  else return;
  event.preventDefault();
});
