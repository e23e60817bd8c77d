// The Teleport side: making requests, reviewing and removing them.

import { announce, byId, choose, clock, make, send } from "./dom.js";

let drawn = "";

export function renderCluster(state) {
  byId("cluster-name").textContent = state.cluster;
  const users = state.users.map((user) => [user, user.split("@")[0]]);
  choose(byId("request-user"), users);
  choose(byId("review-author"), [...users].reverse());

  const picture = JSON.stringify(state.requests);
  if (picture === drawn) return;
  drawn = picture;
  const focused = document.activeElement?.dataset?.action;
  byId("requests").replaceChildren(...state.requests.map(item));
  byId("requests-empty").hidden = state.requests.length > 0;
  if (focused) document.querySelector(`[data-action="${CSS.escape(focused)}"]`)?.focus();
}

function item(request) {
  return make("li", { class: "request", "data-id": request.id, "data-state": request.state },
    make("span", { class: "head" },
      make("strong", {}, `${request.user.split("@")[0]}: ${request.roles.join(", ")}`),
      make("span", { class: "badge", "data-state": request.state }, request.state)),
    request.resources.length > 0 && make("span", { class: "facts" }, `resources: ${request.resources.join(", ")}`),
    request.reason && make("span", { class: "why" }, request.reason),
    request.state === "pending" && make("span", { class: "facts" }, `waits until ${clock(request.expires)}`),
    request.state === "approved" && make("span", { class: "facts" }, `access until ${clock(request.accessExpires)}`),
    request.needs > 1 && make("span", { class: "facts" }, `needs ${request.needs} approvals`),
    ...request.reviews.map((review) => make("span", { class: "facts" }, `${clock(review.at)} ${said(review)}`)),
    request.resolvedBy && make("span", { class: "facts" }, `set by ${request.resolvedBy}`),
    request.state === "pending" && actions(request));
}

// said is a review in one line, with who submitted it for its author.
export function said(review) {
  const through = review.submittedBy ? ` through ${review.submittedBy}` : "";
  const why = review.reason ? `: ${review.reason}` : "";
  return `${review.author} ${review.state}${through}${why}`;
}

function actions(request) {
  const button = (name, text, act) => make("button", {
    type: "button", "data-action": `${name} ${request.id}`, "aria-label": `${text} the request of ${request.user}`, onclick: act,
  }, text);
  const path = `api/requests/${encodeURIComponent(request.id)}`;
  const review = (verdict) => send(`${path}/reviews`, {
    author: byId("review-author").value, verdict, reason: byId("review-reason").value,
  });
  return make("span", { class: "actions" },
    button("approve", "Approve", () => review("approved")),
    button("deny", "Deny", () => review("denied")),
    button("expire", "Expire", () => send(`${path}/expire`)),
    button("remove", "Remove", () => send(`${path}/remove`)));
}

byId("request-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const roles = byId("request-roles").value.split(",").map((role) => role.trim()).filter(Boolean);
  const made = await send("api/requests", {
    user: byId("request-user").value, roles, reason: byId("request-reason").value, seconds: Number(byId("request-seconds").value),
    access: Number(byId("request-access").value),
  });
  if (!made) return;
  byId("request-reason").value = "";
  announce("Request made");
});
