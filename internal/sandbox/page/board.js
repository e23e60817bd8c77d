// The Kanban board: columns, cards and moving them with mouse, touch or keys.

import { announce, avatar, byId, make, send } from "./dom.js";
import { draggable, dragging } from "./drag.js";
import { openDetails } from "./details.js";
import { plain } from "./markup.js";
import { openMenu } from "./menu.js";

const tones = ["pending", "approved", "denied", "expired", "ended", "revoked"];
const latestLength = 110; // characters of the latest comment on a card
const seen = new Map(); // issue id -> status, to show what changed by itself
let current;
let drawn = "";

export function renderBoard(state) {
  current = state;
  const picture = JSON.stringify([state.columns, state.cards]);
  if (picture === drawn || dragging()) return;
  drawn = picture;

  const board = byId("board");
  const focused = focusedCard();
  const left = board.scrollLeft;
  const scrolled = new Map([...board.querySelectorAll("ul")].map((list) => [list.dataset.status, list.scrollTop]));
  board.replaceChildren(...state.columns.map((name, index) => column(name, tones[index], state)));
  board.scrollLeft = left;
  for (const list of board.querySelectorAll("ul")) list.scrollTop = scrolled.get(list.dataset.status) ?? 0;
  byId("board-empty").hidden = state.cards.length > 0;
  focusCard(focused);
}

function column(name, tone, state) {
  const cards = state.cards.filter((card) => card.status === name);
  const list = make("ul", { "data-status": name, "aria-label": `${name}, ${cards.length} cards` }, ...cards.map(cardItem));
  return make("section", { class: "column", "data-status": name, "data-tone": tone, "aria-label": name },
    make("h3", {}, name, make("span", { class: "count" }, String(cards.length))), list);
}

function cardItem(card) {
  const before = seen.get(card.id);
  seen.set(card.id, card.status);
  const node = make("li", {
    class: before === card.status ? "card" : "card changed",
    tabindex: "0", "data-id": card.id, "data-key": card.key, "aria-describedby": "board-help",
    "aria-label": `${card.key}, ${card.summary}, ${card.status}`,
    onkeydown: (event) => pressed(event, card),
  },
    make("span", { class: "head" },
      make("span", { class: "summary" }, card.summary),
      card.request && avatar({ name: card.request.user })),
    latest(card),
    make("span", { class: "foot" },
      make("span", { class: "key" }, card.key),
      card.comments.length > 0 && make("span", { class: "talk", title: "comments" }, String(card.comments.length)),
      card.request && make("span", { class: "badge", "data-state": card.request.state, title: "the request in Teleport" }, card.request.state),
      make("button", {
        type: "button", class: "move", "aria-haspopup": "menu", "aria-label": `Move ${card.key}`,
        onclick: (event) => chooseStatus(event.currentTarget, card),
      }, "Move")));
  draggable(node, { drop: (status) => move(card, status), ended: () => renderBoard(current), click: () => openDetails(card.id) });
  return node;
}

// latest is why the card came back, in full, or how its newest comment begins,
// or before there is one the reason of the request.
function latest(card) {
  if (card.returned?.why) return make("span", { class: "latest why" }, plain(card.returned.why));
  const comment = card.comments.at(-1);
  const text = comment ? `${comment.author.name}: ${plain(comment.body)}` : card.request?.reason;
  return text && make("span", { class: "latest" }, shortened(text));
}

function shortened(text) {
  if (text.length <= latestLength) return text;
  return `${text.slice(0, latestLength).replace(/\s+\S*$/u, "")} …`;
}

// move asks Jira to bring the issue to a status, as the person acted as.
export async function move(card, status) {
  if (status === card.status) return;
  announce(`Moving ${card.key} to ${status}`);
  cardNode(card.id)?.classList.add("moving");
  const moved = await send(`api/issues/${encodeURIComponent(card.id)}/moves`, { person: byId("actor").value, status });
  if (moved) {
    announce(`${card.key} moved to ${status}`);
  } else {
    cardNode(card.id)?.classList.remove("moving");
  }
}

function chooseStatus(button, card) {
  openMenu(button, `Move ${card.key} to`, current.columns.filter((status) => status !== card.status), {
    choose: (status) => move(card, status),
    closed: () => focusCard({ id: card.id, button: true }),
  });
}

function pressed(event, card) {
  if (event.target !== event.currentTarget || event.ctrlKey || event.altKey || event.metaKey) return;
  const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (event.key === "Enter" || event.key === " ") openDetails(card.id);
  else if (step && event.shiftKey) moveBeside(card, step);
  else if (step) focusBeside(event.currentTarget, step);
  else if (event.key === "ArrowDown") event.currentTarget.nextElementSibling?.focus();
  else if (event.key === "ArrowUp") event.currentTarget.previousElementSibling?.focus();
  else return;
  event.preventDefault();
}

function moveBeside(card, step) {
  const status = current.columns[current.columns.indexOf(card.status) + step];
  if (status) move(card, status);
}

function focusBeside(node, step) {
  const columns = [...byId("board").children];
  const row = [...node.parentElement.children].indexOf(node);
  for (let at = columns.indexOf(node.closest(".column")) + step; columns[at]; at += step) {
    const cards = columns[at].querySelectorAll(".card");
    if (cards.length === 0) continue;
    cards[Math.min(row, cards.length - 1)].focus();
    return;
  }
}

// focusedCard and focusCard keep the keyboard where it was when the board is
// drawn again.
function focusedCard() {
  const card = document.activeElement?.closest?.(".card");
  return card && { id: card.dataset.id, button: document.activeElement !== card };
}

function focusCard(focused) {
  const node = focused && cardNode(focused.id);
  if (!node) return;
  (focused.button ? node.querySelector(".move") : node).focus({ preventScroll: true });
}

function cardNode(id) {
  return [...document.querySelectorAll(".card")].find((node) => node.dataset.id === id);
}
