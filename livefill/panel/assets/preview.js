// The preview: two pictures in one canvas, a divider between them, and the asking for the next picture.

import { byId } from "./link.js";
import { recall, remember, rememberedBox } from "./memory.js";

const STALE_MS = 2000;

export function createPreview({ tell }) {
  const canvas = byId("preview");
  const context = canvas.getContext("2d", { alpha: false });
  const stage = byId("stage");
  const frame = byId("picture");
  const divider = byId("divider");
  const note = byId("stage-note");
  const mirror = byId("mirror");
  const overlay = byId("overlay");
  const show = byId("show-preview");

  let pair = null; // the last picture: before in its left half, after in its right one
  let pairAt = 0;
  let split = Math.min(1, Math.max(0, Number(recall("split", 0.5)) || 0));
  let connected = false;
  let connection = 0; // a picture decoded after a reconnect must not count as the answer to the new question
  let asked = false;
  let inView = true;
  let painting = false;
  let state = "";
  let badged = false; // whether what the meeting sees says that it is synthesised

  const wanted = () => connected && show.checked && inView && !document.hidden;

  function ask() {
    if (!asked && wanted()) asked = tell({ do: "ready", overlay: overlay.checked });
  }

  async function receive(blob) {
    const mine = connection;
    const next = await createImageBitmap(blob).catch(() => null);
    if (mine !== connection) return next?.close();
    if (next) {
      pair?.close();
      pair = next;
      pairAt = performance.now();
      draw();
      explain();
    }
    asked = false;
    ask();
  }

  function draw() {
    if (!pair) return;
    const width = pair.width >> 1;
    const height = pair.height;
    if (canvas.width !== width || canvas.height !== height) {
      canvas.width = width;
      canvas.height = height;
      setAspect(width, height);
    }
    const edge = painting ? width : Math.round(split * width);
    drawPart(0, 0, edge);
    drawPart(width, edge, width);
  }

  // The divider lies where the viewer sees it, so with a mirror each half is turned round in itself.
  function drawPart(offset, from, to) {
    if (to <= from) return;
    const { width, height } = canvas;
    const left = mirror.checked ? width - to : from;
    if (mirror.checked) context.setTransform(-1, 0, 0, 1, width, 0);
    else context.resetTransform();
    context.drawImage(pair, offset + left, 0, to - from, height, left, 0, to - from, height);
  }

  function setAspect(width, height) {
    stage.style.setProperty("--aspect", (width / height).toFixed(4));
  }

  function setSplit(value) {
    split = Math.min(1, Math.max(0, value));
    const percent = Math.round(split * 100);
    divider.style.left = `${split * 100}%`;
    divider.setAttribute("aria-valuenow", percent);
    divider.setAttribute("aria-valuetext", `${percent} % camera, ${100 - percent} % meeting`);
    byId("tag-camera").classList.toggle("gone", split < 0.14);
    for (const id of ["tag-meeting", "tag-badge"]) byId(id).classList.toggle("gone", split > 0.86);
    draw();
  }

  // The badge stands at the picture's right edge. In a mirror that is the left one, where the camera shows, and its
  // letters are turned round: the page says it in its place.
  function showBadge() {
    byId("tag-badge").hidden = !(badged && mirror.checked);
  }

  function splitFromPointer(event) {
    const box = canvas.getBoundingClientRect();
    setSplit((event.clientX - box.left) / box.width);
  }

  frame.addEventListener("pointerdown", (event) => {
    if (painting || event.button !== 0 || !show.checked) return;
    frame.setPointerCapture(event.pointerId);
    splitFromPointer(event);
  });
  frame.addEventListener("pointermove", (event) => {
    if (!painting && frame.hasPointerCapture(event.pointerId)) splitFromPointer(event);
  });
  frame.addEventListener("lostpointercapture", () => remember("split", split));

  const STEPS = {
    ArrowLeft: -0.02,
    ArrowDown: -0.02,
    ArrowRight: 0.02,
    ArrowUp: 0.02,
    PageDown: -0.1,
    PageUp: 0.1,
  };
  divider.addEventListener("keydown", (event) => {
    if (event.key in STEPS) setSplit(split + STEPS[event.key]);
    else if (event.key === "Home") setSplit(0);
    else if (event.key === "End") setSplit(1);
    else return;
    event.preventDefault();
    remember("split", split);
  });

  // A picture that stands still must not pass for a live one.
  function explain() {
    const late = performance.now() - pairAt > STALE_MS;
    let text = "";
    if (!show.checked) text = "The preview is off.";
    else if (!connected) text = "No connection.";
    else if (!pair) text = `Waiting for a picture: ${state || "connecting"}.`;
    else if (late && wanted()) text = `No new picture: ${state}.`;
    note.hidden = !text;
    if (note.textContent !== text) note.textContent = text;
    stage.classList.toggle("stale", Boolean(text));
  }

  function applyView() {
    frame.hidden = !show.checked;
    frame.classList.toggle("mirrored", mirror.checked);
    frame.classList.toggle("painting", painting);
    showBadge();
    draw();
    explain();
    ask();
  }

  rememberedBox(mirror, "mirror", true);
  rememberedBox(overlay, "overlay", false);
  rememberedBox(show, "preview", true);
  for (const box of [mirror, overlay, show]) box.addEventListener("change", applyView);
  document.addEventListener("visibilitychange", ask);
  new IntersectionObserver(([entry]) => {
    inView = entry.isIntersecting;
    ask();
  }).observe(stage);
  setSplit(split);
  applyView();

  return {
    receive,
    isMirrored: () => mirror.checked,
    setConnected(value) {
      connected = value;
      connection += 1;
      asked = false;
      explain();
      ask();
    },
    setStatus(status) {
      state = status.state;
      badged = status.settings.badge && state === "filling";
      showBadge();
      if (!pair) setAspect(...status.frame);
      explain();
    },
    // While a mask is painted, the camera's whole picture shows.
    setPainting(value) {
      painting = value;
      if (value && !show.checked) show.click();
      applyView();
    },
  };
}
