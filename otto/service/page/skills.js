// Skills: what Otto can do, from which sentences it knows, and how often it was right of late.

import {element, find, percent} from "./element.js";
import {get} from "./server.js";

const MANY = 200;

export async function show() {
  const [{skills, problems}, {entries}] = await Promise.all([get("/api/skills"), get("/api/history?count=1000")]);
  const used = accuracy(entries);
  find("problems").replaceChildren(...problems.map((problem) => element("li", {class: problem.includes(": warning: ") ? "doubt" : "problem"}, problem)));
  find("list").replaceChildren(...skills.filter((skill) => skill.name !== "other").flatMap((skill) => rows(skill, used.get(skill.name))));
}

/** By skill: how often it was called, and how often nobody had to correct that. */
function accuracy(entries) {
  const used = new Map();
  for (const entry of entries) {
    const name = entry.calls.split("(")[0];
    const count = used.get(name) || {calls: 0, right: 0};
    count.calls += 1;
    count.right += !entry.correction || entry.correction === entry.calls;
    used.set(name, count);
  }
  return used;
}

function rows(skill, used) {
  const sentences = element("td", {colspan: 5});
  const below = element("tr", {hidden: true, id: `sentences-${skill.name}`}, sentences);
  const button = element("button", {"aria-expanded": "false", "aria-controls": below.id, click: toggle}, skill.name);
  async function toggle() {
    below.hidden = !below.hidden;
    button.setAttribute("aria-expanded", String(!below.hidden));
    if (below.hidden || sentences.childElementCount) return;
    const whole = await get(`/api/skills/${skill.name}`);
    const known = whole.sentences.slice(0, MANY);
    sentences.append(element("p", {class: "narrow"}, skill.description),
      element("ul", {class: "sentences"}, ...known.map((sentence) => element("li", {},
        element("span", {}, sentence.text), element("code", {}, sentence.calls.join("; ")), element("span", {class: "faint"}, `${sentence.file}:${sentence.line}`)))));
    if (whole.sentences.length > MANY) sentences.append(element("p", {class: "faint"}, `and ${whole.sentences.length - MANY} more in its example file.`));
  }
  const row = element("tr", {},
    element("th", {scope: "row"}, button, " ", skill.risk === "confirm" && element("span", {class: "tag"}, "asks first"), skill.hidden && element("span", {class: "tag"}, "off")),
    element("td", {}, skill.description),
    element("td", {class: "number"}, String(skill.examples)),
    element("td", {class: "number"}, String(used?.calls || 0)),
    element("td", {class: "number"}, used ? percent(used.right / used.calls) : "–"));
  return [row, below];
}
