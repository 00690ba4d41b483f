// The selection in words: equation, reach, labels for screen readers, hint and legend.

import { either } from "../common.js";
import { equation } from "./equation.js";
import { planeName } from "./layout.js";
import { copies, isPadding } from "./scene.js";
import { css } from "./theme.js";
import { esc, number, place1 } from "./words.js";

// The weight of the entry that a tap makes at a position.
export function weightOf(tap, p) {
  const { link } = tap, pair = link.pairs.find((q) => q.k === tap.k && q.i === tap.i);
  let found = null;
  if (pair) link.each(p, (s, t, e) => {
    if (t === tap.tap && (tap.src == null || tap.src === s)) found = link.weight(pair, t, e);
  });
  return found;
}

export function label(stage, g, s) {
  const over = stage.figs.get(g.id).over;
  const what = s ? `, ${planeName(g, s.ch, 0) && g.C > 1 ? `${g.planes?.[s.ch] ?? `channel ${s.ch}`}, ` : ""}${place1(g, s.cell)}${g.values ? `: ${number(g.values[s.ch * g.n + s.cell])}` : ""}${isPadding(g, s.cell) ? ", padding" : ""} selected` : "";
  over.setAttribute("aria-label", `${g.title}, ${g.C > 1 ? `${g.C} channels of ` : ""}${g.sp.join(" by ")}${what}`);
}

export function labelOperator(stage, text) {
  const op = stage.scene.operator;
  stage.opFig.over.setAttribute("aria-label", `${op.title || "Matrix"}, ${op.rows} rows, ${op.cols} columns${text ? `, ${text} selected` : ""}.${op.note ? ` ${op.note.replace(/\n/g, ", ")}` : ""}`);
}

// Whether any output cell is a sum over several channels.
export const isMulti = (scene) => scene.links.some((l) => [...l.byOut.values()].some((ps) => ps.length > 1));

// The selection as two lines of HTML, `main` and `sub`; `part`: whose terms they are. `room`: how much a line takes.
export function worded(stage, centre, tap, room) {
  const { scene } = stage;
  if (!centre) return { ...reach(stage, stage.sel, room.cells), part: null };
  const link = scene.into(scene.byId[centre.grid])[0];
  return equation(scene, centre, { channel: stage.shown[link.from.id] ?? 0, tap: tap && tap.link === link ? tap.tap : null, src: tap?.src, room, reads: reads(stage), upto: stage.stamped ?? Infinity });
}

// The grids whose colours those lines take, by the role that they have there.
export function spoken(stage, centre, part) {
  if (!centre) return { input: stage.scene.byId[stage.sel.grid] };
  return { input: part?.link.from, kernel: part?.link.kernel, output: stage.scene.byId[centre.grid] };
}

export function describe(stage, centre, tap) {
  const eq = stage.$(".eq"), { classList } = stage.root;
  const r = worded(stage, centre, tap, stage.room(classList.contains("phone"), classList.contains("multi")));
  stage.part = r.part;
  const html = `${r.main}\n${r.sub}`;
  if (html !== stage.eqHtml) {
    stage.eqHtml = html;
    eq.firstElementChild.innerHTML = r.main;
    eq.lastElementChild.innerHTML = r.sub;
  }
  // The same words in another theme have other colours.
  const grids = spoken(stage, centre, r.part);
  for (const role of ["input", "kernel", "output"]) {
    if (grids[role]) eq.style.setProperty(`--${role}`, css(stage.theme.ink[grids[role].role] ?? stage.theme.ink.map));
    else eq.style.removeProperty(`--${role}`);
  }
}

// How many cells of each grid before it the chosen one reads: its own number counts no padding either.
function reads(stage) {
  const up = [...stage.marks].filter(([g]) => g.index < stage.scene.byId[stage.out.grid].index);
  return up.map(([g, m], i) => {
    const { size } = m.cells, padding = [...m.cells.keys()].filter((c) => isPadding(g, c)).length;
    return `${size - padding} ${i ? "" : size - padding === 1 ? "cell " : "cells "}of ${esc(g.title)}${padding ? ` and ${padding} of padding` : ""}`;
  }).join(", ");
}

// An input cell: which outputs it reaches, and with which weight.
function reach(stage, sel, most) {
  const { scene } = stage, g = scene.byId[sel.grid], v = g.values ? number(g.values[sel.ch * g.n + sel.cell]) : "";
  const links = scene.outOf(g), pad = isPadding(g, sel.cell);
  const head = `<b class="x">${v}</b>`;
  if (links[0]?.reduce === "copy") return { main: `<span class="soft">${esc(g.title)}, ${place1(g, sel.cell)}:</span> ${head}`, sub: "" };
  if (scene.data.marking) {
    const here = g.id === scene.data.marking.grid, on = here && stage.marked.has(sel.cell) ? ": marked" : "";
    return { main: `<span class="soft">${esc(g.title)}, ${place1(g, sel.cell)}${on}</span>`, sub: `${stage.marked.size} marked` };
  }
  if (!links.length) return { main: `${esc(g.title)} ${head}`, sub: "" };
  const link = links[0], hits = new Map();
  for (const c of copies(g, sel.cell)) link.eachInverse(c, (p, t, e) => {
    for (const pair of link.byIn.get(sel.ch) || []) {
      if (!link.has(pair, e)) continue;
      const row = pair.o * link.L + p;
      hits.set(row, (hits.get(row) ?? 0) + link.weight(pair, t, e));
    }
  });
  const outs = hits.size;
  const kind = pad ? (g.source && g.source[sel.cell] >= 0 ? " (padding, a copy)" : " (padding)") : "";
  const main = outs ? `${head}${kind} reaches ${outs} ${outs === 1 ? "cell" : "cells"} of ${esc(link.to.title)}` : `${head}${kind} reaches no cell of ${esc(link.to.title)}`;
  const few = [...hits].sort((a, b) => a[0] - b[0]).slice(0, most).map(([row, w]) => {
    const y = link.to.values ? link.to.values[Math.floor(row / link.L) * link.to.n + link.drawn(row % link.L)] : null;
    const by = link.weighted && link.reduce === "sum" ? `<b class="w">×${number(w)}</b>` : "";
    return `${by}${by && y != null ? " in " : ""}${y == null ? "" : `<b class="y">${number(y)}</b>`}`;
  });
  const sub = few.join("<i>,  </i>") + (outs > most ? ` <span class="more">… ${outs - most} more</span>` : "");
  return { main, sub };
}

export function hint(stage) {
  const hint = stage.$(".hint"), { data } = stage.scene, slim = stage.root.classList.contains("slim"), veiled = data.veiled && !data.still;
  const walk = "[Hover or use the arrow keys; click pins a cell|Tap a cell, or walk with the buttons]";
  const [pinned, predict, usual] = slim
    ? ["Esc unpins", "Predict first", "← → walk"]
    : ["Pinned. [Esc or click|Tap] again to let go", "Predict first: the answer waits under the question mark", data.caption || walk];
  const text = either(stage.pinned ? pinned : veiled ? predict : usual);
  if (hint.textContent !== text) hint.textContent = text;
}

// What is marked how: pairs of a sign and what it stands for.
export function signs(scene) {
  if (!scene.data.legend) return [];
  const found = [["sel", "selected"], ["win", scene.links.length ? "window" : "related"]];
  if (scene.grids.some((g) => g.real && g.n !== g.nreal)) found.push(["pad", "padding"]);
  if (scene.grids.some((g) => g.stats.signed)) found.push(["sgn", ""]);
  return found;
}

export function legend(stage) {
  const box = stage.$(".legend");
  const html = signs(stage.scene).map(([sign, text]) => (sign === "sgn" ? '<span>−<em class="sgn"></em>+</span>' : `<span><em class="${sign}"></em>${text}</span>`)).join("");
  if (html !== stage.legendHtml) box.innerHTML = stage.legendHtml = html;
}
