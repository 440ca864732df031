// The profile: its pictures as tiles, calibration, and what a finished calibration waits for.

import { byId, request } from "./link.js";
import { fillSelect, isHeld, touch } from "./settings.js";

const TILE = 112; // pixels of a tile's picture; twice what it takes on the page

export function createProfile({ tell, announce }) {
  const select = byId("profile");
  const calibrate = byId("calibrate");
  const bank = createTiles(byId("bank"));
  const strip = createTiles(byId("pending-strip"));
  let waiting = null;
  let shown = null;

  select.addEventListener("change", () => {
    touch(select);
    tell({ do: "set", key: "profile", value: select.value });
  });
  calibrate.addEventListener("click", () => {
    if (calibrate.getAttribute("aria-disabled") !== "true") tell({ do: "calibrate" });
  });
  // Their section goes away under the focus, so it is put where the next step is.
  for (const [id, what] of [["accept", "accept"], ["retake", "calibrate"], ["discard", "discard"]]) {
    byId(id).addEventListener("click", () => {
      tell({ do: what });
      calibrate.focus();
      if (what === "accept") shown = null; // the profile keeps its name and gets new pictures
    });
  }

  function showCalibration({ calibrating, state }) {
    const running = calibrating !== null;
    const hint = hintOf(state);
    byId("calibrating").hidden = !running;
    byId("coach").hidden = !running;
    // Not `disabled`, which would lose the focus.
    if (running) calibrate.setAttribute("aria-disabled", "true");
    else calibrate.removeAttribute("aria-disabled");
    if (!running) return;
    byId("calibration").value = calibrating;
    byId("calibration-hint").textContent = hint;
    byId("coach-text").textContent = hint;
    byId("coach-fill").style.width = `${Math.round(calibrating * 100)}%`;
  }

  function showPending(count) {
    if (count === waiting) return;
    waiting = count;
    byId("pending").hidden = count === null;
    if (count === null) {
      shown = null; // whatever became of it, the bank may have changed
      return strip.clear();
    }
    const many = `${count} new ${noun(count)}`;
    const [them, each] = count === 1 ? ["it", "it"] : ["them", "each"];
    byId("pending-text").textContent = `${many}. Keep ${them} if your face is sharp and uncovered in ${each}.`;
    announce(`Calibration is done: ${many}. Accept, retake or discard.`);
    strip.load("pending.jpg", many);
  }

  async function showBank(name, there) {
    const key = there ? name : "";
    if (key === shown) return;
    shown = key;
    const text = byId("bank-text");
    if (!there) {
      bank.clear();
      text.textContent =
        "No profile yet. Calibrate once: look into the camera, turn your head a little, " +
        "say a few words.";
      return;
    }
    const path = `profiles/${encodeURIComponent(name)}.jpg`;
    const count = await bank.load(path, `Pictures of the profile ${name}`);
    if (count === null) return;
    text.textContent = count
      ? `${count} ${noun(count)}. Calibrate anew in another light, hairstyle or glasses.`
      : "The pictures of this profile cannot be shown.";
  }

  return {
    setStatus(status) {
      const { profiles, settings } = status;
      const name = settings.profile ?? "default"; // the profile livefill takes where none is named
      const there = profiles.includes(name);
      if (!isHeld(select)) {
        const options = profiles.map((one) => [one, one]);
        fillSelect(select, there ? options : [[name, `${name} (not there yet)`], ...options]);
        select.value = name;
      }
      showCalibration(status);
      showPending(status.pending);
      showBank(name, there);
    },
  };
}

const noun = (count) => (count === 1 ? "picture" : "pictures");

function hintOf(state) {
  const hint = state.replace(/^calibrating[^:]*:\s*/, "");
  return hint.charAt(0).toUpperCase() + hint.slice(1);
}

// One strip of square faces becomes as many tiles. `load` gives their number, 0 without a picture, null if
// overtaken.
function createTiles(box) {
  let turn = 0;

  function clear() {
    turn += 1;
    box.replaceChildren();
    box.hidden = true;
  }

  async function load(path, label) {
    clear();
    const mine = turn;
    let picture;
    try {
      picture = await createImageBitmap(await (await request(path)).blob());
    } catch {
      return mine === turn ? 0 : null;
    }
    if (mine !== turn) return null;
    const count = Math.max(1, Math.round(picture.width / picture.height));
    const step = picture.width / count;
    for (let i = 0; i < count; i += 1) {
      const tile = document.createElement("canvas");
      tile.width = tile.height = TILE;
      tile.setAttribute("aria-hidden", "true"); // the strip as a whole has a name
      const context = tile.getContext("2d");
      context.imageSmoothingQuality = "high";
      context.drawImage(picture, i * step, 0, step, picture.height, 0, 0, TILE, TILE);
      box.append(tile);
    }
    picture.close();
    box.setAttribute("aria-label", label);
    box.hidden = false;
    return count;
  }

  return { clear, load };
}
