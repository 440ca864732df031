// View options outlive a visit where the browser allows it; a private window may refuse, then they do not.

const PREFIX = "livefill.";

export function recall(name, fallback) {
  try {
    const text = localStorage.getItem(PREFIX + name);
    return text === null ? fallback : JSON.parse(text);
  } catch {
    return fallback;
  }
}

export function remember(name, value) {
  try {
    localStorage.setItem(PREFIX + name, JSON.stringify(value));
  } catch {
    // Nothing depends on it.
  }
}

export function rememberedBox(box, name, fallback) {
  box.checked = recall(name, fallback) === true;
  box.addEventListener("change", () => remember(name, box.checked));
}
