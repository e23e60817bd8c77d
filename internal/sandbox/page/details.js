// The card's details: description, who did what, comments, moving it.

import { avatar, byId, clock, make, send } from "./dom.js";
import { move } from "./board.js";
import { said } from "./cluster.js";
import { rendered } from "./markup.js";
import { hostToasts } from "./toast.js";

const dialog = byId("details");
let shown = null; // issue id
let current = null;

export function openDetails(id) {
  shown = id;
  dialog.showModal();
  hostToasts(dialog);
  renderDetails(current);
}

export function renderDetails(state) {
  current = state;
  const card = dialog.open && state.cards.find((candidate) => candidate.id === shown);
  if (!card) return;
  byId("details-key").textContent = card.key;
  byId("details-summary").textContent = card.summary;
  byId("details-description").replaceChildren(...rendered(card.description));
  byId("comment-actor").textContent = byId("actor").selectedOptions[0]?.textContent ?? "";
  byId("details-activity").replaceChildren(...activity(card).map(entry));
  renderMoves(card, state.columns);
  byId("details-request").replaceChildren(...facts(card.request));
}

function activity(card) {
  const comments = card.comments.map((comment) => ({ by: comment.author, at: comment.at, what: "commented", body: comment.body }));
  const moves = card.moves.map((done) => ({ by: done.by, at: done.at, what: `moved it from ${done.from} to ${done.to}` }));
  return [...comments, ...moves].sort((a, b) => new Date(a.at) - new Date(b.at));
}

function entry(done) {
  return make("li", {},
    avatar(done.by),
    make("span", { class: "what" }, make("strong", {}, done.by.name), ` ${done.what} · ${clock(done.at)}`),
    done.body && make("span", { class: "body" }, ...rendered(done.body)));
}

function renderMoves(card, columns) {
  const focused = document.activeElement?.dataset?.status;
  byId("details-moves").replaceChildren(...columns.map((status) => make("button", {
    type: "button", "data-status": status, "aria-pressed": String(status === card.status), onclick: () => move(card, status),
  }, status)));
  if (focused) byId("details-moves").querySelector(`[data-status="${CSS.escape(focused)}"]`)?.focus();
}

function facts(request) {
  if (!request) return [make("dt", {}, "State"), make("dd", {}, "The request is gone.")];
  const rows = [
    ["State", request.state],
    ["User", request.user],
    ["Roles", request.roles.join(", ")],
    ["Resources", request.resources.join(", ")],
    ["Reason", request.reason],
    ["Waits until", request.state === "pending" && clock(request.expires)],
    ["Access until", request.state === "approved" && clock(request.accessExpires)],
    ["Reviews", request.reviews.map(said).join("; ")],
    ["Set by", request.resolvedBy],
    ["Request id", request.id],
  ];
  return rows.filter(([, value]) => value).flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)]);
}

byId("comment-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const body = byId("comment-body").value;
  if (await send(`api/issues/${encodeURIComponent(shown)}/comments`, { person: byId("actor").value, body })) {
    byId("comment-body").value = "";
  }
});

byId("details-close").addEventListener("click", () => dialog.close());
dialog.addEventListener("click", (event) => {
  if (event.target === dialog) dialog.close();
});
