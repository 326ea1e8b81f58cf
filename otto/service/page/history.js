// History: what was said and done, with search and review.

import {element, find} from "./element.js";
import {get} from "./server.js";
import {turn} from "./turn.js";

const words = find("words");
let waiting = 0;

export async function show() {
  const query = words.value.trim();
  const {entries} = await get(`/api/history?count=100${query ? `&q=${encodeURIComponent(query)}` : ""}`);
  const week = entries.filter((entry) => Date.now() - new Date(entry.at) < 7 * 24 * 3600 * 1000);
  const corrected = week.filter((entry) => entry.correction).length;
  find("reviewed").textContent = entries.length ? `This week: ${week.length} commands, ${corrected} reviewed or corrected.` : "Nothing yet.";
  find("entries").replaceChildren(...entries.map((entry) => turn(entry)));
}

words.addEventListener("input", () => {
  clearTimeout(waiting);
  waiting = setTimeout(show, 200);
});
words.form.addEventListener("submit", (event) => event.preventDefault());
