// Which cell is selected, which output it belongs to, and which planes and slices are shown for it.

import { steppers } from "./layout.js";
import { isPadding, realToDrawn } from "./scene.js";
import { clamp } from "./words.js";

function valid(stage, s) {
  const g = s && stage.scene.byId[s.grid];
  return !!g && s.ch < g.C && s.cell < g.n;
}

// The selection stays where it still exists; a page that sends another `selected` moves it.
export function restore(stage, data, first) {
  const want = data.selected ? { grid: data.selected.grid, ch: data.selected.channel || 0, cell: data.selected.cell || 0 } : null;
  const asked = JSON.stringify([want, data.selected?.of]);
  const moved = asked !== stage.asked && !first;
  stage.asked = asked;
  const isOut = (s) => valid(stage, s) && stage.scene.into(stage.scene.byId[s.grid]).length > 0;
  const last = stage.scene.last || stage.scene.grids[stage.scene.grids.length - 1];
  const start = last && { grid: last.id, ch: 0, cell: last.real ? realToDrawn(last, 0) : 0 };
  if (!isOut(stage.out) || first || moved) stage.out = isOut(want) ? want : start;
  if (!valid(stage, stage.sel) || first || moved) {
    stage.sel = valid(stage, want) ? want : stage.out;
    if (!first && !moved) stage.pinned = false;
  }
  if ((first || moved) && data.selected?.pinned != null) stage.pinned = data.selected.pinned && valid(stage, want);
  for (const k of Object.keys(stage.last)) if (!valid(stage, stage.last[k])) delete stage.last[k];
  stage.tap = null;
}

export function slotsFor(stage, g, count) {
  const all = [];
  const depths = count.d === g.D ? [...Array(g.D).keys()] : [clamp(stage.depth[g.id] ?? 0, 0, g.D - 1)];
  let chs;
  if (count.c === g.C) chs = [...Array(g.C).keys()];
  else if (count.kernel) {
    const link = count.kernel, o = kernelOut(stage, link);
    const planes = [...new Set((link.byOut.get(o) || link.pairs).map((p) => p.k))];
    const want = (link.byOut.get(o) || []).find((p) => p.i === stage.shown[link.from.id])?.k ?? planes[0] ?? 0;
    chs = count.c > 1 ? planes.slice(0, count.c) : [want];
  } else chs = [clamp(stage.shown[g.id] ?? 0, 0, g.C - 1)];
  for (const ch of chs) for (const d of depths) all.push({ ch, d });
  return all;
}

export function kernelOut(stage, link) {
  const o = stage.out && stage.out.grid === link.to.id ? stage.out.ch : (stage.last[link.to.id]?.ch ?? stage.shown[link.to.id] ?? 0);
  return link.byOut.has(o) ? o : (link.pairs[0]?.o ?? 0);
}

export function setOut(stage, g, ch) {
  const old = stage.out?.grid === g.id ? stage.out : stage.last[g.id];
  stage.out = { grid: g.id, ch, cell: old?.cell ?? (g.real ? realToDrawn(g, 0) : 0) };
  stage.sel = stage.out;
  stage.shown[g.id] = ch;
}

export function outFor(stage, link, plane) {
  const now = stage.out?.grid === link.to.id ? stage.out : (stage.last[link.to.id] ?? null);
  const ps = link.byPlane.get(plane) || [];
  const o = ps.some((p) => p.o === now?.ch) ? now.ch : (ps[0]?.o ?? 0);
  if (ps.length) stage.shown[link.from.id] = (ps.find((p) => p.o === o) || ps[0]).i;
  let cell = now?.cell;
  if (cell == null) {
    const m = stage.marks?.get(link.to);
    cell = m ? [...m.cells.keys()].find((c) => !isPadding(link.to, c)) : null;
  }
  return { grid: link.to.id, ch: o, cell: cell ?? (link.to.real ? realToDrawn(link.to, 0) : 0) };
}

// The next output position; large grids are walked in strides so that a round stays watchable.
export function step(scene, out, by, stride) {
  const g = scene.byId[out.grid], plane = g.H * g.W;
  const sx = stride ? Math.max(1, Math.round(g.W / 28)) : 1, sy = stride ? Math.max(1, Math.round(g.H / 16)) : 1;
  let { ch, cell } = out, guard = 0;
  do {
    let d = Math.floor(cell / plane), y = Math.floor((cell % plane) / g.W), x = (cell % g.W) + by * sx;
    if (x < 0 || x >= g.W) {
      x = by > 0 ? 0 : g.W - 1;
      y += by * sy;
    }
    if (y < 0 || y >= g.H) {
      y = by > 0 ? 0 : g.H - 1;
      d += by;
    }
    if (d < 0 || d >= g.D) {
      d = by > 0 ? 0 : g.D - 1;
      ch = (ch + by + g.C) % g.C;
    }
    cell = d * plane + y * g.W + x;
  } while (isPadding(g, cell) && guard++ < g.n);
  return { grid: g.id, ch, cell };
}

// The output as it is after the first `count` input cells, each with all its channels: each has added its stamp.
export function stamped(scene, count) {
  const [link] = scene.links, { from, to } = link, out = new Float64Array(to.C * to.n);
  if (link.bias) for (let o = 0; o < to.C; o++) out.fill(link.bias[o], o * to.n, (o + 1) * to.n);
  for (let s = 0; s < count; s++) link.eachInverse(s, (p, t, e) => {
    for (const pair of link.pairs) out[pair.o * to.n + link.drawn(p)] += link.weight(pair, t, e) * from.values[pair.i * from.n + s];
  });
  return out;
}

// Whether one of the panels shows an output that is not complete yet.
export const filling = (panels) => panels.some(({ stamped: count, scene }) => count != null && count < scene.links[0].from.n);

// What the selection touches becomes the stage's `marks`. Returns the output cell that it is about, if any, and the weight
// that is followed.
export function mark(stage) {
  const { scene, sel } = stage, g = scene.byId[sel.grid], link = scene.kernelLink(g);
  let centre = sel, { tap } = stage;
  if (link && sel.grid === link.kernel?.id) {
    centre = outFor(stage, link, sel.ch);
    tap = { link, tap: sel.cell, k: sel.ch };
  } else if (!scene.into(g).length) centre = null;
  if (centre) {
    stage.out = centre;
    stage.last[centre.grid] = centre;
  }
  follow(stage, centre, sel);
  let marks;
  if (centre) marks = scene.upstream(scene.byId[centre.grid], centre.ch, centre.cell);
  else marks = scene.downstream(g, sel.ch, sel.cell);
  if (centre && scene.outOf(scene.byId[centre.grid]).length) {
    for (const [h, m] of scene.downstream(scene.byId[centre.grid], centre.ch, centre.cell)) if (!marks.has(h)) marks.set(h, { ...m, depth: Math.max(2, m.depth) });
  }
  stage.marks = marks;
  return { centre, tap };
}

// What the steppers of a grid say: which channel and which slice is shown.
export function stepTexts(stage, g) {
  const [first] = g.slots, channel = () => (g.slots.length > 1 && g.count.kernel ? `output ${kernelOut(stage, g.count.kernel)}` : (g.planes?.[first.ch] ?? `channel ${first.ch}`));
  return steppers(g).map((kind) => (kind === "c" ? channel() : `depth ${first.d}`));
}

// Bring the planes into view that the selection is about.
export function follow(stage, centre, sel) {
  const g = stage.scene.byId[sel.grid];
  let dirty = false;
  const want = (map, id, v) => {
    if (map[id] !== v) {
      map[id] = v;
      dirty = true;
    }
  };
  const seeChannel = (h, s) => {
    if (!stage.scene.kernelLink(h)) want(stage.shown, h.id, s.ch);
    if (h.id !== stage.steady) want(stage.depth, h.id, Math.floor(s.cell / (h.H * h.W)));
  };
  seeChannel(g, sel);
  if (centre) {
    const h = stage.scene.byId[centre.grid];
    seeChannel(h, centre);
    for (const link of stage.scene.into(h)) {
      const pairs = link.byOut.get(centre.ch) || [];
      if (pairs.length && !pairs.some((p) => p.i === stage.shown[link.from.id])) want(stage.shown, link.from.id, pairs[0].i);
      followSlices(stage, link, centre, sel, want);
    }
  }
  const stepped = stage.scene.grids.some((h) => h.count.c < h.C || h.count.d < h.D);
  if (dirty && stepped) for (const h of stage.scene.grids) stage.baseOf(h);
}

// A slice of the source and the slice of the kernel that it meets; the one that was asked for decides on the other.
function followSlices(stage, link, centre, sel, want) {
  const { from, kernel, tap } = { ...link, tap: stage.tap }, sliced = (g) => g && g.count.d < g.D;
  if (!sliced(from) && !sliced(kernel)) return;
  const slice = (g, cell) => Math.floor(cell / (g.H * g.W)), all = [];
  link.each(link.position(centre.cell), (s, t) => {
    if (!tap || tap.link !== link || (t === tap.tap && (tap.src ?? s) === s)) all.push([slice(from, s), kernel ? slice(kernel, t) : 0, s]);
  });
  // Slices of zeros that were put there say little: the others first.
  const real = all.filter((m) => !isPadding(from, m[2])), met = real.length && stage.frame.narrow ? real : all;
  const keep = (g, at, asked) => {
    if (!sliced(g)) return;
    const now = stage.depth[g.id] ?? 0, hits = met.filter((m) => m[at] === now);
    if (hits.length) met.splice(0, met.length, ...hits);
    else if (!asked && met.length) {
      const next = Math.min(...met.map((m) => m[at]));
      want(stage.depth, g.id, next);
      met.splice(0, met.length, ...met.filter((m) => m[at] === next));
    }
  };
  const held = kernel && (sel.grid === kernel.id || stage.steady === kernel.id);
  if (held) keep(kernel, 1, true);
  keep(from, 0, stage.steady === from.id);
  if (kernel && !held) keep(kernel, 1);
}
