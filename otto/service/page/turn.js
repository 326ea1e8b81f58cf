// One command as it is shown: what was said, understood and done, why, how long it took, and how to correct it.

import {element, percent} from "./element.js";
import {markdown} from "./markdown.js";
import {post} from "./server.js";

/** A turn of `/api/ask` or an entry of `/api/history` as an element. `answer(yes)` is called for a question. */
export function turn(entry, {answer} = {}) {
  const calls = Array.isArray(entry.calls) ? entry.calls : entry.calls.split("; ");
  const shown = element("li", {class: "turn"},
    element("p", {class: "said"}, entry.text),
    element("p", {class: "calls"},
      ...calls.map((call) => element("code", {}, call)),
      entry.confidence != null && element("span", {title: "Calibrated confidence"}, percent(entry.confidence)),
      entry.at && element("time", {datetime: entry.at}, new Date(entry.at).toLocaleString()),
      entry.correction && element("span", {class: "tag"}, `corrected: ${entry.correction}`)),
    element("p", {class: entry.ok || entry.confirm ? "reply" : "reply failed"}, entry.reply));
  for (const {data} of entry.results || []) if (data?.markdown) shown.append(whole(data));
  if (entry.confirm && answer) shown.append(question(answer));
  shown.append(why(entry, calls));
  if (!entry.confirm) shown.append(review(entry, calls));
  return shown;
}

/** What was only summed up aloud. */
function whole({markdown: text, sources = []}) {
  const cited = sources.map(({number, file, page}) => `[${number}] ${file}${page ? `, page ${page}` : ""}`).join(" · ");
  return element("details", {open: true}, element("summary", {}, "The whole answer"), element("div", {class: "written"}, ...markdown(text)),
    cited && element("p", {}, cited));
}

function question(answer) {
  const buttons = element("p", {class: "review"},
    element("button", {class: "main", click: () => said(true)}, "Yes"), element("button", {click: () => said(false)}, "No"));
  const said = (yes) => { buttons.remove(); answer(yes); };
  return buttons;
}

/** The router's reasons, what else it could be, and the time of each stage. */
function why(entry, calls) {
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

/** Two clicks: “Right”; or “Correct” and one of the alternatives. */
function review(entry, calls) {
  const place = element("div");
  const right = element("button", {click: () => teach(calls.join("; "))}, "✓ Right");
  const wrong = element("button", {"aria-expanded": "false", click: () => correct()}, "✎ Correct");
  const buttons = element("p", {class: "review"}, right, wrong);

  async function teach(call) {
    right.disabled = wrong.disabled = true;
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

  function correct() {
    wrong.setAttribute("aria-expanded", "true");
    const others = [...(entry.alternatives || []).map((other) => other.calls.join("; ")), "other()"];
    const preview = element("pre");
    const field = element("input", {value: calls.join("; "), maxlength: 512, spellcheck: "false", "aria-label": "What it should have meant", input: () => show()});
    const show = () => { preview.textContent = `User: ${entry.text}\nAssistant: ${field.value}`; };
    const form = element("form", {class: "correction", submit: (event) => { event.preventDefault(); teach(field.value); }},
      element("p", {class: "choices"}, ...[...new Set(others)].filter((other) => other !== calls.join("; ")).map((other) =>
        element("button", {type: "button", click: () => teach(other)}, element("code", {}, other)))),
      field, preview, element("button", {type: "submit"}, "Teach"));
    show();
    place.replaceChildren(form);
    field.focus();
  }
  return element("div", {}, buttons, place);
}
