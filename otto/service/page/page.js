// The page: one view at a time, named by what stands behind the # of its address.

import {find} from "./element.js";
import "./talk.js";
import * as coach from "./coach.js";
import * as history from "./history.js";
import * as skills from "./skills.js";
import * as timers from "./timers.js";

const views = {talk: null, coach, history, skills, timers};

async function show() {
  const name = location.hash.slice(1) in views ? location.hash.slice(1) : "talk";
  for (const view of Object.keys(views)) find(view).hidden = view !== name;
  for (const link of document.querySelectorAll("nav a")) {
    if (link.hash === `#${name}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  document.title = name === "talk" ? "Otto" : `Otto: ${name}`;
  find("state").textContent = "";
  try {
    await views[name]?.show();
  } catch (error) {
    find("state").textContent = error.message;
  }
  if (name === "talk") find("text").focus();
}

addEventListener("hashchange", () => { show(); find("main").focus(); });
show();
