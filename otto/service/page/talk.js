// Talk: a command typed or spoken, and what comes of it.

import {element, find} from "./element.js";
import {conversation, listen, post} from "./server.js";
import {turn} from "./turn.js";
import {record} from "./microphone.js";

const turns = find("turns"), text = find("text"), microphone = find("microphone");
let hearing = null;

function show(made) {
  turns.append(made);
  made.scrollIntoView({block: "nearest"});
  return made;
}

function complain(message) {
  show(element("li", {class: "turn"}, element("p", {class: "problem", role: "alert"}, message)));
}

async function ask(words) {
  try {
    answered(await post("/api/ask", {text: words, conversation}));
  } catch (error) {
    complain(error.message);
  }
}

function answered(entry) {
  show(turn(entry, {answer: (yes) => confirm(entry.confirm, yes)}));
}

async function confirm(id, yes) {
  try {
    answered(await post("/api/confirm", {id, yes}));
  } catch (error) {
    complain(error.message);
  }
}

find("command").addEventListener("submit", (event) => {
  event.preventDefault();
  const words = text.value.trim();
  if (!words) return;
  text.value = "";
  ask(words);
});

find("cancel").addEventListener("click", () => {
  if (hearing) hearing.send({type: "cancel"});
  else post("/api/cancel", {});
});
microphone.addEventListener("click", () => (hearing ? hearing.end() : hear()));
document.addEventListener("keydown", (event) => {
  if (event.altKey && event.key.toLowerCase() === "m") microphone.click();
});

/** Listens until the button is pressed again; what is heard becomes turns. */
async function hear() {
  const level = find("level"), partial = find("partial");
  let entry = null, source = null, over = false;
  const socket = listen(told, () => end());
  hearing = {end, send: (message) => socket.send(JSON.stringify(message))};
  pressed(true);
  try {
    source = await record((samples) => socket.readyState === WebSocket.OPEN && socket.send(samples));
    if (over) source.stop();
  } catch (error) {
    complain(`The microphone cannot be used: ${error.message}`);
    end();
  }

  function told(event) {
    if (event.type === "level") level.value = event.db;
    else if (event.type === "partial") partial.textContent = event.text;
    else if (event.type === "transcript") partial.textContent = event.text;
    else if (event.type === "route") entry = {...event, results: [], reply: "", ok: true};
    else if (event.type === "result" && entry) entry.results.push(event);
    else if (event.type === "question") done({...entry, reply: event.text, confirm: event.confirm});
    else if (event.type === "reply") done({...entry, reply: event.text, ok: event.ok, id: event.id, timings_ms: event.timings_ms || entry?.timings_ms});
    else if (event.type === "refused" || event.type === "error") complain(event.text);
  }

  function done(whole) {
    if (whole.text == null) return;
    show(turn(whole, {answer: (yes) => hearing ? hearing.send({type: yes ? "yes" : "no"}) : confirm(whole.confirm, yes)}));
    if (!whole.confirm) entry = null;
    partial.textContent = "";
  }

  function end() {
    if (over) return;
    over = true;
    source?.stop();
    if (socket.readyState <= WebSocket.OPEN) socket.close();
    hearing = null;
    pressed(false);
  }

  function pressed(on) {
    microphone.setAttribute("aria-pressed", String(on));
    find("hearing").hidden = !on;
    find("cancel").hidden = !on;
    find("state").textContent = on ? "Listening" : "";
  }
}
