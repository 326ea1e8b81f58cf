// Building elements without HTML in strings: nothing that was said is ever read as markup.

/** element("p", {class: "said"}, "text", child, …); a property that is a function is an event's. */
export function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (typeof value === "function") made.addEventListener(key, value);
    else if (value === true) made.setAttribute(key, "");
    else if (value !== false && value != null) made.setAttribute(key, value);
  }
  made.append(...children.filter((child) => child != null && child !== false));
  return made;
}

export const find = (id) => document.getElementById(id);
export const percent = (share) => `${Math.round(100 * share)}%`;
