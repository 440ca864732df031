// The tab's icon: livefill's mark in the colour of its state. A blob, as the page may load no data: picture.

// By colour. There are few, and the browser may fetch one late, so none is revoked.
const addresses = new Map();
let link = null;

export function showIcon(colour) {
  if (!addresses.has(colour)) addresses.set(colour, URL.createObjectURL(drawn(colour)));
  if (link?.href === addresses.get(colour)) return;
  link?.remove();
  link = document.createElement("link");
  link.rel = "icon";
  link.type = "image/svg+xml";
  link.href = addresses.get(colour);
  document.head.append(link);
}

function drawn(colour) {
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">
    <g fill="none" stroke="${colour}" stroke-width="3">
      <path stroke-dasharray="3.4 3" d="M16 3a13 13 0 0 0 0 26"/>
      <path fill="${colour}" d="M16 3a13 13 0 0 1 0 26z"/>
    </g>
  </svg>`;
  return new Blob([svg], { type: "image/svg+xml" });
}
