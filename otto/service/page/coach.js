// Coach: a question, and the answers of one model or of several side by side, as they are written.

import {element, find} from "./element.js";
import {advice} from "./advice.js";
import {get} from "./server.js";

const form = find("coach-form"), question = find("coach-question"), stop = find("coach-stop"), turns = find("coach-turns");
const TURNS = 6;
let chosen = [], writing = [];
/** By model: what was asked and answered so far. */
let before = new Map();

export async function show() {
  question.focus();
  if (find("coach-models").dataset.known) return;
  const {models, library, problem} = await get("/api/coach/models");
  find("coach-problem").textContent = problem;
  if (problem) return;
  find("coach-models").dataset.known = "yes";
  if (library) find("coach-about").append(" Your own documents are looked up first.");
  for (const {name} of models) {
    const box = element("input", {type: "checkbox", checked: true, change: () => choose()});
    find("coach-models").append(element("label", {}, box, element("span", {}, name)));
  }
  find("coach-models").hidden = models.length < 2;
  choose();
}

function choose() {
  const labels = [...find("coach-models").querySelectorAll("label")];
  chosen = labels.filter((label) => label.querySelector("input").checked).map((label) => label.textContent);
}

function complain(message) {
  turns.append(element("li", {class: "turn"}, element("p", {class: "problem", role: "alert"}, message)));
}

async function ask(asked) {
  if (!chosen.length) return complain(find("coach-models").dataset.known ? "Choose a model." : "There is no model to ask.");
  const answers = chosen.map((model) => advice(model, asked, before.get(model) || []));
  turns.append(element("li", {class: "turn"}, element("p", {class: "said"}, asked), element("div", {class: "beside"}, ...answers.map((each) => each.shown))));
  answers[0].shown.scrollIntoView({block: "nearest"});
  writing = answers;
  stop.hidden = false;
  await Promise.all(answers.map((each) => each.write().then((answer) => remember(each.model, asked, answer))));
  if (writing === answers) stop.hidden = true;
}

/** An answer that is later edited counts as it was edited. */
function remember(model, asked, answer) {
  if (!answer.text) return;
  const turn = {question: asked, get answer() { return answer.edit || answer.text; }};
  before.set(model, [...(before.get(model) || []), turn].slice(-TURNS));
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const asked = question.value.trim();
  if (!asked || !stop.hidden) return;
  question.value = "";
  ask(asked);
});
question.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  form.requestSubmit();
});
stop.addEventListener("click", () => writing.forEach((each) => each.stop()));
find("coach-new").addEventListener("click", () => {
  writing.forEach((each) => each.stop());
  before = new Map();
  turns.replaceChildren();
  question.focus();
});
