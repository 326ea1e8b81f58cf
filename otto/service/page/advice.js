// One answer of one model: how it comes, what it cites, and what becomes of it: votes, edits, copies.

import {element} from "./element.js";
import {markdown} from "./markdown.js";
import {events, post} from "./server.js";

/** `write()` asks and resolves with {text, edit}; `stop()` ends it where it is. */
export function advice(model, question, before) {
  const answer = {text: "", edit: ""}, aborting = new AbortController();
  const written = element("div", {class: "written"}), beside = element("div"), under = element("div");
  const shown = element("article", {class: "advice", "aria-label": `Answer of ${model}`, "aria-busy": "true"},
    element("h3", {}, model), beside, written, under);
  let drawing = 0, over = false;

  const draw = () => { drawing = 0; written.replaceChildren(...markdown(answer.edit || answer.text)); };
  const say = (message, name = "problem") => under.append(element("p", {class: name, role: "status"}, message));

  function told(event) {
    if (event.type === "piece") {
      answer.text += event.text;
      drawing ||= requestAnimationFrame(draw);
    } else if (event.type === "care") {
      beside.append(element("p", {class: "care", role: "note"}, event.text));
    } else if (event.type === "error") {
      over = true;
      say(event.text);
    } else if (event.type === "end") {
      over = true;
      if (event.sources) under.append(sources(event.sources));
    }
  }

  async function write() {
    try {
      const sent = before.map((turn) => ({question: turn.question, answer: turn.answer}));
      await events("/api/coach", {question, model, before: sent}, told, aborting.signal);
      if (!over) say("The answer broke off.");
    } catch (error) {
      say(error.name === "AbortError" ? "Stopped." : error.message, error.name === "AbortError" ? "faint" : "problem");
    }
    cancelAnimationFrame(drawing);
    draw();
    shown.setAttribute("aria-busy", "false");
    if (answer.text.trim()) shown.append(review(model, question, before, answer, draw));
    return answer;
  }
  return {model, shown, write, stop: () => aborting.abort()};
}

function sources(cited) {
  return element("details", {class: "sources"}, element("summary", {}, `Sources: ${cited.length}`),
    element("ol", {}, ...cited.map(({number, file, page, heading, text}) => element("li", {},
      element("strong", {}, `[${number}] ${file}${page ? `, page ${page}` : heading ? `, “${heading}”` : ""}`), element("p", {}, text)))));
}

/** Thumbs, an edit, a copy, a file. A vote can be changed; it is kept once. */
function review(model, question, before, answer, draw) {
  const earlier = before.map((turn) => ({question: turn.question, answer: turn.answer}));
  const place = element("div"), said = element("p", {class: "learnt", role: "status"});
  const kept = {id: 0, verdict: ""};
  const thumb = (verdict, label) => element("button", {class: `vote ${verdict}`, "aria-pressed": "false", "aria-label": label, title: label,
    click: () => vote(kept.verdict === verdict ? "" : verdict, answer.edit)}, element("img", {src: "/page/thumb.svg", alt: "", width: 20, height: 20}));
  const up = thumb("up", "Good answer"), down = thumb("down", "Bad answer");
  let last = Promise.resolve();

  function vote(verdict, edit) {
    last = last.then(() => send(verdict, edit));
    return last;
  }

  async function send(verdict, edit) {
    try {
      const body = {id: kept.id, model, question, answer: answer.text, before: earlier, verdict, edit};
      kept.id = (await post("/api/coach/vote", body)).id;
      kept.verdict = verdict;
      answer.edit = edit;
      up.setAttribute("aria-pressed", String(verdict === "up"));
      down.setAttribute("aria-pressed", String(verdict === "down"));
      said.textContent = "Kept for training.";
      draw();
    } catch (error) {
      said.textContent = error.message;
    }
  }

  function change() {
    const field = element("textarea", {rows: 8, maxlength: 12000, "aria-label": "The answer as it should be"});
    field.value = answer.edit || answer.text;
    const keep = async (event) => {
      event.preventDefault();
      const edit = field.value.trim();
      await vote(kept.verdict, edit === answer.text.trim() ? "" : edit);
      place.replaceChildren();
    };
    place.replaceChildren(element("form", {class: "correction", submit: keep}, field,
      element("p", {class: "choices"}, element("button", {type: "submit"}, "Keep"), element("button", {type: "button", click: () => place.replaceChildren()}, "Cancel"))));
    field.focus();
  }

  async function copy() {
    try {
      await navigator.clipboard.writeText(answer.edit || answer.text);
      said.textContent = "Copied.";
    } catch {
      said.textContent = "The browser does not allow copying.";
    }
  }

  function download() {
    const address = URL.createObjectURL(new Blob([`# ${question}\n\n${answer.edit || answer.text}\n`], {type: "text/markdown"}));
    element("a", {href: address, download: "answer.md"}).click();
    setTimeout(() => URL.revokeObjectURL(address), 10000);
  }

  return element("div", {}, element("p", {class: "review"}, up, down, element("button", {click: change}, "Edit"),
    element("button", {click: copy}, "Copy"), element("button", {click: download}, "Download")), place, said);
}
