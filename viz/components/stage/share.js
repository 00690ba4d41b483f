// Several stages that share their selection: what they tell each other. No DOM here.

import { realIndex, realToDrawn } from "./scene.js";

// Grids of one name show the same numbers, and agree on an index for each of them (−1: a constant, nobody else's).
export const shareName = (g) => g.shares ?? g.id;

export function indexOf(g, ch, cell) {
  if (g.ids) return g.ids[ch * g.n + cell];
  const r = realIndex(g, cell);
  return r < 0 ? -1 : ch * g.nreal + r;
}

// The pinned cell for the page, once the clicks are over: a second one lets go again, or begins an edit.
export function tellLater(teller, g, sel) {
  const index = g ? indexOf(g, sel.ch, sel.cell) : -1;
  clearTimeout(teller.telling);
  teller.telling = setTimeout(() => teller.send("pin", index < 0 ? { grid: null, index: 0 } : { grid: shareName(g), index }), 400);
}

function shareCell(g, index) {
  if (!(index >= 0)) return null;
  if (!g.ids) return index < g.C * g.nreal ? { grid: g.id, ch: Math.floor(index / g.nreal), cell: realToDrawn(g, index % g.nreal) } : null;
  if (!g.where) {
    g.where = new Map();
    g.ids.forEach((id, at) => g.where.has(id) || g.where.set(id, at));
  }
  const at = g.where.get(index);
  return at == null ? null : { grid: g.id, ch: Math.floor(at / g.n), cell: at % g.n };
}

// A tap by the index of its weight; links without a drawn kernel count `taps` a plane.
function tapIndex(link, k, t) {
  if (link.kernel && t < link.kernel.n) return indexOf(link.kernel, k, t);
  return k < 0 || t < 0 ? -1 : k * link.taps + t;
}

function tapPlace(link, index) {
  if (!link.kernel) return { k: Math.floor(index / link.taps), tap: index % link.taps };
  const at = shareCell(link.kernel, index);
  return at && { k: at.ch, tap: at.cell };
}

// Arrays that several panels hold are sent once: {ref: n} is the n-th of the table.
export function unshare(node, arrays) {
  if (!node || typeof node !== "object") return node;
  if (Array.isArray(node)) return typeof node[0] === "object" ? node.map((n) => unshare(n, arrays)) : node;
  if (node.ref != null) return arrays[node.ref];
  return Object.fromEntries(Object.entries(node).map(([k, v]) => [k, unshare(v, arrays)]));
}

// What is selected here, in words that the other panels understand.
export function shared(stage) {
  const { sel, scene, tap } = stage, g = scene.byId[sel.grid];
  const out = stage.out && scene.byId[stage.out.grid];
  const found = { name: shareName(g), index: indexOf(g, sel.ch, sel.cell), tap: -1, ends: null, out: null, pinned: stage.pinned };
  if (out) found.out = { name: shareName(out), index: indexOf(out, stage.out.ch, stage.out.cell) };
  const link = scene.kernelLink(g);
  if (link) found.tap = tapIndex(link, sel.ch, sel.cell);
  else if (tap) {
    found.tap = tapIndex(tap.link, tap.k, tap.tap);
    const src = tap.src == null ? -1 : indexOf(tap.link.from, tap.i ?? 0, tap.src);
    if (src >= 0) found.ends = { [shareName(tap.link.from)]: src, [found.name]: found.index };
  }
  return found;
}

// Selects what another has selected; whether there is such a cell here.
export function take(stage, other) {
  const { scene } = stage;
  const named = (name) => scene.grids.find((g) => shareName(g) === name);
  const cellOf = (s) => {
    const g = s && named(s.name);
    return g ? shareCell(g, s.index) : null;
  };
  const isOut = (s) => s && scene.into(scene.byId[s.grid]).length > 0;
  stage.pinned = other.pinned;
  const out = cellOf(other.out);
  if (isOut(out)) stage.out = out;
  let sel = cellOf(other), tap = null;
  stage.opCol = null;
  if (other.ends) {
    for (const link of scene.links) {
      const to = cellOf({ name: shareName(link.to), index: other.ends[shareName(link.to)] });
      const from = cellOf({ name: shareName(link.from), index: other.ends[shareName(link.from)] });
      const place = tapPlace(link, other.tap);
      if (!to || !from || !place) continue;
      sel = stage.out = to;
      tap = { link, tap: place.tap, k: place.k, i: from.ch, src: from.cell };
      stage.opCol = link.column(from.ch, from.cell);
    }
  } else if (other.tap >= 0 && !(sel && scene.kernelLink(scene.byId[sel.grid]))) {
    const link = scene.links[0], place = link && tapPlace(link, other.tap);
    sel = stage.out;
    if (place) tap = { link, tap: place.tap, k: place.k };
  }
  if (!sel) return false;
  stage.sel = sel;
  stage.tap = tap;
  return true;
}
