// What is asked of the server. Every refusal is an Error whose message is a sentence for people.

/** One conversation a tab: what was said before in it counts. */
export const conversation = crypto.randomUUID();

async function answered(response) {
  const body = await response.json().catch(() => ({}));
  if (response.ok) return body;
  if (response.status === 401) throw new Error("This page is not logged in: run “otto serve --token” and open its link.");
  throw new Error(body.error || `The server answered ${response.status}.`);
}

async function fetched(path, options) {
  try {
    return await fetch(path, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error("Otto does not answer. Is “otto serve” still running?");
  }
}

const sent = (body) => ({method: "POST", headers: {"Content-Type": "application/json"}, body: JSON.stringify(body)});

export async function get(path) {
  return answered(await fetched(path));
}

export async function post(path, body) {
  return answered(await fetched(path, sent(body)));
}

/** Sends `body` and hands each server-sent event, read as JSON, to `told`. `signal` aborts it. */
export async function events(path, body, told, signal) {
  const response = await fetched(path, {...sent(body), signal});
  if (!response.ok) return answered(response);
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    const whole = (rest + part.value).split("\n\n");
    rest = whole.pop();
    for (const event of whole) if (event.startsWith("data: ")) told(JSON.parse(event.slice(6)));
  }
}

/** Opens a WebSocket; `told` gets each of its JSON messages. */
export function listen(told, closed) {
  const socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/api/listen`);
  socket.binaryType = "arraybuffer";
  socket.onmessage = (message) => told(JSON.parse(message.data));
  socket.onclose = closed;
  return socket;
}
