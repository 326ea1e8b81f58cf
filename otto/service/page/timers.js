// Timers, alarms and reminders that are running, counted down here and looked up again now and then.

import {element, find} from "./element.js";
import {get} from "./server.js";

let counting = 0;

export async function show() {
  const {timers} = await get("/api/timers");
  const began = Date.now();
  const shown = timers.map((timer) => ({timer, left: element("span", {class: "left"})}));
  find("alerts").replaceChildren(...shown.map(({timer, left}) => element("li", {}, left,
    element("span", {}, timer.text || timer.kind), element("span", {class: "tag"}, timer.state),
    element("time", {datetime: timer.due}, new Date(timer.due).toLocaleTimeString()))));
  if (!timers.length) find("alerts").append(element("li", {}, "Nothing is running."));
  clearInterval(counting);
  const count = () => {
    const gone = (Date.now() - began) / 1000;
    for (const {timer, left} of shown) left.textContent = clock(timer.remaining_seconds - (timer.state === "paused" ? 0 : gone));
    if (find("timers").hidden) clearInterval(counting);
    else if (gone > 15 || shown.some(({timer}) => timer.remaining_seconds < gone && gone > 2)) show();
  };
  count();
  counting = setInterval(count, 1000);
}

function clock(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return `${hours ? `${hours}:` : ""}${String(minutes).padStart(hours ? 2 : 1, "0")}:${String(rest).padStart(2, "0")}`;
}
