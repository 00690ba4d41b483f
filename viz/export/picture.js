// The whole of it for whoever has no page: data of a stage in, frames as layers of SVG out. Python runs this.

import { columnsFor, composed, Figure, together } from "../components/stage/figure.js";
import { isPadding, realToDrawn } from "../components/stage/scene.js";
import { stamped, step } from "../components/stage/selection.js";
import { shared, take, unshare } from "../components/stage/share.js";
import { hatched, Paper, Recorder } from "./svg.js";
import { themeOf } from "../components/stage/theme.js";

const PANEL = { gaps: [24, 8], chrome: 88, narrow: true };

// How wide a text is, from how wide its characters are, in thousandths of the size, by weight.
function measurer(metrics) {
  return (text, font) => {
    const [, weight, size] = font.match(/^(\d+) ([\d.]+)px/), widths = metrics[weight] ?? metrics[400];
    let sum = 0;
    for (const c of text) sum += widths[c] ?? 560;
    return (sum * size) / 1000;
  };
}

function middle(g) {
  const at = Math.floor(g.sp.reduce((cell, n) => cell * n + Math.floor((n - 1) / 2), 0));
  return isPadding(g, at) ? realToDrawn(g, 0) : at;
}

function inner(g, cells) {
  const real = cells.filter((c) => !isPadding(g, c)), from = real.length ? real : cells;
  return from[Math.floor((from.length - 1) / 2)];
}

function waysOf(scene) {
  const found = [];
  if (!scene.last || scene.data.veiled) return found;
  found.push("outputs");
  const [link] = scene.links, { from, to } = link;
  const stamps = scene.links.length === 1 && link.weighted && link.reduce === "sum" && from.values && to.values && !from.real && !link.perPair;
  if (stamps && [...from.values].every(Number.isFinite)) found.push("stamps");
  if (scene.links.length > 1 && scene.links.every((l, i) => !i || l.from === scene.links[i - 1].to)) found.push("layers");
  return found;
}

function stepsOf(scene, way, most) {
  const [link] = scene.links, found = [];
  if (way === "stamps") {
    const { from } = link;
    for (let n = 1; found.length < most && n <= from.n; n++) found.push({ stamped: n, sel: { grid: from.id, ch: 0, cell: n - 1 } });
  } else if (way === "layers") {
    const { last } = scene, marks = scene.upstream(last, 0, middle(last)), cells = new Map([...marks].map(([g, m]) => [g, [...m.cells.keys()].sort((a, b) => a - b)]));
    for (const { to } of scene.links) if (found.length < most) found.push({ sel: { grid: to.id, ch: 0, cell: to === last ? middle(last) : inner(to, cells.get(to) ?? [0]) } });
  } else {
    const { last } = scene, start = { grid: last.id, ch: 0, cell: last.real ? realToDrawn(last, 0) : 0 };
    let at = start;
    do {
      found.push({ sel: at });
      at = step(scene, at, 1);
    } while (found.length < most && (at.ch !== start.ch || at.cell !== start.cell));
  }
  return found;
}

// A step of `stepsOf` on one stage.
function put(panel, { sel, stamped: count }) {
  const { scene } = panel;
  if (count != null) {
    scene.links[0].to.values = stamped(scene, count);
    panel.stamped = count;
  }
  panel.sel = sel;
  if (scene.into(scene.byId[sel.grid]).length) panel.out = sel;
  panel.tap = panel.opCol = null;
  panel.select();
}

export class Picture {
  // `data` as the stage gets it. Options: `theme` {bg, text}, `width`, `height` of the stage in px, `scale`, and which parts
  // there are: `matrix`, `equation`, `legend`, `numbers`.
  constructor(data, metrics, options) {
    const { bg, text, font } = options.theme, theme = themeOf(bg, text, font), { width } = options;
    const whole = data.arrays ? { ...data, panels: unshare(data.panels, data.arrays) } : data;
    const bare = (one) => (options.matrix || !one.operator ? one : { ...one, operator: null });
    this.measure = measurer(metrics);
    this.theme = theme;
    if (whole.panels) {
      const columns = whole.columns ?? columnsFor(whole.panels.length, width);
      options = { ...options, columns };
      this.panels = whole.panels.map((one) => new Figure(bare(one), { theme, width: Math.floor(width / columns), height: one.height ?? whole.height ?? 300, host: true, frame: { ...PANEL } }));
    } else this.panels = [new Figure(bare(whole), { theme, width, height: options.height })];
    this.lead = this.panels[0];
    this.apart = Boolean(whole.apart);
    this.spread();
    this.made = whole.panels ? together(this.panels, width, this.measure, { ...options, numbers: options.numbers && whole.numbers }) : composed(this.lead, this.measure, options);
    this.paper = new Paper(options.scale);
    this.kept = new Map();
  }

  // All others select what the first has selected, unless each goes its own way.
  spread() {
    if (this.apart) return;
    const said = this.lead.sel && shared(this.lead);
    for (const panel of this.panels.slice(1)) if (said && take(panel, said)) panel.select();
  }

  // Those that are walked, each by itself.
  get walked() {
    return this.apart ? this.panels : [this.lead];
  }

  // The ways to walk that all of them have: through the outputs, stamp by stamp, layer by layer.
  ways() {
    const [first, ...others] = this.walked.map(({ scene }) => waysOf(scene));
    return first.filter((way) => others.every((one) => one.includes(way)));
  }

  // The steps of a way, one a frame, as far as `most`: one for each that is walked. The one that is through rests on its
  // last.
  steps(way, most) {
    const each = this.walked.map(({ scene }) => stepsOf(scene, way, most));
    return Array.from({ length: Math.max(...each.map((one) => one.length)) }, (_, i) => each.map((one) => one[Math.min(i, one.length - 1)]));
  }

  // Puts a step of `steps` on the picture.
  go(step) {
    this.walked.forEach((panel, i) => put(panel, step[i]));
    this.spread();
    // As text: JSON knows no infinity.
    const [{ sel }] = step, { values, n } = this.lead.scene.byId[sel.grid], value = values ? String(values[sel.ch * n + sel.cell]) : null;
    return { grid: sel.grid, channel: sel.ch, cell: sel.cell, value };
  }

  // The picture as it is: its layers from back to front, with the place of each. One that looks as before is not written
  // again, and has no `svg`.
  frame() {
    const { measure, paper, kept } = this;
    paper.pictures = [];
    const layers = this.made.items.map(({ name, x, y, key, paint }, i) => {
      const look = key?.();
      if (look != null && kept.get(i) === look) return { name };
      kept.set(i, look);
      const ctx = new Recorder(measure);
      paint(ctx, paper);
      return { name, svg: ctx.out.length ? `<g class="${name}" transform="translate(${Math.round(x * 100) / 100} ${Math.round(y * 100) / 100})">${ctx.out.join("")}</g>` : "" };
    });
    return { layers, pictures: paper.pictures, hatch: hatched(this.theme) };
  }
}
