// Receives the state of both sides and hands it to the parts of the page.

import { byId, choose, send } from "./dom.js";
import { renderBoard } from "./board.js";
import { renderCluster } from "./cluster.js";
import { renderDetails } from "./details.js";
import { appendLog } from "./log.js";

function render(state) {
  choose(byId("actor"), state.people.map((person) => [person.id, `${person.name} (${person.note})`]));
  byId("project-name").textContent = state.project;
  renderDaemon(state.daemon);
  renderCluster(state);
  renderBoard(state);
  renderDetails(state);
}

function renderDaemon(daemon) {
  const pill = byId("daemon-state");
  const text = daemon.state === "running" ? `daemon running, pid ${daemon.pid}` : "daemon stopped";
  if (pill.textContent !== text) pill.textContent = text;
  pill.dataset.state = daemon.state;
}

byId("daemon-restart").addEventListener("click", async (event) => {
  event.target.disabled = true;
  await send("api/daemon/restart");
  event.target.disabled = false;
});

const events = new EventSource("api/events");
events.addEventListener("state", (event) => render(JSON.parse(event.data)));
events.addEventListener("log", (event) => appendLog(JSON.parse(event.data)));
events.addEventListener("error", () => {
  byId("daemon-state").textContent = "sandbox away";
  byId("daemon-state").dataset.state = "stopped";
});
