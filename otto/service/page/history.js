// History: what was said and done, with search and review.

import {element, find} from "./element.js";
import {get} from "./server.js";
import {turn} from "./turn.js";

const words = find("words"), more = find("more");
const ALL = "/api/history?count=1000";
const WEEK = 7 * 24 * 3600 * 1000, MANY = 50;
let waiting = 0, shown = MANY;

export async function show() {
  const query = words.value.trim();
  const {entries: all} = await get(ALL);
  const {entries} = query ? await get(`${ALL}&q=${encodeURIComponent(query)}`) : {entries: all};
  find("reviewed").textContent = summed(all) + (query ? ` ${entries.length || "None"} with “${query}”.` : "");
  find("entries").replaceChildren(...entries.slice(0, shown).map((entry) => turn(entry)));
  more.hidden = entries.length <= shown;
}

function summed(all) {
  if (!all.length) return "Nothing has been said yet. What you say or type is listed here, to be looked at and corrected.";
  const week = all.filter((entry) => Date.now() - new Date(entry.at) < WEEK);
  const right = week.filter((entry) => entry.correction === entry.calls).length;
  const corrected = week.filter((entry) => entry.correction).length - right;
  return `This week: ${week.length} command${week.length === 1 ? "" : "s"}, ${right} confirmed as right, ${corrected} corrected.`;
}

function look() {
  find("state").textContent = "";
  show().catch((error) => { find("state").textContent = error.message; });
}

words.addEventListener("input", () => {
  clearTimeout(waiting);
  shown = MANY;
  waiting = setTimeout(look, 200);
});
words.form.addEventListener("submit", (event) => event.preventDefault());
more.addEventListener("click", () => { shown += MANY; look(); });
