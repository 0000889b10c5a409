// Answers as safe HTML. Images and links to other hosts are left out; raw HTML stays text.
import MarkdownIt from "markdown-it";
import "./vendor/purify.min.js";

const LONGEST = 200000;
const markdown = new MarkdownIt({ html: false, linkify: false }).disable(["image", "link", "autolink", "reference"]);
const ALLOWED = {
  ALLOWED_TAGS: ["p", "br", "em", "strong", "s", "code", "pre", "ul", "ol", "li", "blockquote", "h1", "h2", "h3", "h4", "h5", "h6",
    "hr", "table", "thead", "tbody", "tr", "th", "td"],
  ALLOWED_ATTR: ["start"],
  ALLOW_DATA_ATTR: false,
  ALLOW_ARIA_ATTR: false,
  RETURN_DOM_FRAGMENT: true,
};

// A fragment in which each `[n]` of a source is the element that `chip(n)` makes.
export function render(text, numbers, chip) {
  const fragment = globalThis.DOMPurify.sanitize(markdown.render(text.slice(0, LONGEST)), ALLOWED);
  const walker = document.createTreeWalker(fragment, NodeFilter.SHOW_TEXT);
  const nodes = [];
  while (walker.nextNode()) if (!walker.currentNode.parentElement?.closest("code")) nodes.push(walker.currentNode);
  for (const node of nodes) {
    const parts = node.data.split(/\[(\d+)\]/);
    if (parts.length === 1) continue;
    node.replaceWith(...parts.map((part, i) => (i % 2 === 0 ? part : numbers.has(+part) ? chip(+part) : `[${part}]`)));
  }
  return fragment;
}

// A passage in parts, each with whether the answer cites it. Offsets count code points.
export function marked(source) {
  const points = [...source.passage];
  const parts = [];
  let at = 0;
  for (const { start, end } of source.spans ?? []) {
    if (start < at || end > points.length) continue;
    parts.push({ text: points.slice(at, start).join(""), cited: false }, { text: points.slice(start, end).join(""), cited: true });
    at = end;
  }
  parts.push({ text: points.slice(at).join(""), cited: false });
  return parts.filter((part) => part.text);
}
