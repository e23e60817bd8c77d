// The daemon between both sides: whether it runs, killing and starting it.

import { announce, byId, send } from "./dom.js";

const words = {
  running: (daemon) => `daemon running, pid ${daemon.pid}`,
  killed: () => "daemon killed",
  stopped: () => "daemon stopped",
};

export function renderDaemon(daemon) {
  showState(daemon.state, words[daemon.state](daemon));
  const killed = daemon.state === "killed";
  const focused = document.activeElement;
  byId("daemon-kill").disabled = daemon.state !== "running";
  byId("daemon-start").disabled = !killed;
  byId("daemon-away").hidden = !killed;
  // A disabled button loses the keyboard: hand it to the other one.
  if (focused === byId("daemon-kill") && killed) byId("daemon-start").focus();
  if (focused === byId("daemon-start") && daemon.state === "running") byId("daemon-kill").focus();
}

// renderAway shows that the sandbox itself does not answer.
export function renderAway() {
  showState("stopped", "sandbox away");
}

function showState(state, text) {
  const pill = byId("daemon-state");
  if (pill.textContent !== text) pill.textContent = text;
  pill.dataset.state = state;
}

byId("daemon-kill").addEventListener("click", async () => {
  if (await send("api/daemon/kill")) announce("The daemon was killed");
});
byId("daemon-start").addEventListener("click", async () => {
  if (await send("api/daemon/start")) announce("The daemon is starting");
});
