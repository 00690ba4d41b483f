// A graph in layers, placed by dagre: nodes to select, groups to open and fold, larger and smaller, as an SVG file.

import { Graph, layout } from "../dagre/dagre.esm.js";
import { ROLES } from "../colours.js";
import { clamp, either, escape, left } from "../common.js";
import { live } from "./saved.js";

const PAD = 10, LINE = 15, WAIT = 350, MOST_FRAMED = 150, LABELLED = 3, MOST_PIXELS = 8000, BELOW = 84, LEGIBLE = 0.8;
const COPIED = ["fill", "stroke", "stroke-width", "stroke-dasharray", "font-family", "font-size", "font-weight", "paint-order"];

const pen = document.createElement("canvas").getContext("2d");
function wide(text, font) {
  pen.font = font;
  return pen.measureText(text).width;
}

// Points in a row as a curve that touches the middle between neighbours.
function curve([first, ...rest]) {
  const last = rest.pop(), at = (p) => `${p.x.toFixed(1)} ${p.y.toFixed(1)}`;
  let path = `M${at(first)}`;
  rest.forEach((p, i) => {
    const next = rest[i + 1] ?? last, end = rest[i + 1] ? { x: (p.x + next.x) / 2, y: (p.y + next.y) / 2 } : next;
    path += `Q${at(p)} ${at(end)}`;
  });
  return rest.length ? path : `${path}L${at(last)}`;
}

class Diagram {
  constructor(root) {
    this.root = root;
    this.q = (s) => root.querySelector(s);
    this.svg = this.q("svg");
    this.scroll = this.q(".scroll");
    for (const [role, colour] of Object.entries(ROLES)) root.style.setProperty(`--${role}`, colour);
    this.scale = 0; // 0: whole where that can be read, else as wide as the page
    this.q(".in").onclick = () => this.zoom(1.25);
    this.q(".out").onclick = () => this.zoom(0.8);
    this.q(".fit").onclick = () => this.zoom(0);
    this.q(".turn").onclick = () => this.turn();
    this.q(".save").onclick = () => this.save("svg", [this.drawn()], "image/svg+xml");
    this.q(".pixels").onclick = () => this.pixels();
    this.q(".whole").onclick = () => this.whole();
    this.more = this.q(".more");
    this.more.onclick = () => this.goOn();
    this.scroll.onscroll = () => this.goesOn();
    this.svg.onclick = (e) => this.click(e);
    this.svg.onkeydown = (e) => this.key(e);
    new ResizeObserver(() => this.size()).observe(this.scroll);
  }

  take(data, send) {
    const known = JSON.stringify([data.nodes, data.edges, data.frames, data.title]);
    this.data = data;
    this.send = send;
    this.q(".hint").textContent = either(data.hint);
    this.q(".whole").hidden = !data.report;
    if (this.q(".full").textContent !== data.full) this.q(".full").textContent = data.full;
    if (known !== this.known) this.build();
    else this.size();
    this.marks.forEach((g, i) => g.classList.toggle("alike", data.alike[i]));
    if (data.full) this.turned = null;
    this.known = known;
    if (data.selected !== this.asked && data.selected != null && data.selected !== this.selected && this.byName.has(data.selected)) this.show(data.selected);
    // What was chosen elsewhere is chosen no more.
    if (data.selected == null && this.asked != null && this.selected === this.asked && data.nodes.length) this.show(data.nodes[0].name);
    this.asked = data.selected;
  }

  // A new drawing: what was clicked to get it stays where it was on the screen; of other nodes the selected one is seen.
  build() {
    const { data } = this, old = this.places ?? new Map(), focused = this.svg.contains(this.root.getRootNode().activeElement);
    this.byName = new Map(data.nodes.map((node, i) => [node.name, i]));
    const names = JSON.stringify([...this.byName.keys()]), others = names !== this.names, was = this.turned && old.get(this.turned.old);
    this.names = names;
    this.place();
    this.paint();
    const name = [this.turned && this.turned.fresh(), this.selected].find((one) => this.byName.has(one)) ?? data.nodes[0]?.name;
    this.size();
    const now = this.places.get(name);
    if (was && now) {
      this.scroll.scrollTop += (now.y - was.y) * this.shown;
      this.scroll.scrollLeft += (now.x - was.x) * this.shown;
    }
    if (others && !was && now) this.show(name);
    else this.mark(name);
    if (focused || this.turned) this.focus();
    this.turned = null;
  }

  // dagre's places for nodes of the size of their texts, arrows with their shapes, and frames.
  place() {
    const { nodes, edges, frames } = this.data, font = getComputedStyle(this.root).fontFamily;
    const framed = nodes.length <= MOST_FRAMED, graph = new Graph({ compound: framed });
    graph.setGraph({ rankdir: "TB", nodesep: 22, edgesep: 14, ranksep: 26, marginx: 12, marginy: 12 });
    graph.setDefaultEdgeLabel(() => ({}));
    nodes.forEach((node, i) => {
      const width = Math.max(
        wide(node.head, `600 13px ${font}`) + wide(node.rest, `13px ${font}`), ...node.lines.map((line) => wide(line, `11.5px ${font}`)));
      graph.setNode(`${i}`, { width: Math.ceil(width * 1.04) + 2 * PAD + 4, height: 24 + LINE * node.lines.length + (node.lines.length ? 4 : 2) });
    });
    if (framed) {
      for (const frame of frames) graph.setNode(`f${frame.name}`, {});
      for (const frame of frames) if (frame.parent) graph.setParent(`f${frame.name}`, `f${frame.parent}`);
      nodes.forEach((node, i) => node.frame && graph.setParent(`${i}`, `f${node.frame}`));
    }
    const told = new Map();
    for (const [from, to, text] of edges) {
      // The same shape on many arrows from one node is written on the first.
      const key = `${from} ${text}`, count = told.get(key) ?? 0;
      told.set(key, count + 1);
      graph.setEdge(`${from}`, `${to}`, count < LABELLED ? { text, width: wide(text, `11.5px ${font}`) + 8, height: LINE, labelpos: "r" } : {});
    }
    layout(graph);
    this.graph = graph;
    this.frames = framed ? frames : [];
    this.width = graph.graph().width;
    this.height = graph.graph().height;
    this.places = new Map(nodes.map((node, i) => [node.name, graph.node(`${i}`)]));
    for (const { name } of this.frames) this.places.set(name, graph.node(`f${name}`));
  }

  paint() {
    const { data, graph, svg } = this, parts = [];
    const inFrame = (what) => this.frames.map(({ name, title }) => {
      const { x, y, width, height } = graph.node(`f${name}`);
      return `<g class="frame" data-frame="${escape(name)}"><title>Fold ${escape(title)}</title>${what(x - width / 2, y - height / 2, width, height, title)}</g>`;
    });
    parts.push(...inFrame((x, y, width, height) => `<rect x="${x}" y="${y}" width="${width}" height="${height}" rx="10"/>`));
    for (const [from, to] of data.edges) {
      const edge = graph.edge(`${from}`, `${to}`);
      parts.push(`<g class="edge" data-from="${from}" data-to="${to}"><path d="${curve(edge.points)}" marker-end="url(#tip)"/>`
        + (edge.text ? `<text x="${edge.x - edge.width / 2 + 4}" y="${edge.y + 4}">${escape(edge.text)}</text>` : "") + "</g>");
    }
    // The rows of the table that each stands for: first, and first of the next.
    let row = 0;
    const rows = data.nodes.map((node) => [row, (row += node.calls)]);
    data.nodes.forEach((node, i) => {
      const { x, y, width, height } = graph.node(`${i}`), left = x - width / 2, top = y - height / 2, box = (by, cls) =>
        `<rect class="box ${cls}" x="${left + by}" y="${top + by}" width="${width}" height="${height}" rx="${node.joins ? 14 : 6}"/>`;
      parts.push(`<g class="node ${node.role} ${node.group ? "group" : ""}" role="button" tabindex="-1" data-at="${i}" data-rows="${rows[i].join(" ")}" aria-label="${escape(node.told)}"`
        + `${node.group ? ' aria-expanded="false"' : ""}>${node.group ? box(4, "back") : ""}${box(0, "front")}`
        + `<text class="head" x="${left + PAD}" y="${top + 18}">${node.group ? "+ " : ""}${escape(node.head)}<tspan class="rest">${escape(node.rest)}</tspan></text>`
        + node.lines.map((line, k) => `<text class="small" x="${left + PAD}" y="${top + 18 + LINE * (k + 1)}">${escape(line)}</text>`).join("") + "</g>");
    });
    parts.push(...inFrame((x, y, width, height, title) => `<text class="small" x="${x + 8}" y="${y + 4}">− ${escape(title)}</text>`));
    svg.setAttribute("viewBox", `0 0 ${this.width} ${this.height}`);
    svg.setAttribute("aria-label", data.title);
    svg.innerHTML = `<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="9" markerHeight="9" markerUnits="userSpaceOnUse" orient="auto-start-reverse">`
      + `<path d="M0 0L8 4L0 8z"/></marker></defs>${parts.join("")}`;
    this.marks = [...svg.querySelectorAll(".node")];
    this.q("ol").innerHTML = data.nodes.map((node) => `<li>${escape(node.told)}</li>`).join("");
  }

  size() {
    if (!this.width) return;
    // Presented, the page's type is larger.
    const unit = parseFloat(getComputedStyle(document.documentElement).fontSize) / 16;
    const most = Math.round(Math.max(this.data.height * unit, left(this.scroll) - BELOW * unit));
    this.scroll.style.setProperty("--most", `${most}px`);
    // Its smallest type has 11.5 px: diagram.css.
    const type = unit > 1 ? Math.max(unit, 18.2 / 11.5) : 1;
    const wide = (this.scroll.clientWidth - 2) / this.width, whole = Math.min(wide, (most - 2) / this.height);
    this.shown = this.scale || Math.min(type, whole >= LEGIBLE * type ? whole : Math.max(wide, 0.62 * type));
    this.svg.setAttribute("width", Math.round(this.width * this.shown));
    this.svg.setAttribute("height", Math.round(this.height * this.shown));
    this.root.dataset.scale = this.shown.toFixed(2);
    this.goesOn();
  }

  // How much is not to be seen yet, and where.
  goesOn() {
    const { scroll, shown } = this, ends = this.data.nodes.map((one) => this.places.get(one.name));
    const under = ends.filter((at) => (at.y + at.height / 2) * shown > scroll.scrollTop + scroll.clientHeight + 2).length;
    const beside = ends.filter((at) => (at.x + at.width / 2) * shown > scroll.scrollLeft + scroll.clientWidth + 2).length;
    this.more.hidden = !under && !beside;
    this.more.textContent = under ? `↓ ${under} more` : `→ ${beside} more`;
  }

  goOn() {
    const { scroll } = this, by = this.more.textContent.startsWith("↓") ? { top: 0.7 * scroll.clientHeight } : { left: 0.7 * scroll.clientWidth };
    scroll.scrollBy({ ...by, behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "instant" : "smooth" });
  }

  // Larger or smaller by a factor around what is in the middle; 0: as at first.
  zoom(by) {
    const { scroll } = this, before = this.shown;
    const x = scroll.scrollLeft + scroll.clientWidth / 2, y = scroll.scrollTop + scroll.clientHeight / 2;
    this.scale = by && clamp(this.shown * by, 0.1, 4);
    this.size();
    scroll.scrollLeft = (x * this.shown) / before - scroll.clientWidth / 2;
    scroll.scrollTop = (y * this.shown) / before - scroll.clientHeight / 2;
  }

  node() {
    return this.data.nodes[this.byName.get(this.selected)];
  }

  mark(name) {
    this.selected = name;
    const at = this.byName.get(name), node = this.data.nodes[at];
    this.marks.forEach((g, i) => {
      g.classList.toggle("chosen", i === at);
      g.setAttribute("aria-pressed", i === at);
      g.tabIndex = i === at ? 0 : -1;
    });
    for (const edge of this.svg.querySelectorAll(".edge")) edge.classList.toggle("near", +edge.dataset.from === at || +edge.dataset.to === at);
    this.q(".told").textContent = node?.told ?? "";
    this.q(".turn").textContent = node?.group ? "Open" : "Fold";
    const none = !node?.group && !node?.frame;
    this.q(".turn").disabled = none;
    this.q(".turn").title = none ? "What is selected has nothing to open or fold" : "Open or fold what is selected (Enter, Backspace)";
    this.root.dataset.selected = name ?? "";
  }

  // Select what was chosen elsewhere, and bring it to the middle of the frame.
  show(name) {
    this.mark(name);
    const { x, y } = this.places.get(name), { scroll } = this;
    scroll.scrollTop = y * this.shown - scroll.clientHeight / 2;
    scroll.scrollLeft = x * this.shown - scroll.clientWidth / 2;
  }

  focus() {
    const mark = this.marks[this.byName.get(this.selected)];
    mark?.focus({ preventScroll: true });
    mark?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  // The server hears of a click at once, and of keys when they rest.
  select(name, wait = 0) {
    clearTimeout(this.later);
    if (name === this.selected && wait) return;
    this.mark(name);
    if (this.data.tells) this.later = setTimeout(() => this.send("node", name), wait);
  }

  turn(group = this.node()?.group, frame = this.node()?.frame) {
    if (group) {
      const before = this.byName.get(this.selected);
      this.turned = { old: group, fresh: () => this.data.nodes[before]?.name };
      this.send("turn", { group, open: true });
    } else if (frame) {
      this.turned = { old: this.places.has(frame) ? frame : this.selected, fresh: () => frame };
      this.send("turn", { group: frame, open: false });
    }
  }

  click(e) {
    const mark = e.target.closest(".node"), frame = e.target.closest(".frame");
    if (mark) {
      const node = this.data.nodes[mark.dataset.at];
      this.select(node.name);
      this.focus();
      if (node.group) this.turn();
    } else if (frame) this.turn(null, frame.dataset.frame);
  }

  key(e) {
    if (e.ctrlKey || e.metaKey || e.altKey) return;
    const at = this.byName.get(this.selected), { edges } = this.data, node = this.node();
    const beside = (by) => {
      const here = this.places.get(this.selected), row = this.data.nodes.filter((one) => Math.abs(this.places.get(one.name).y - here.y) < 30);
      row.sort((a, b) => this.places.get(a.name).x - this.places.get(b.name).x);
      return row[row.indexOf(node) + by]?.name;
    };
    const along = (end, other) => this.data.nodes[edges.find((edge) => edge[end] === at)?.[other]]?.name;
    const to = {
      ArrowDown: () => along(0, 1), ArrowUp: () => along(1, 0), ArrowLeft: () => beside(-1), ArrowRight: () => beside(1),
      Home: () => this.data.nodes[0].name, End: () => this.data.nodes.at(-1).name,
    }[e.key];
    const does = {
      Enter: () => (node.group ? this.turn() : this.select(this.selected)), " ": () => (node.group ? this.turn() : this.select(this.selected)),
      Backspace: () => this.turn(null), "+": () => this.zoom(1.25), "=": () => this.zoom(1.25), "-": () => this.zoom(0.8), 0: () => this.zoom(0),
    }[e.key];
    if (!to && !does) return;
    e.preventDefault();
    e.stopPropagation();
    if (does) does();
    else {
      const name = to();
      if (name == null) return;
      this.select(name, WAIT);
      this.focus();
    }
  }

  // As it looks now, as SVG that needs nothing else.
  drawn() {
    const copy = this.svg.cloneNode(true), style = getComputedStyle(this.root);
    const pairs = [[this.svg, copy], ...[...this.svg.querySelectorAll("*")].map((one, i) => [one, copy.querySelectorAll("*")[i]])];
    for (const [from, to] of pairs) {
      const now = getComputedStyle(from);
      to.setAttribute("style", COPIED.map((name) => `${name}:${now.getPropertyValue(name)}`).join(";"));
      // Whoever opens the file may have other letters, which would cross the boxes.
      if (from.localName === "text" && from.textContent) {
        to.setAttribute("textLength", from.getComputedTextLength().toFixed(1));
        to.setAttribute("lengthAdjust", "spacingAndGlyphs");
      }
      if (from.matches(".node")) to.prepend(this.titled(from.getAttribute("aria-label")));
      for (const name of ["class", "role", "tabindex", "aria-expanded", "aria-pressed", "aria-roledescription"]) to.removeAttribute(name);
    }
    copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
    copy.setAttribute("role", "img");
    copy.setAttribute("width", this.width);
    copy.setAttribute("height", this.height);
    const back = document.createElementNS("http://www.w3.org/2000/svg", "rect");
    for (const [name, value] of Object.entries({ width: "100%", height: "100%", fill: style.getPropertyValue("--st-background-color") })) back.setAttribute(name, value);
    copy.prepend(this.titled(this.data.title), back);
    return new XMLSerializer().serializeToString(copy);
  }

  titled(text) {
    return Object.assign(document.createElementNS("http://www.w3.org/2000/svg", "title"), { textContent: text });
  }

  save(kind, parts, type) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(parts instanceof Blob ? parts : new Blob(parts, { type }));
    link.download = `diagram.${kind}`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  }

  // Twice as large as drawn, or as large as browsers paint.
  pixels() {
    const by = Math.min(2, MOST_PIXELS / Math.max(this.width, this.height)), image = new Image();
    const canvas = Object.assign(document.createElement("canvas"), { width: this.width * by, height: this.height * by });
    image.onload = () => {
      canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
      canvas.toBlob((blob) => blob && this.save("png", blob), "image/png");
    };
    image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(this.drawn())}`;
  }

  whole() {
    const style = getComputedStyle(this.root), of = (name) => style.getPropertyValue(name), pink = style.getPropertyValue("--pink");
    const look = `body{margin:1.5rem auto;max-width:75rem;padding:0 1rem;font:16px/1.5 sans-serif;color:${style.color};background:${of("--st-background-color")}}`
      + ".frame{overflow:auto;max-height:75vh;border:1px solid #8886;border-radius:10px;cursor:grab;user-select:none}svg{display:block;margin:0 auto}"
      + ".table{overflow-x:auto}table{border-collapse:collapse;font-size:.85rem}td,th{border:1px solid #8886;padding:.2rem .5rem;text-align:left}"
      + `button{min-width:2.25rem;min-height:2.25rem;margin:0 .3rem .5rem 0;font:inherit}tr.marked{background:${pink}33}g.marked rect{stroke:${pink}!important;stroke-width:3.5!important}`;
    const buttons = [["out", "Smaller", "−"], ["fit", "As wide as the page", "Fit"], ["in", "Larger", "+"]]
      .map(([name, told, text]) => `<button class="${name}" aria-label="${told}">${text}</button>`).join("");
    this.save("html", [`<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">`,
      `<title>${escape(this.data.title)}</title><style>${look}</style><h1>${escape(this.data.title)}</h1>${buttons}`,
      `<div class="frame" tabindex="0">${this.drawn()}</div>`, this.data.report, `<script>(${live})(document)</`, "script></html>"], "text/html");
  }
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".diagram");
  (root.made ??= new Diagram(root)).take(data, setTriggerValue);
}
