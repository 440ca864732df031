// The mask brush: what is painted is always covered. The layer holds paint on nothing; black and white is
// made on saving.

import { byId, request } from "./link.js";

const WIDEST = 640; // of a stored mask; the server scales it to the frame
const PAINT = "rgb(255 92 56)";

export function createBrush({ preview, complain, announce }) {
  const layer = byId("paint-layer");
  const context = layer.getContext("2d");
  const ring = byId("brush-ring");
  const size = byId("brush-size");
  const erase = byId("erase");
  const save = byId("save-mask");

  let active = false;
  let session = 0; // a mask that arrives after its session was left is not drawn into the next one
  let last = null;
  let status = null;

  async function open() {
    if (active || !status) return;
    active = true;
    const mine = ++session;
    const [width, height] = status.frame;
    layer.width = Math.min(WIDEST, width);
    layer.height = Math.max(1, Math.round((layer.width * height) / width));
    setErasing(false);
    showBar(true);
    size.focus();
    if (!status.settings.mask) return;
    try {
      const picture = await createImageBitmap(await (await request("mask")).blob());
      if (mine === session && active) layPaint(picture);
    } catch (error) {
      complain(`The present mask could not be shown: ${error.message}`);
    }
  }

  function leave() {
    if (!active) return;
    active = false;
    last = null;
    showBar(false);
    byId("paint").focus();
  }

  function showBar(on) {
    layer.hidden = !on;
    ring.hidden = true;
    byId("brush-bar").hidden = !on;
    preview.setPainting(on);
    if (on) byId("stage").scrollIntoView({ block: "nearest" });
  }

  function setErasing(on) {
    erase.setAttribute("aria-pressed", String(on));
    context.globalCompositeOperation = on ? "destination-out" : "source-over";
  }

  // White of a stored mask becomes paint, under what was painted while it was loading.
  function layPaint(picture) {
    const sheet = new OffscreenCanvas(layer.width, layer.height);
    const own = sheet.getContext("2d");
    own.drawImage(picture, 0, 0, sheet.width, sheet.height);
    const pixels = own.getImageData(0, 0, sheet.width, sheet.height);
    for (let i = 0; i < pixels.data.length; i += 4) {
      pixels.data[i + 3] = pixels.data[i] >= 128 ? 255 : 0;
    }
    own.putImageData(pixels, 0, 0);
    own.globalCompositeOperation = "source-in";
    own.fillStyle = PAINT;
    own.fillRect(0, 0, sheet.width, sheet.height);
    context.save();
    context.globalCompositeOperation = "destination-over";
    context.drawImage(sheet, 0, 0);
    context.restore();
  }

  function toPng() {
    const sheet = document.createElement("canvas");
    sheet.width = layer.width;
    sheet.height = layer.height;
    const own = sheet.getContext("2d");
    const pixels = context.getImageData(0, 0, layer.width, layer.height);
    for (let i = 0; i < pixels.data.length; i += 4) {
      pixels.data.fill(pixels.data[i + 3] >= 128 ? 255 : 0, i, i + 3);
      pixels.data[i + 3] = 255;
    }
    own.putImageData(pixels, 0, 0);
    return new Promise((done) => sheet.toBlob(done, "image/png"));
  }

  function place(event) {
    const box = layer.getBoundingClientRect();
    const x = ((event.clientX - box.left) / box.width) * layer.width;
    const y = ((event.clientY - box.top) / box.height) * layer.height;
    return { x: preview.isMirrored() ? layer.width - x : x, y };
  }

  function stroke(to) {
    context.strokeStyle = PAINT;
    context.lineWidth = size.valueAsNumber;
    context.lineCap = "round";
    context.beginPath();
    context.moveTo(last.x, last.y);
    context.lineTo(to.x, to.y);
    context.stroke();
    last = to;
  }

  function moveRing(event) {
    const box = layer.getBoundingClientRect();
    const width = (size.valueAsNumber / layer.width) * box.width;
    ring.hidden = event.pointerType === "touch";
    ring.style.width = ring.style.height = `${width}px`;
    ring.style.left = `${event.clientX - box.left}px`;
    ring.style.top = `${event.clientY - box.top}px`;
  }

  layer.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    event.preventDefault();
    layer.setPointerCapture(event.pointerId);
    last = place(event);
    stroke(last);
  });
  layer.addEventListener("pointermove", (event) => {
    moveRing(event);
    if (!last) return;
    const steps = event.getCoalescedEvents?.() ?? [];
    for (const step of steps.length ? steps : [event]) stroke(place(step));
  });
  layer.addEventListener("lostpointercapture", () => {
    last = null;
  });
  layer.addEventListener("pointerleave", () => {
    ring.hidden = true;
  });

  byId("paint").addEventListener("click", open);
  byId("cancel-mask").addEventListener("click", leave);
  erase.addEventListener("click", () => setErasing(erase.getAttribute("aria-pressed") !== "true"));
  byId("clear-mask").addEventListener("click", () => {
    context.clearRect(0, 0, layer.width, layer.height);
    announce("Mask cleared; it is not saved yet.");
  });
  save.addEventListener("click", async () => {
    save.disabled = true;
    try {
      await request("mask", { method: "PUT", headers: { "Content-Type": "image/png" }, body: await toPng() });
      announce("Mask saved.");
      leave();
    } catch (error) {
      complain(error.message);
    } finally {
      save.disabled = false;
    }
  });
  byId("remove-mask").addEventListener("click", async () => {
    try {
      await request("mask", { method: "DELETE" });
      announce("Mask removed.");
      byId("paint").focus();
    } catch (error) {
      complain(error.message);
    }
  });

  return {
    isActive: () => active,
    leave,
    setStatus(now) {
      status = now;
      const { mask } = now.settings;
      byId("remove-mask").hidden = !mask;
      byId("mask-text").textContent = mask
        ? `What is white in ${mask} is always covered.`
        : "No mask. Paint one where something always stands before your face, such as a microphone’s arm.";
    },
  };
}
