// A stage as one picture: titles, grids, symbols, matrix, equation and legend, each a layer of its own. No DOM here: what
// paints is a 2-D context, the page's or that of viz/export/svg.js, and `measure(text, font)` says how many px wide a text is.

import { css, mix } from "../common.js";
import { isMulti, signs, spoken, worded } from "./describe.js";
import { box, paintGrid, paintOperator } from "./draw.js";
import { Layout, planeName, steppers, titled } from "./layout.js";
import { overlay, overlayOperator } from "./overlay.js";
import { filling, mark, restore, slotsFor, stepTexts } from "./selection.js";
import { Scene } from "./scene.js";
import { NEGATIVE, POSITIVE } from "./theme.js";
import { shorten } from "./words.js";

const LINE = 1.4;

// ---- text in several colours ----

const font = (run, theme) => `${run.weight ?? 400} ${run.size}px ${theme.font}`;

// Writes runs of one line from x on; y is the baseline.
function write(ctx, runs, x, y, theme, measure) {
  const widths = runs.map((run) => measure(run.text, font(run, theme)));
  let at = x;
  runs.forEach((run, i) => {
    run.x = at;
    run.width = widths[i];
    at += widths[i];
  });
  for (const run of runs) if (run.boxed && run.text.trim()) {
    ctx.strokeStyle = css(theme.pink);
    ctx.lineWidth = 1.5;
    const group = runs.filter((r) => r.group === run.group), first = group[0], last = group.at(-1);
    if (run !== first) continue;
    // A name in front of a number is smaller.
    const size = Math.max(...group.map((r) => r.size));
    box(ctx, first.x - 3, y - size, last.x + last.width - first.x + 6, size * 1.35, 4);
    ctx.stroke();
  }
  ctx.textBaseline = "alphabetic";
  if (ctx.fillRuns) return ctx.fillRuns(runs, x, y, theme);
  ctx.textAlign = "left";
  for (const run of runs) {
    ctx.font = font(run, theme);
    ctx.fillStyle = css(run.colour);
    ctx.fillText(run.text, run.x, y - (run.up ?? 0));
  }
}

const wide = (runs, theme, measure) => runs.reduce((sum, run) => sum + measure(run.text, font(run, theme)), 0);

// Lines of at most `width` px: broken at spaces, not inside a group.
function wrapped(runs, width, theme, measure, most = 9) {
  const parts = [];
  for (const run of runs) {
    if (run.group != null) {
      if (parts.at(-1)?.group === run.group) parts.at(-1).runs.push(run);
      else parts.push({ group: run.group, runs: [run] });
    } else for (const text of run.text.split(/(\s+)/)) if (text) parts.push({ space: !text.trim(), runs: [{ ...run, text }] });
  }
  const lines = [];
  let line = [], used = 0;
  for (const part of parts) {
    const w = wide(part.runs, theme, measure);
    if (used + w > width && line.length && !part.space) {
      lines.push(line);
      line = [];
      used = 0;
    }
    if (part.space && !line.length) continue;
    line.push(...part.runs);
    used += w;
  }
  if (line.length) lines.push(line);
  if (lines.length > most) {
    lines.length = most;
    lines[most - 1].push({ ...lines[most - 1].at(-1), text: " …", group: null, boxed: false });
  }
  return lines;
}

const COLOURED = { y: "output", x: "input", w: "kernel", bias: "kernel", won: "output" }, SOFT = ["soft", "more", "run"];

// The equation's HTML as runs; `ink`: the colour of each role.
function runsOf(html, size, theme, ink) {
  const runs = [], open = [];
  let groups = 0;
  for (const [, close, tag, rest, text] of html.matchAll(/<(\/?)(\w+)([^>]*)>|([^<]+)/g)) {
    // What can be pressed stands apart.
    if (tag === "button") runs.push({ text: " ", size, colour: theme.text });
    if (close) open.pop();
    else if (tag) {
      const classes = rest.match(/class="([^"]*)"/)?.[1].split(" ") ?? [];
      open.push({ tag, classes, group: ["t", "ch", "bias"].some((c) => classes.includes(c)) ? groups++ : null });
    } else {
      const at = [...open].reverse(), has = (name) => open.some((o) => o.classes.includes(name));
      const strong = at[0]?.tag === "b" && has("run"), named = at.flatMap((o) => o.classes).find((c) => COLOURED[c]);
      const weight = named === "y" || named === "won" || strong ? 700 : at.some((o) => o.tag === "b") ? 500 : 400;
      const role = strong ? "output" : COLOURED[named], soft = at.some((o) => o.tag === "i" || SOFT.some((c) => o.classes.includes(c)) || (o.tag === "small" && has("ch")));
      const raised = at.some((o) => o.tag === "sup");
      runs.push({
        text: text.replace(/&#(\d+);/g, (_, code) => String.fromCharCode(code)), weight,
        size: raised ? size * 0.7 : at.some((o) => o.tag === "small") ? size * 0.65 : size, up: raised ? size * 0.35 : 0,
        colour: role ? ink[role] : soft ? theme.muted : theme.text,
        group: at.find((o) => o.group != null)?.group, boxed: open.some((o) => o.classes.includes("hot") || o.classes.includes("on")),
      });
    }
  }
  return runs;
}

// ---- where everything is ----

function sizes(stage) {
  const u = stage.unit, panel = !!stage.host, large = !!stage.presented, { phone } = stage.space;
  return {
    name: 14 * u, small: (large ? 14 : 12) * u, note: (large ? 14 : 12) * u, tiny: (large ? 14 : 11) * u,
    main: (panel ? (large ? 21.6 : 15) : large ? 22.4 : phone ? 16 : 17) * u, sub: (panel ? 12.5 : large ? 17.6 : phone ? 13 : 14) * u,
    symbol: (panel ? 20 : phone ? 22 : 26) * u, word: (phone ? 12 : 16) * u,
  };
}

// The figures of a stage with their sizes; `veiled`: a question mark stands for it. `tight`: titles take two lines.
function figures(stage, measure, tight = stage.fitted.tight) {
  const { scene, theme, unit: u } = stage, { flat } = stage.fitted, z = sizes(stage), { data } = scene;
  return scene.grids.map((g) => {
    const veiled = data.veiled && g.role === "output" && data.marking?.grid !== "output", { lay } = g;
    if (veiled) {
      const side = (stage.space.phone ? 64 : 144) * u;
      return { g, veiled, w: side, h: flat ? Math.min(side, 64 * u) : side, cap: 0, lines: [], steps: [] };
    }
    const { title, size, padded } = titled(g), ink = theme.ink[g.role] ?? theme.ink.map;
    const name = { text: title, weight: 600, size: z.name, colour: ink };
    const more = [{ text: size, size: z.name, colour: theme.text }, ...(padded ? [{ text: ` padded ${padded}`, size: z.small, colour: theme.muted }] : [])];
    const lines = tight ? [[name], more] : [[name, { text: " ", size: z.name, colour: ink }, ...more]];
    const stepped = steppers(g).length > 0, beside = flat && !!stage.host;
    const cap = Math.max(28 * u, lines.length * z.name * LINE + (stepped && !beside ? 24 * u : 0) + 4 * u);
    const shift = flat && g.role !== "kernel" ? stage.fitted.shiftOf(g) * lay.cell : 0;
    const w = Math.max(lay.w, ...lines.map((line) => wide(line, theme, measure)), stepped ? 100 * u : 0) + shift;
    return { g, w, h: cap + lay.h, cap, lines, stepped, beside, shift };
  });
}

function symbolsOf(stage) {
  const { scene, unit: u } = stage, { phone } = stage.space, [wideGap, slim] = stage.frame.gaps ?? [34, 14], z = sizes(stage);
  return scene.grids.slice(1).map((_, i) => {
    const text = scene.data.symbols?.[i] ?? "", word = text.length > 2;
    const w = (phone ? (word ? 8 + 6 * text.length : text ? 28 : 0) : stage.fitted.tight ? 20 : text ? wideGap : slim) * u;
    return { text, size: word ? z.word : z.symbol, w };
  });
}

function operatorFigure(stage, measure) {
  const { scene, theme, unit: u } = stage, op = scene.operator, z = sizes(stage);
  if (!op?.lay || (scene.data.veiled && !stage.marking)) return null;
  const title = [{ text: op.title || "Matrix", weight: 600, size: z.name, colour: theme.text }, { text: ` ${op.rows}×${op.cols}`, size: z.name, colour: theme.text }];
  const w = Math.max(op.lay.w + 2, wide(title, theme, measure), op.note == null ? 0 : Math.min(stage.space.opW, 180 * u));
  const say = (text, size) => wrapped([{ text, size, colour: theme.muted }], w, theme, measure);
  const note = op.note == null ? [] : [...op.note.split("\n").flatMap((line) => say(line, z.note)),
    ...say(`row: ${op.link.to.title.toLowerCase()} cell, column: ${op.first.from.title.toLowerCase()} cell`, z.tiny)];
  return { op, title, note, w, cap: 28 * u, h: 28 * u + op.lay.h + (note.length ? 6 * u + note.length * z.note * LINE : 0) };
}

// What lies where: {width, height, items}; each of `items` has a `name`, a place, a `key()` that changes when it looks
// different, and `paint(ctx, surface)`. `parts`: which of `equation` and `legend` there are; `bare`: nothing but the matrix.
export function composed(stage, measure, parts = {}) {
  const { scene, theme, unit: u } = stage, { outer, under, phone } = stage.space, { flat } = stage.fitted;
  const items = [], add = (name, x, y, key, paint) => items.push({ name, x, y, key, paint }), still = () => "";
  const symbols = symbolsOf(stage), of = operatorFigure(stage, measure);
  const pad = 16 * u, W = outer - 2 * pad, top = (parts.top ?? 14) * u;
  let figs = figures(stage, measure);
  if (!flat && !phone && [...figs, ...symbols].reduce((sum, one) => sum + one.w, of && !under ? of.w + 10 * u : 0) > W) figs = figures(stage, measure, true);
  const put = (f, x, y) => (f.g ? putGrid(stage, add, f, x, y, measure) : putOperator(stage, add, f, x, y, measure));
  const sign = ({ text, size }, x, y, w) => text && add("symbol", x, y, still, (ctx) => {
    const runs = [{ text, size, colour: theme.muted }];
    write(ctx, runs, (w - wide(runs, theme, measure)) / 2, size * 0.3, theme, measure);
  });
  const spread = (widths, room) => {
    const gap = Math.max(0, (room - widths.reduce((a, b) => a + b, 0)) / (widths.length + 1));
    let at = 0;
    return widths.map((w) => {
      const x = at + gap;
      at = x + w;
      return x;
    });
  };
  let height = 0;
  if (stage.big && of) {
    height = of.h;
    put(of, pad + Math.max(0, W - of.w) / 2, top);
  } else if (flat) {
    // Under each other, the symbols at their left.
    const lead = (phone ? 22 : 34) * u, gap = 10 * u, w = lead + Math.max(...figs.map((f) => f.w)), h = figs.reduce((sum, f) => sum + f.h + gap, -gap);
    const [x0, x1] = of && !phone ? (of.op.before ? [1, 0] : [0, 1]).map((i, _, order) => spread(order[0] ? [of.w, w] : [w, of.w], W)[i]) : spread([w], W);
    height = Math.max(h, of && !phone ? of.h : 0);
    let y = top + (height - h) / 2;
    figs.forEach((f, i) => {
      if (i) sign(symbols[i - 1], pad + x0, y + f.h / 2 + 12 * u, lead);
      put(f, pad + x0 + lead, y);
      y += f.h + gap;
    });
    if (of && !phone) put(of, pad + x1, top + (height - of.h) / 2);
  } else if (phone) {
    // Blocks of a symbol and its grid, in as many rows as they need.
    const rows = [], room = outer - 22 * u;
    figs.forEach((f, i) => {
      const block = { f, s: symbols[i - 1], w: f.w + (symbols[i - 1]?.w ?? 0) }, row = rows.at(-1);
      if (row && row.reduce((sum, b) => sum + b.w, block.w) <= room) row.push(block);
      else rows.push([block]);
    });
    let y = top;
    for (const row of rows) {
      const high = Math.max(...row.map((b) => b.f.h));
      let x = 11 * u + Math.max(0, room - row.reduce((sum, b) => sum + b.w, 0)) / 2;
      for (const { f, s } of row) {
        if (s) sign(s, x, y + high / 2 + 12 * u, s.w);
        put(f, x + (s?.w ?? 0), y + (high - f.h) / 2);
        x += f.w + (s?.w ?? 0);
      }
      y += high + 12 * u;
    }
    height = y - 12 * u - top;
  } else {
    const high = Math.max(...figs.map((f) => f.h)), beside = of && !under ? of : null;
    height = Math.max(high, beside?.h ?? 0);
    const room = beside ? W - beside.w - 10 * u : W, left = beside?.op.before ? beside.w + 10 * u : 0;
    const row = figs.flatMap((f, i) => (i ? [symbols[i - 1], f] : [f])), xs = spread(row.map((one) => one.w), room);
    row.forEach((one, i) => {
      const x = pad + left + xs[i], y = top + height / 2;
      if (one.g) put(one, x, y - one.h / 2);
      else sign(one, x, y + 12 * u, one.w);
    });
    if (beside) put(beside, pad + (beside.op.before ? 0 : room + 10 * u), top + (height - beside.h) / 2);
  }
  if (of && (under || phone) && !stage.big) {
    put(of, pad + Math.max(0, W - of.w) / 2, top + height + 14 * u);
    height += of.h + 14 * u;
  }
  let bottom = top + height + 8 * u;
  const veiled = scene.data.veiled && scene.data.marking?.grid !== "output";
  if (parts.equation !== false && !veiled) bottom = putEquation(stage, add, bottom, measure);
  if (parts.legend !== false && signs(scene).length) bottom = putLegend(stage, add, bottom, measure);
  return { width: outer, height: Math.ceil(bottom + 6 * u), items };
}

function putGrid(stage, add, f, x, y, measure) {
  const { theme, unit: u } = stage, { g } = f, { lay } = g, { flat } = stage.fitted, z = sizes(stage);
  if (f.veiled) {
    add("veil", x, y, () => "", (ctx) => {
      ctx.strokeStyle = ctx.fillStyle = css(theme.ink.output);
      ctx.lineWidth = 2;
      ctx.setLineDash([6, 4]);
      box(ctx, 1, 1, f.w - 2, f.h - 2, 12);
      ctx.stroke();
      ctx.setLineDash([]);
      const runs = [{ text: "?", size: 48 * u, colour: theme.ink.output }];
      write(ctx, runs, (f.w - wide(runs, theme, measure)) / 2, f.h / 2 + 16 * u, theme, measure);
    });
    return;
  }
  const middle = (runs) => (flat ? f.shift : (f.w - wide(runs, theme, measure)) / 2), under = y + f.cap - 4 * u - (f.stepped && !f.beside ? 24 * u : 0);
  add(`title-${g.id}`, x, under, () => "", (ctx) => f.lines.forEach((line, i) => write(ctx, line, middle(line), (i - f.lines.length + 0.72) * z.name * LINE, theme, measure)));
  if (f.stepped) {
    const text = () => stepTexts(stage, g).map((one) => (stage.fitted.tight ? shorten(one) : one)).join(", ");
    const beside = f.beside ? f.shift + wide(f.lines[0], theme, measure) + 10 * u : null;
    add(`steps-${g.id}`, x, under, text, (ctx) => {
      const runs = [{ text: text(), size: z.small, colour: theme.text }];
      write(ctx, runs, beside ?? middle(runs), beside == null ? 16 * u : -0.28 * z.name * LINE, theme, measure);
    });
  }
  // Whole px: edges stay sharp.
  const gx = Math.round(x + (flat ? f.shift : (f.w - lay.w) / 2)), gy = Math.round(y + f.cap);
  add(`base-${g.id}`, gx, gy, () => `${JSON.stringify(g.slots)}${stage.stamped ?? ""}`,
    (ctx, surface) => paintGrid(ctx, g, lay, g.slots, theme, (k) => planeName(g, g.slots[k].ch, g.slots[k].d), surface));
  add(`over-${g.id}`, gx, gy, null, (ctx) => overlay(ctx, stage, g, stage.marks.get(g), stage.centre, stage.followed));
}

function putOperator(stage, add, f, x, y, measure) {
  const { theme, unit: u } = stage, { op, title, note } = f, z = sizes(stage), left = Math.round(x + (f.w - op.lay.w) / 2), low = Math.round(y + f.cap);
  const middle = (runs) => (f.w - wide(runs, theme, measure)) / 2;
  add("title-operator", x, y, () => "", (ctx) => {
    write(ctx, title, middle(title), f.cap - 10 * u, theme, measure);
    note.forEach((line, i) => write(ctx, line, middle(line), f.cap + op.lay.h + 6 * u + (i + 0.75) * z.note * LINE, theme, measure));
  });
  add("base-operator", left, low, () => "", (ctx, surface) => {
    const steps = paintOperator(ctx, op, op.lay, theme, surface);
    while (!steps.next().done);
    ctx.strokeStyle = css(mix(theme.bg, theme.text, 0.2));
    ctx.lineWidth = 1;
    box(ctx, -0.5, -0.5, op.lay.w + 1, op.lay.h + 1, 6);
    ctx.stroke();
  });
  add("over-operator", left, low, null, (ctx) => overlayOperator(ctx, stage, stage.centre, stage.followed));
}

function putEquation(stage, add, y, measure) {
  const { theme, scene, unit: u } = stage, { outer, phone } = stage.space, z = sizes(stage), panel = !!stage.host;
  const multi = isMulti(scene), high = (panel ? (phone ? 60 : 46) : phone ? (multi ? 152 : 104) : 72) * u, width = outer - 32 * u;
  add("equation", 16 * u, y, null, (ctx) => {
    const { main, sub, part } = worded(stage, stage.centre, stage.followed, stage.room(phone, multi));
    const grids = spoken(stage, stage.centre, part), ink = { ...theme.ink };
    for (const [role, g] of Object.entries(grids)) if (g) ink[role] = theme.ink[g.role] ?? theme.ink.map;
    const one = panel && !phone;
    const lines = [...wrapped(runsOf(main, z.main, theme, ink), width, theme, measure, one ? 1 : 4),
      ...wrapped(runsOf(sub, z.sub, theme, ink), width, theme, measure, one ? 1 : 4)];
    const tall = lines.reduce((sum, line) => sum + Math.max(...line.map((r) => r.size)) * LINE, 0);
    let at = Math.max(0, panel ? 0 : (high - tall) / 2);
    for (const line of lines) {
      const size = Math.max(...line.map((r) => r.size));
      write(ctx, line, (width - wide(line, theme, measure)) / 2, at + size * 1.05, theme, measure);
      at += size * LINE;
    }
  });
  return y + high;
}

function putLegend(stage, add, y, measure) {
  const { theme, scene, unit: u } = stage, z = sizes(stage), size = 12 * u, gap = 14 * u, side = 14 * u;
  const bits = signs(scene).map(([sign, text]) => ({ sign, runs: [{ text, size: z.note, colour: theme.muted }], w: sign === "sgn" ? 64 * u : side + 5 * u }));
  for (const bit of bits) bit.w += wide(bit.runs, theme, measure);
  const all = bits.reduce((sum, b) => sum + b.w + gap, -gap);
  add("legend", (stage.space.outer - all) / 2, y, () => "", (ctx, surface) => {
    let x = 0;
    for (const { sign, runs, w } of bits) {
      const mid = 4 * u;
      if (sign === "sgn") {
        const sides = (text, at) => write(ctx, [{ text, size, colour: theme.muted }], at, mid + side * 0.8, theme, measure), zero = mix(theme.bg, theme.text, 0.06), n = 22;
        sides("−", x);
        for (let i = 0; i < n; i++) {
          const t = (2 * (i + 0.5)) / n - 1;
          ctx.fillStyle = css(mix(zero, t < 0 ? NEGATIVE : POSITIVE, Math.abs(t)));
          ctx.fillRect(x + 10 * u + i * 2 * u, mid, 2 * u + 0.3, side);
        }
        sides("+", x + 57 * u);
      } else {
        if (sign === "pad") {
          ctx.fillStyle = surface.hatch(ctx, theme);
          box(ctx, x, mid, side, side, 3);
          ctx.fill();
        } else {
          ctx.strokeStyle = css(sign === "sel" ? theme.pink : theme.ring);
          ctx.lineWidth = sign === "sel" ? 2.5 : 2;
          box(ctx, x + 1, mid + 1, side - 2, side - 2, 3);
          ctx.stroke();
        }
        write(ctx, runs, x + side + 5 * u, mid + side * 0.8, theme, measure);
      }
      x += w + gap;
    }
  });
  return y + 24 * u;
}

// Numbers of two layers beside each other, below their pictures: lines of text, their head first; the last one of a line
// says whether they differ, and those that do are in bold, with a bar before them.
function putNumbers([head, ...lines], add, y, { outer, unit: u, theme, measure }) {
  const size = 14 * u, high = 24 * u, gap = 28 * u, rows = [head, ...lines];
  const run = (text, i, at) => {
    const differs = i && rows[i].at(-1) !== "same";
    return { text, size, weight: differs ? 600 : 400, colour: !i || !at ? theme.muted : theme.text };
  };
  const widths = head.map((_, at) => Math.max(...rows.map((row, i) => wide([run(row[at], i, at)], theme, measure))));
  const all = widths.reduce((sum, w) => sum + w + gap, -gap), left = Math.max(14 * u, (outer - all) / 2);
  add("numbers", left, y, () => "", (ctx) => rows.forEach((row, i) => {
    let x = 0;
    if (i && row.at(-1) !== "same") {
      ctx.fillStyle = css(theme.pink);
      ctx.fillRect(-12 * u, i * high, 4 * u, high - 2 * u);
    }
    row.forEach((text, at) => {
      write(ctx, [run(text, i, at)], x, i * high + 16 * u, theme, measure);
      x += widths[at] + gap;
    });
  }));
  return y + rows.length * high + 8 * u;
}

export const columnsFor = (count, width) => (count > 1 && width >= 860 ? 2 : 1);

// Several stages: two beside each other where there is room, each under its heading.
export function together(panels, outer, measure, parts = {}) {
  const columns = parts.columns ?? columnsFor(panels.length, outer), items = [], { theme, unit: u } = panels[0], line = css(mix(theme.bg, theme.text, 0.15));
  let y = 0;
  for (let i = 0; i < panels.length; i += columns) {
    const row = panels.slice(i, i + columns).map((panel) => composed(panel, measure, { ...parts, legend: false, top: 34 }));
    const high = Math.max(...row.map((one) => one.height));
    row.forEach((one, k) => {
      const panel = panels[i + k], { data } = panel.scene, x = (k * outer) / columns, at = y;
      items.push({ name: "heading", x, y: at, key: () => String(filling(panels)), paint: (ctx) => {
        const runs = [{ text: data.title ?? "", weight: 600, size: 14 * u, colour: theme.text }];
        if (data.mark != null && !filling(panels)) runs.push({ text: data.mark ? "  ✓" : "  ≠", weight: 700, size: 14 * u, colour: data.mark ? theme.ink.output : theme.ink.kernel });
        if (data.note) runs.push({ text: `  ${data.note}`, size: 12.5 * u, colour: theme.muted });
        const [first] = wrapped(runs, panel.space.outer - 28 * u, theme, measure, 1);
        write(ctx, first ?? [], 14 * u, 24 * u, theme, measure);
        ctx.fillStyle = line;
        if (i) ctx.fillRect(0, 0, panel.space.outer, 1);
        if (k) ctx.fillRect(0, 0, 1, high);
      } });
      for (const item of one.items) items.push({ ...item, name: `${i + k}-${item.name}`, x: item.x + x, y: item.y + at });
    });
    y += high;
  }
  const add = (name, x, at, key, paint) => items.push({ name, x, y: at, key, paint });
  if (parts.legend !== false) {
    y = putLegend({ ...panels[0], unit: u, theme, scene: panels[0].scene, space: { ...panels[0].space, outer }, host: null }, add, y, measure) + 6 * u;
  }
  if (parts.numbers) y = putNumbers(parts.numbers, add, y + 8 * u, { outer, unit: u, theme, measure });
  return { width: outer, height: Math.ceil(y), items };
}

// ---- a stage without a page ----

// What Board holds for the modules of the stage, of data that nobody changes: for pictures.
export class Figure {
  constructor(data, { theme, width, host = null, frame = {}, height }) {
    Object.assign(this, { theme, host, frame, unit: 1, shown: {}, depth: {}, last: {}, sel: null, out: null, tap: null, opCol: null, pinned: false });
    this.scene = new Scene(data);
    const { scene } = this, op = scene.operator, layout = new Layout(scene, frame);
    this.marked = new Set(data.marking?.cells);
    restore(this, data, true);
    const { W, opW, wellH, roomH, under } = layout.place(width, height, false);
    if (op) op.lay = layout.operatorSize(opW - 2, roomH, op.part ? 40 : 18);
    this.fitted = layout;
    this.space = { outer: width, W, opW, wellH, under, phone: false };
    for (const g of scene.grids) this.baseOf(g);
    if (this.sel) this.select();
  }

  baseOf(g) {
    g.slots = slotsFor(this, g, g.count);
  }

  select() {
    const { centre, tap } = mark(this);
    Object.assign(this, { centre, followed: tap });
    for (const g of this.scene.grids) this.baseOf(g);
  }

  // How much of an equation a line takes: two lines of it.
  room(_, multi) {
    const chars = Math.floor(((this.space.outer - 32) / 8.4) * (this.host ? 1 : 1.7));
    return { terms: this.host ? 9 : 12, chars: Math.min(multi ? 110 : 190, multi ? chars / 1.7 : chars), cells: this.host || this.space.outer < 600 ? 6 : 9 };
  }
}
