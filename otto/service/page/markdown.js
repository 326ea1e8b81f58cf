// Markdown as elements. A model's words become text nodes and a dozen harmless elements, whatever stands in them: HTML is
// shown as it is written, images are not loaded, and a link leads only to http, https or mailto.

import {element} from "./element.js";

const FENCE = /^\s*(```|~~~)/, HEADING = /^ {0,3}(#{1,6})\s+(.*?)\s*#*\s*$/, RULE = /^ {0,3}([-*_])(?:\s*\1){2,}\s*$/;
const ENTRY = /^(\s*)(?:[-*+•]|(\d{1,3})[.)])\s+(.*)$/, QUOTE = /^ {0,3}>\s?(.*)$/, ROW = /^\s*\|(.+?)\|?\s*$/, DASHES = /^[\s|:-]+$/;
const INLINE = /(`+)(.+?)\1|\*\*(?=\S)(.+?\S?)\*\*(?!\*)|__(?=\S)(.+?)__(?!\w)|(?<![\w*])[*](?=[^\s*])(.+?)(?<=\S)\*(?![\w*])|(?<!\w)_(?=[^\s_])(.+?)(?<=\S)_(?!\w)|!?\[([^\[\]\n]*)\]\(([^()\s]+)\)|\\([\\`*_{}\[\]()#+.!>|-])/;
const DEEPEST = 6;

/** The blocks of `text` as an array of elements. */
export function markdown(text, deep = 0) {
  const lines = text.split("\n"), made = [];
  for (let at = 0; at < lines.length;) {
    const [block, next] = blockAt(lines, at, deep);
    if (block) made.push(block);
    at = next;
  }
  return made;
}

/** The block that begins in a line, or null, and the line after it. */
function blockAt(lines, at, deep) {
  const line = lines[at];
  if (!line.trim()) return [null, at + 1];
  if (FENCE.test(line)) return fenced(lines, at);
  const heading = HEADING.exec(line);
  if (heading) return [element(`h${Math.min(6, heading[1].length + 3)}`, {}, ...inline(heading[2])), at + 1];
  if (RULE.test(line)) return [element("hr"), at + 1];
  if (ROW.test(line) && ROW.test(lines[at + 1] || "") && DASHES.test(lines[at + 1])) return table(lines, at);
  if (deep < DEEPEST && QUOTE.test(line)) return quote(lines, at, deep);
  if (deep < DEEPEST && ENTRY.test(line)) return list(lines, at, deep);
  return paragraph(lines, at);
}

function fenced(lines, at) {
  const mark = FENCE.exec(lines[at])[1];
  let end = at + 1;
  while (end < lines.length && !lines[end].trimStart().startsWith(mark)) end++;
  return [element("pre", {}, element("code", {}, lines.slice(at + 1, end).join("\n"))), end + 1];
}

function quote(lines, at, deep) {
  let end = at;
  while (end < lines.length && QUOTE.test(lines[end])) end++;
  const inside = lines.slice(at, end).map((line) => QUOTE.exec(line)[1]).join("\n");
  return [element("blockquote", {}, ...markdown(inside, deep + 1)), end];
}

function list(lines, at, deep) {
  const first = ENTRY.exec(lines[at]), indent = first[1].length, ordered = first[2] !== undefined;
  const entries = [];
  let end = at;
  for (; end < lines.length; end++) {
    const entry = ENTRY.exec(lines[end]);
    const depth = lines[end].length - lines[end].trimStart().length;
    if (entry && depth <= indent) {
      if ((entry[2] !== undefined) !== ordered || depth < indent) break;
      entries.push([entry[3]]);
    } else if (depth > indent && lines[end].trim()) entries.at(-1).push(lines[end].slice(indent + 2));
    else if (lines[end].trim() || !ENTRY.test(lines[end + 1] || "")) break;
  }
  const items = entries.map(([said, ...below]) => element("li", {}, ...inline(said), ...markdown(below.join("\n"), deep + 1)));
  return [element(ordered ? "ol" : "ul", ordered ? {start: first[2]} : {}, ...items), end];
}

function table(lines, at) {
  const cells = (line) => ROW.exec(line)[1].split("|").map((cell) => cell.trim());
  let end = at + 2;
  while (end < lines.length && ROW.test(lines[end])) end++;
  const head = element("tr", {}, ...cells(lines[at]).map((cell) => element("th", {scope: "col"}, ...inline(cell))));
  const rows = lines.slice(at + 2, end).map((line) => element("tr", {}, ...cells(line).map((cell) => element("td", {}, ...inline(cell)))));
  return [element("div", {class: "wide"}, element("table", {}, element("thead", {}, head), element("tbody", {}, ...rows))), end];
}

function paragraph(lines, at) {
  let end = at + 1;
  const ends = (line) => !line.trim() || FENCE.test(line) || HEADING.test(line) || ENTRY.test(line) || QUOTE.test(line) || RULE.test(line);
  while (end < lines.length && !ends(lines[end])) end++;
  return [element("p", {}, ...inline(lines.slice(at, end).join("\n"))), end];
}

/** Words with emphasis, code and links, as nodes. */
function inline(text, deep = 0) {
  const made = [];
  while (text) {
    const found = deep < DEEPEST && INLINE.exec(text);
    if (!found) break;
    if (found.index) made.push(text.slice(0, found.index));
    made.push(marked(found, deep));
    text = text.slice(found.index + found[0].length);
  }
  return text ? [...made, text] : made;
}

function marked([whole, , code, strong, strongToo, soft, softToo, label, address, escaped], deep) {
  if (code !== undefined) return element("code", {}, code.trim());
  if (escaped !== undefined) return escaped;
  if (strong ?? strongToo) return element("strong", {}, ...inline(strong ?? strongToo, deep + 1));
  if (soft ?? softToo) return element("em", {}, ...inline(soft ?? softToo, deep + 1));
  if (whole.startsWith("!") || !/^(?:https?:\/\/|mailto:)/i.test(address)) return whole;
  return element("a", {href: address, rel: "noopener noreferrer nofollow", target: "_blank"}, ...inline(label || address, deep + 1));
}
