// Timers, alarms and reminders that are running, counted down here and looked up again now and then.

import {element, find} from "./element.js";
import {get, post} from "./server.js";

let counting = 0;

export async function show() {
  const {timers} = await get("/api/timers");
  const began = Date.now();
  const shown = timers.map((timer) => ({timer, left: element("span", {class: "left"})}));
  find("alerts").replaceChildren(...shown.map(({timer, left}) => element("li", {}, left,
    element("p", {}, element("strong", {}, timer.text || timer.kind), element("br"),
      element("span", {class: "faint"}, [timer.text && timer.kind, timer.state === "paused" || timer.state === "ringing" ? timer.state : due(timer.due)].filter(Boolean).join(", "))),
    timer.state === "ringing" && element("button", {class: "main", click: silence}, "Stop"))));
  if (!timers.length) find("alerts").append(element("li", {class: "faint"}, "Nothing is running. Say “set a timer for ten minutes” or “wake me at seven”."));
  clearInterval(counting);
  const count = () => {
    const gone = (Date.now() - began) / 1000;
    for (const {timer, left} of shown) left.textContent = clock(timer.remaining_seconds - (timer.state === "paused" ? 0 : gone));
    if (find("timers").hidden) clearInterval(counting);
    else if (find("alerts").contains(document.activeElement)) return;  // what has the keyboard stays where it is
    else if (gone > 15 || shown.some(({timer}) => timer.remaining_seconds > 0 && timer.remaining_seconds < gone && gone > 2)) show().catch(complain);
  };
  count();
  counting = setInterval(count, 1000);
}

/** "at 19:55", with the day where it is not today. */
function due(when) {
  const at = new Date(when), time = at.toLocaleTimeString([], {timeStyle: "short"});
  const today = at.toDateString() === new Date().toDateString();
  return `at ${today ? time : `${time}, ${at.toLocaleDateString([], {weekday: "short", day: "numeric", month: "short"})}`}`;
}

const complain = (error) => { find("state").textContent = error.message; };

function silence() {
  post("/api/ask", {text: "stop"}).then(show).catch(complain);
}

function clock(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  if (whole >= 2 * 24 * 3600) return `${Math.round(whole / 24 / 3600)} days`;
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return `${hours ? `${hours}:` : ""}${String(minutes).padStart(hours ? 2 : 1, "0")}:${String(rest).padStart(2, "0")}`;
}
