// The selection in words: equation, reach, labels for screen readers, hint and legend.

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

export function describe(stage, centre, tap) {
  const eq = stage.$(".eq"), { scene, sel } = stage;
  const { classList } = stage.root, multi = classList.contains("multi");
  const room = stage.room(classList.contains("phone"), multi);
  let r;
  if (centre) {
    const link = scene.into(scene.byId[centre.grid])[0];
    r = equation(scene, centre, { channel: stage.shown[link.from.id] ?? 0, tap: tap && tap.link === link ? tap.tap : null, src: tap?.src, room, reads: reads(stage) });
    stage.part = r.part;
  } else r = reach(stage, sel);
  const html = `${r.main}\n${r.sub}`;
  if (html !== stage.eqHtml) {
    stage.eqHtml = html;
    eq.firstElementChild.innerHTML = r.main;
    eq.lastElementChild.innerHTML = r.sub;
  }
  // The same words in another theme have other colours.
  for (const [cls, grid] of [["--input", centre && stage.part?.link.from], ["--kernel", centre && stage.part?.link.kernel], ["--output", centre && scene.byId[centre.grid]]]) {
    if (grid) eq.style.setProperty(cls, css(stage.theme.ink[grid.role] ?? stage.theme.ink.map));
    else if (centre || cls !== "--input") eq.style.removeProperty(cls);
  }
}

function reads(stage) {
  const up = [...stage.marks].filter(([g]) => g.index < stage.scene.byId[stage.out.grid].index);
  return up.map(([g, m], i) => `${m.cells.size} ${i ? "" : m.cells.size === 1 ? "cell " : "cells "}of ${esc(g.title)}`).join(", ");
}

// An input cell: which outputs it reaches, and with which weight.
function reach(stage, sel) {
  const { scene } = stage, g = scene.byId[sel.grid], v = g.values ? number(g.values[sel.ch * g.n + sel.cell]) : "";
  stage.part = null;
  stage.$(".eq").style.setProperty("--input", css(stage.theme.ink[g.role] ?? stage.theme.ink.map));
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
  const most = stage.root.classList.contains("phone") ? 6 : 9;
  const few = [...hits].sort((a, b) => a[0] - b[0]).slice(0, most).map(([row, w]) => {
    const y = link.to.values ? link.to.values[Math.floor(row / link.L) * link.to.n + link.drawn(row % link.L)] : null;
    return `${y == null ? "" : `<b class="y">${number(y)}</b> `}${link.weighted && link.reduce === "sum" ? `<b class="w">×${number(w)}</b>` : ""}`;
  });
  const sub = few.join("<i>,  </i>") + (outs > most ? ` <span class="more">… ${outs - most} more</span>` : "");
  return { main, sub };
}

export function hint(stage) {
  const hint = stage.$(".hint"), text = stage.pinned ? "Pinned. Esc or click again to let go" : (stage.scene.data.veiled && !stage.scene.data.still && "Predict first: the answer waits under the question mark") || stage.scene.data.caption || (matchMedia("(hover: none)").matches ? "Tap a cell, or walk with the buttons" : "Hover or use the arrow keys; click pins a cell");
  if (hint.textContent !== text) hint.textContent = text;
}

export function legend(stage) {
  const box = stage.$(".legend"), { scene } = stage;
  const bits = [];
  if (scene.data.legend) {
    bits.push('<span><em class="sel"></em>selected</span>', `<span><em class="win"></em>${scene.links.length ? "window" : "related"}</span>`);
    if (scene.grids.some((g) => g.real && g.n !== g.nreal)) bits.push('<span><em class="pad"></em>padding</span>');
    if (scene.grids.some((g) => g.stats.signed)) bits.push('<span>−<em class="sgn"></em>+</span>');
  }
  const html = bits.join("");
  if (html !== stage.legendHtml) box.innerHTML = stage.legendHtml = html;
}
