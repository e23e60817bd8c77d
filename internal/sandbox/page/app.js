// Receives the state of both sides and hands it to the parts of the page.

import { byId, choose } from "./dom.js";
import { renderBoard } from "./board.js";
import { renderCluster } from "./cluster.js";
import { renderAway, renderDaemon } from "./daemon.js";
import { renderDetails } from "./details.js";
import { appendLog } from "./log.js";
import { renderReturned } from "./returned.js";

function render(state) {
  choose(byId("actor"), state.people.map((person) => [person.id, `${person.name} (${person.note})`]));
  byId("project-name").textContent = state.project;
  renderDaemon(state.daemon);
  renderCluster(state);
  renderBoard(state);
  renderDetails(state);
  renderReturned(state.cards);
}

// On a small screen the board comes first: what to try opens on demand.
if (matchMedia("(max-width: 760px)").matches) byId("try").open = false;

const events = new EventSource("api/events");
events.addEventListener("state", (event) => render(JSON.parse(event.data)));
events.addEventListener("log", (event) => appendLog(JSON.parse(event.data)));
events.addEventListener("error", renderAway);
