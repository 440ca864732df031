// The page of livefill: connects the parts, and keeps the header, the recording and the log itself.

import { createBrush } from "./brush.js";
import { createCharts } from "./charts.js";
import { showIcon } from "./icon.js";
import { byId, openLink } from "./link.js";
import { createPreview } from "./preview.js";
import { createProfile } from "./profile.js";
import { createSettings, letGo } from "./settings.js";

const ECHO_MS = 600; // how long the switch may run ahead of what livefill answers
const ANNOUNCE_MS = 5000;
const SETTLED_MS = 1000; // a state is read out when it has lasted this long; hands come and go

let link = null;
let paused = false;
let ahead = null; // { paused, until }: what was asked and is not confirmed yet
let recording = null;
let recordingSince = 0;
let said = "";
let announcing = 0;
const heard = { candidate: "", since: 0, announced: "" };

const tell = (message) => link?.tell(message) ?? false;

// What somebody asks for: why the last wish was refused is no news then.
function ask(message) {
  forgive();
  return tell(message);
}

function complain(text) {
  byId("error-text").textContent = text;
  byId("error").hidden = false;
}

function forgive() {
  byId("error").hidden = true;
}

// Emptied after a while, so that the same words are read out again when they are due again.
function announce(text) {
  byId("announce").textContent = text;
  clearTimeout(announcing);
  announcing = setTimeout(() => byId("announce").replaceChildren(), ANNOUNCE_MS);
}

function setPaused(on) {
  if (!ask({ do: "pause", on })) return;
  ahead = { paused: on, until: performance.now() + ECHO_MS };
  showPaused(on);
}

function showPaused(on) {
  paused = on;
  byId("fill").setAttribute("aria-checked", String(!on));
  byId("fill-word").textContent = on ? "off" : "on";
  document.body.classList.toggle("paused", on);
}

function showState(state, tone) {
  const line = byId("state-line");
  if (byId("state").textContent !== state) byId("state").textContent = state;
  line.dataset.tone = tone;
  showIcon(getComputedStyle(line).getPropertyValue("--tone").trim());
  document.title = `${state} · livefill`;
  const words = state.replace(/\s*\d+\s*%/g, "");
  const now = performance.now();
  if (words !== heard.candidate) Object.assign(heard, { candidate: words, since: now });
  if (words !== heard.announced && now - heard.since >= SETTLED_MS) {
    heard.announced = words;
    byId("state-heard").textContent = words;
  }
}

function showWatched({ watched, watchers }) {
  const names = watchers.length ? watchers.join(", ") : "somebody";
  let text = "Who watches cannot be told";
  if (watched === true) text = `Watched by ${names}`;
  if (watched === false) text = "Nobody watches";
  byId("watched").textContent = text;
  byId("watched").dataset.watched = String(watched);
}

function showRecording(path) {
  const text = byId("record-text");
  if (path !== recording) {
    if (path) {
      recordingSince = performance.now();
      text.textContent = `Recording to ${path}`;
    } else if (recording) {
      text.textContent = `Saved as ${recording}`;
      announce("The recording is saved.");
    }
    recording = path;
    byId("record").classList.toggle("on", Boolean(path));
    byId("record-word").textContent = path ? "Stop" : "Record";
  }
  const seconds = Math.floor((performance.now() - recordingSince) / 1000);
  const clock = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  byId("record-time").textContent = path ? clock : "";
}

function showSays(sentences) {
  const now = JSON.stringify(sentences);
  if (now === said) return;
  said = now;
  const list = byId("says");
  // Lines that stay are left in place, so that only what is new is read out.
  const old = [...list.children];
  let kept = old.length;
  while (kept && !startsWith(sentences, old.slice(old.length - kept))) kept -= 1;
  old.slice(0, old.length - kept).forEach((line) => line.remove());
  for (const sentence of sentences.slice(kept)) {
    const line = document.createElement("li");
    line.textContent = sentence;
    list.append(line);
  }
}

const startsWith = (sentences, lines) => lines.every((line, i) => line.textContent === sentences[i]);

function showFacts({ device, sink, frame, dropped, duplicated, settings }) {
  byId("device").textContent = device;
  byId("sink-now").textContent = sink;
  byId("frame-size").textContent = `${frame[0]} × ${frame[1]}, ${settings.fps} a second`;
  byId("dropped").textContent = dropped;
  byId("duplicated").textContent = duplicated;
}

function setConnected(on) {
  byId("lost").hidden = on;
  document.body.classList.toggle("offline", !on);
  for (const group of document.querySelectorAll("fieldset.asks")) group.disabled = !on;
  preview.setConnected(on);
}

const charts = createCharts();
const preview = createPreview({ tell });
const settings = createSettings({ tell: ask, complain });
const profile = createProfile({ tell: ask, announce });
const brush = createBrush({ preview, complain, announce });

showState("connecting", "idle");
link = openLink({
  onUp() {
    setConnected(true);
    settings.refreshDevices();
  },
  onDown() {
    setConnected(false);
    showState("connection lost", "warn");
    byId("watched").textContent = "Who watches is not known";
    byId("watched").dataset.watched = "null";
  },
  onStatus(status) {
    if (ahead && (status.paused === ahead.paused || performance.now() > ahead.until)) ahead = null;
    if (!ahead) showPaused(status.paused);
    showState(status.state, status.tone);
    showWatched(status);
    showFacts(status);
    showRecording(status.recording);
    showSays(status.says);
    charts.add(status);
    preview.setStatus(status);
    settings.setStatus(status);
    profile.setStatus(status);
    brush.setStatus(status);
  },
  onRefused(text) {
    ahead = null;
    letGo();
    complain(text);
  },
  onPicture: preview.receive,
});

byId("fill").addEventListener("click", () => setPaused(!paused));
byId("panic").addEventListener("click", () => setPaused(true));
byId("record").addEventListener("click", () => ask({ do: "record", on: !recording }));
byId("error-close").addEventListener("click", forgive);

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.repeat || event.defaultPrevented) return;
  if (event.key === "Escape") {
    if (brush.isActive()) brush.leave();
    else if (!event.target.matches("select")) setPaused(true); // in a select, Escape closes the list
  } else if (event.key.toLowerCase() === "p" && !event.target.matches("input, select, textarea")) {
    setPaused(!paused);
  }
});
