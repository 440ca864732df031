// Controls that follow livefill's settings, except the one under the user's hand.

import { byId, request } from "./link.js";
import { figure } from "./charts.js";

const HOLD_MS = 1500; // a status that was under way when a control changed must not turn it back
const touched = new Map();
// A slider that is held still is still in use. Only sliders: a select may open and never tell its end.
let pressed = null;

document.addEventListener("pointerdown", (event) => {
  if (event.target.type === "range") pressed = event.target;
});
for (const end of ["pointerup", "pointercancel"]) {
  document.addEventListener(end, () => {
    pressed = null;
  });
}

export function touch(control) {
  touched.set(control, performance.now());
}

export function isHeld(control) {
  return control === pressed || performance.now() - (touched.get(control) ?? -HOLD_MS) < HOLD_MS;
}

// After a refusal the controls tell the truth at once.
export function letGo() {
  touched.clear();
}

export function fillSelect(select, options) {
  const wanted = JSON.stringify(options);
  if (select.dataset.options === wanted) return;
  select.dataset.options = wanted;
  select.replaceChildren(...options.map(([value, label]) => new Option(label, value)));
}

export function createSettings({ tell, complain }) {
  const faceOnly = byId("scope-face");
  const wholeHead = byId("scope-head");
  let devices = { cameras: [], sinks: [] };
  let present = null;

  function set(control, key, value) {
    touch(control);
    tell({ do: "set", key, value });
  }

  for (const key of ["sensitivity", "feather"]) {
    byId(key).addEventListener("input", (event) => {
      touch(event.target);
      showRange(key);
    });
    byId(key).addEventListener("change", (event) => set(event.target, key, event.target.valueAsNumber));
  }
  for (const [id, key] of [["badge", "badge"], ["always-on", "always_on"]]) {
    byId(id).addEventListener("change", (event) => set(event.target, key, event.target.checked));
  }
  for (const id of ["camera", "sink"]) {
    byId(id).addEventListener("change", (event) => set(event.target, id, event.target.value));
  }
  for (const radio of [faceOnly, wholeHead]) {
    radio.addEventListener("change", () => set(faceOnly, "scope", radio.value));
  }
  byId("look-again").addEventListener("click", refreshDevices);

  function showRange(key) {
    const value = byId(key).valueAsNumber;
    const text = key === "feather" ? `× ${figure(value, 2)}` : figure(value, 2);
    byId(`${key}-value`).textContent = text;
    const words = key === "feather" ? `${figure(value, 2)} times the usual` : text;
    byId(key).setAttribute("aria-valuetext", words);
  }

  // What is set stays to be seen, also when it is unplugged or a file.
  function showDevices() {
    for (const [id, list] of [["camera", devices.cameras], ["sink", devices.sinks]]) {
      const select = byId(id);
      const value = present?.[id] ?? "";
      if (isHeld(select)) continue;
      const options = list.map(({ spec, name }) => [spec, name === spec ? name : `${name} (${spec})`]);
      if (value && !list.some(({ spec }) => spec === value)) {
        options.unshift([value, /^\d+$/.test(value) ? `camera ${value}` : value]);
      }
      fillSelect(select, options);
      if (select.value !== value) select.value = value;
    }
  }

  async function refreshDevices() {
    try {
      devices = await (await request("devices")).json();
      showDevices();
    } catch (error) {
      complain(`The cameras could not be listed: ${error.message}`);
    }
  }

  return {
    refreshDevices,
    setStatus({ settings, config }) {
      present = settings;
      showDevices();
      for (const key of ["sensitivity", "feather"]) {
        if (isHeld(byId(key))) continue;
        byId(key).value = settings[key];
        showRange(key);
      }
      if (!isHeld(byId("badge"))) byId("badge").checked = settings.badge;
      if (!isHeld(byId("always-on"))) byId("always-on").checked = settings.always_on;
      if (!isHeld(faceOnly)) {
        faceOnly.checked = settings.scope === "face";
        wholeHead.checked = settings.scope === "head";
      }
      byId("config-text").textContent = config
        ? `Changes are written to ${config}.`
        : "Changes hold until livefill ends; no settings file is written.";
    },
  };
}
