// Talk: a command typed or spoken, and what comes of it.

import {element, find} from "./element.js";
import {conversation, get, listen, post} from "./server.js";
import {turn} from "./turn.js";
import {record} from "./microphone.js";

const turns = find("turns"), text = find("text"), microphone = find("microphone"), welcome = find("welcome");
const SUGGESTED = {
  timer: "set a timer for ten minutes", math: "what is nine times nine", timecheck: "what time is it in Tokyo",
  reminder: "remind me to call Anna tomorrow at noon", todo: "put milk on the list", help: "what can you do",
};
const SLOW = 700;  // milliseconds until a command that is still carried out can be stopped
let hearing = null;

/** Shown at the end of the conversation, or in place of `before`. */
function show(made, before) {
  welcome.remove();
  if (before) before.replaceWith(made);
  else turns.append(made);
  made.scrollIntoView({block: "nearest"});
  return made;
}

function complain(message, before) {
  show(element("li", {class: "turn"}, element("p", {class: "problem", role: "alert"}, message)), before);
}

/** The place of an answer that is awaited: what was said, and after a while a way to stop it. */
function pending(words) {
  const stop = element("button", {hidden: true, click: () => post("/api/cancel", {})}, "Stop");
  setTimeout(() => { stop.hidden = false; }, SLOW);
  return show(element("li", {class: "pending", "aria-busy": "true"}, element("p", {class: "said"}, words), element("p", {class: "reply"}, "…"), stop));
}

async function ask(words) {
  const place = pending(words);
  try {
    answered(await post("/api/ask", {text: words, conversation}), place);
  } catch (error) {
    complain(error.message, place);
  }
}

function answered(entry, place) {
  const shown = show(turn(entry, {answer: (yes) => confirm(entry.confirm, yes, shown), choose: ask}), place);
}

/** The answer takes the question's place. */
async function confirm(id, yes, asked) {
  try {
    answered(await post("/api/confirm", {id, yes}), asked);
  } catch (error) {
    complain(error.message);
  }
}

/** Nothing was said yet: sentences to begin with, of skills that there are; or that nobody is logged in. */
async function greet() {
  try {
    const {skills} = await get("/api/skills");
    const names = new Set(skills.filter((skill) => !skill.hidden).map((skill) => skill.name));
    const sentences = Object.entries(SUGGESTED).filter(([name]) => names.has(name)).map(([, sentence]) => sentence);
    find("suggestions").replaceChildren(...sentences.map((sentence) => element("li", {}, element("button", {click: () => ask(sentence)}, sentence))));
  } catch (error) {
    welcome.replaceChildren(element("p", {class: "problem", role: "alert"}, error.message));
  }
  welcome.hidden = false;
}
greet();

find("command").addEventListener("submit", (event) => {
  event.preventDefault();
  const words = text.value.trim();
  if (!words) return;
  text.value = "";
  ask(words);
});

find("cancel").addEventListener("click", () => hearing?.send({type: "cancel"}));
microphone.addEventListener("click", () => (hearing ? hearing.end() : hear()));
document.addEventListener("keydown", (event) => {
  if (event.altKey && event.key.toLowerCase() === "m") microphone.click();
});

/** Listens until the button is pressed again; what is heard becomes turns. */
async function hear() {
  const level = find("level"), partial = find("partial");
  let entry = null, asked = null, source = null, over = false;
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
    else if (event.type === "reply") done({...entry, reply: event.text, ok: event.ok, id: event.id, asks: event.asks, timings_ms: event.timings_ms || entry?.timings_ms});
    else if (event.type === "refused" || event.type === "error") complain(event.text);
  }

  function done(whole) {
    if (whole.text == null) return;
    const shown = show(turn(whole, {answer: (yes) => hearing ? hearing.send({type: yes ? "yes" : "no"}) : confirm(whole.confirm, yes, shown)}), asked);
    asked = whole.confirm ? shown : null;
    if (!whole.confirm) entry = null;
    partial.textContent = "";
  }

  function end() {
    if (over) return;
    over = true;
    source?.stop();
    if (socket.readyState <= WebSocket.OPEN) socket.close();
    hearing = null;
    partial.textContent = "";
    pressed(false);
  }

  function pressed(on) {
    microphone.setAttribute("aria-pressed", String(on));
    find("hearing").hidden = !on;
    find("cancel").hidden = !on;
    find("state").textContent = on ? "Listening" : "";
  }
}
