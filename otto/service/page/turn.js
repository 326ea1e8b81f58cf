// One command as it is shown: what was said, understood and done, why, how long it took, and how to correct it.

import {element, percent} from "./element.js";
import {markdown} from "./markdown.js";
import {get, post} from "./server.js";

/** A turn of `/api/ask` or an entry of `/api/history` as an element. `answer(yes)` is called for a question, `choose(text)`
 * with what answers "did you mean …?". */
export function turn(entry, {answer, choose} = {}) {
  const calls = Array.isArray(entry.calls) ? entry.calls : [entry.calls];
  const asked = entry.confirm || entry.asks;
  const shown = element("li", {class: "turn"},
    element("p", {class: "said"}, entry.text),
    element("p", {class: "calls"},
      ...calls.map((call) => element("code", {}, call)),
      entry.confidence != null && element("span", {title: "How sure the router is (calibrated)"}, `${percent(entry.confidence)} sure`),
      entry.at && element("time", {datetime: entry.at}, new Date(entry.at).toLocaleString([], {dateStyle: "medium", timeStyle: "short"})),
      entry.correction && element("span", {class: "tag"}, entry.correction === calls.join("; ") ? "✓ right" : `corrected: ${entry.correction}`)),
    element("p", {class: entry.ok || asked ? "reply" : "reply failed"}, entry.reply));
  for (const {data} of entry.results || []) if (data?.markdown) shown.append(whole(data));
  if (entry.confirm && answer) shown.append(question([["Yes", () => answer(true)], ["No", () => answer(false)]]));
  if (entry.asks?.options && choose) shown.append(question(entry.asks.options.map((option, place) => [option.join("; "), () => choose(ORDINALS[place])])));
  const {buttons, place} = entry.confirm ? {} : review(entry, calls);
  shown.append(element("div", {class: "foot"}, buttons, why(entry)));
  if (place) shown.append(place);
  return shown;
}

const ORDINALS = ["the first", "the second"];

/** What was only summed up aloud. */
function whole({markdown: text, sources = []}) {
  const cited = sources.map(({number, file, page}) => `[${number}] ${file}${page ? `, page ${page}` : ""}`).join(" · ");
  return element("details", {open: true}, element("summary", {}, "The whole answer"), element("div", {class: "written"}, ...markdown(text)),
    cited && element("p", {}, cited));
}

/** Buttons that go once one of them is pressed. */
function question(answers) {
  const buttons = element("p", {class: "review"}, ...answers.map(([label, said]) =>
    element("button", {class: label === "Yes" && "main", click: () => { buttons.remove(); said(); }}, label)));
  return buttons;
}

/** The router's reasons, what else it could be, and the time of each stage. */
function why(entry) {
  const rows = [["Router", entry.router], ...Object.entries(entry.trace || {}).map(([name, value]) => [name, typeof value === "number" ? String(Number(value.toFixed(4))) : value])];
  for (const other of entry.alternatives || []) rows.push([`or, ${percent(other.confidence)}`, other.calls.join("; ")]);
  for (const result of entry.results || []) rows.push([result.call, result.ok ? "done" : result.error]);
  const stages = Object.entries(entry.timings_ms || {});
  const whole = stages.reduce((sum, [, milliseconds]) => sum + milliseconds, 0) || 1;
  const bar = element("div", {class: "stages", "aria-hidden": "true"}, ...stages.map(([, milliseconds]) => {
    const part = element("span");
    part.style.width = `${(100 * milliseconds) / whole}%`;
    return part;
  }));
  return element("details", {},
    element("summary", {}, `Why, and how long: ${Math.round(whole)} ms`),
    bar,
    element("p", {}, stages.map(([stage, milliseconds]) => `${stage} ${milliseconds.toFixed(1)} ms`).join(" · ")),
    element("dl", {}, ...rows.flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)])));
}

/** Two clicks: “Right”; or “Correct” and one of the alternatives. The buttons, and the place where a correction is made. */
function review(entry, calls) {
  const place = element("div");
  const right = element("button", {click: () => teach(calls.join("; "))}, "✓ Right");
  const wrong = element("button", {"aria-expanded": "false", click: () => toggle()}, "✎ Correct");
  const buttons = element("p", {class: "review"}, right, wrong);

  async function teach(call) {
    right.disabled = wrong.disabled = true;
    wrong.setAttribute("aria-expanded", "false");
    place.replaceChildren(element("p", {class: "reply", role: "status"}, "Learning…"));
    try {
      const learnt = await post("/api/correct", entry.id ? {id: entry.id, call} : {text: entry.text, call});
      const sentence = learnt.learnt ? `Learnt in ${learnt.seconds.toFixed(1)} s` : "Kept, but the router still answers otherwise";
      place.replaceChildren(element("p", {class: "learnt", role: "status"}, `${sentence}: `, element("code", {}, learnt.calls.join("; "))));
      document.dispatchEvent(new CustomEvent("learnt", {detail: learnt}));
    } catch (error) {
      right.disabled = wrong.disabled = false;
      place.replaceChildren(element("p", {class: "problem", role: "alert"}, error.message));
    }
  }

  function toggle() {
    const open = wrong.getAttribute("aria-expanded") !== "true";
    wrong.setAttribute("aria-expanded", String(open));
    if (open) correct();
    else place.replaceChildren();
  }

  function correct() {
    const others = [...(entry.alternatives || []).map((other) => other.calls.join("; ")), "other()"];
    const preview = element("pre");
    const field = element("input", {value: calls.join("; "), maxlength: 512, spellcheck: "false", "aria-label": "What it should have meant", input: () => show()});
    const show = () => { preview.textContent = `User: ${entry.text}\nAssistant: ${field.value}`; };
    const form = element("form", {class: "correction", submit: (event) => { event.preventDefault(); teach(field.value); }},
      element("p", {class: "faint"}, "It meant one of these (one click teaches it; other() is for what no skill does), or what you write:"),
      element("p", {class: "choices"}, ...[...new Set(others)].filter((other) => other !== calls.join("; ")).map((other) =>
        element("button", {type: "button", click: () => teach(other)}, element("code", {}, other))), skills(field, show)),
      field, preview, element("button", {type: "submit"}, "Teach"));
    show();
    place.replaceChildren(form);
    field.focus();
  }
  return {buttons, place};
}

/** A list of all skills: the chosen one's call is written into `field`, ready for its arguments. */
function skills(field, written) {
  const list = element("select", {"aria-label": "Another skill", change: () => {
    field.value = list.value;
    written();
    field.focus();
    const gap = list.value.indexOf('""') + 1;
    if (gap) field.setSelectionRange(gap, gap);
    list.selectedIndex = 0;
  }}, element("option", {value: ""}, "Another skill…"));
  get("/api/skills").then(({skills: known}) => {
    for (const skill of known) if (!skill.hidden && skill.name !== "other") list.append(element("option", {value: template(skill)}, skill.name));
  }, () => list.remove());
  return list;
}

/** A skill's call with its needed arguments left empty, or all of them where none is needed. */
function template({name, parameters}) {
  const needed = parameters.required?.length ? parameters.required : Object.keys(parameters.properties || {});
  return `${name}(${needed.map((each) => `${each}=""`).join(", ")})`;
}
