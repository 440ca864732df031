// The link to livefill: one websocket that comes back by itself, and requests that fail with a sentence.

const RETRY_MS = 2000;

export const byId = (id) => document.getElementById(id);

export function openLink({ onUp, onDown, onStatus, onRefused, onPicture }) {
  const address = new URL("ws", location.href);
  address.protocol = location.protocol === "https:" ? "wss:" : "ws:";
  let socket = null;

  function connect() {
    socket = new WebSocket(address);
    socket.binaryType = "blob";
    socket.addEventListener("open", onUp);
    socket.addEventListener("message", ({ data }) => {
      if (typeof data !== "string") return onPicture(data);
      const message = JSON.parse(data);
      if (message.kind === "status") onStatus(message);
      else if (message.kind === "error") onRefused(message.text);
    });
    // A refused connection closes, too: one handler serves a lost livefill and one that is not there yet.
    socket.addEventListener("close", () => {
      onDown();
      setTimeout(connect, RETRY_MS);
    });
  }

  function tell(message) {
    if (socket?.readyState !== WebSocket.OPEN) return false;
    socket.send(JSON.stringify(message));
    return true;
  }

  connect();
  return { tell };
}

// Paths stay relative: the page lies below a secret part of the address.
export async function request(path, options = {}) {
  let answer;
  try {
    answer = await fetch(path, { cache: "no-store", ...options });
  } catch {
    throw new Error("livefill did not answer. Is it still running?");
  }
  if (answer.ok) return answer;
  const { error } = await answer.json().catch(() => ({}));
  throw new Error(error || `livefill refused this (${answer.status}).`);
}
