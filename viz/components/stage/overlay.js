// What is painted over the grids for the selected cell: its window, its taps, its row of the operator. No DOM here.

import { weightOf } from "./describe.js";
import { box, cellBox, cross, paintMarks, paintSource, ring, slotOrigin } from "./draw.js";
import { copies, realIndex } from "./scene.js";
import { css } from "./theme.js";
import { clamp, number } from "./words.js";

// Returns the cell of this grid that is chosen, if any.
export function overlay(ctx, stage, g, mark, centre, tap) {
  const { theme, sel } = stage, { lay } = g;
  const chosen = sel.grid === g.id ? sel : centre && centre.grid === g.id ? centre : null;
  const link = mark && [...mark.cells.values()][0]?.[0]?.link;
  if (mark) {
    const labels = (b) => {
      if (!link || mark.depth > 1 || !link.weighted || link.reduce !== "sum") return null;
      let sum = null;
      for (const { t, e, link: l } of b.taps) {
        const pair = centre ? l.byOut.get(centre.ch)?.find((p) => p.i === b.ch) : l.byIn.get(sel.ch)?.find((p) => p.o === b.ch);
        if (pair && l.has(pair, e)) sum = (sum ?? 0) + l.weight(pair, t, e);
      }
      return sum;
    };
    paintMarks(ctx, g, lay, g.slots, mark, theme, labels);
  }
  if (stage.scene.data.marking?.grid === g.id) for (const cell of stage.marked) for (const { ch } of g.slots) {
    const b = cellBox(lay, g.slots, g, ch, cell);
    if (!b) continue;
    ctx.fillStyle = css(theme.ring, 0.35);
    box(ctx, b.x, b.y, b.s, b.s, 4);
    ctx.fill();
    ring(ctx, b, theme.ring, 3);
  }
  const kl = stage.scene.kernelLink(g);
  if (kl) overlayKernel(stage, ctx, g, kl, centre, tap);
  if (tap && mark && tap.link.from === g) {
    const i = tap.link.pairs.find((p) => p.k === tap.k && p.o === centre?.ch)?.i ?? tap.i;
    for (const [cell, taps] of mark.cells) if (taps.some((t) => t.t === tap.tap && t.link === tap.link) && (tap.src == null || tap.src === cell)) {
      const b = cellBox(lay, g.slots, g, i, cell);
      if (b) {
        ring(ctx, b, theme.pink, 3);
        paintSource(ctx, g, lay, g.slots, i, cell, theme);
      }
    }
  }
  if (chosen) {
    const b = cellBox(lay, g.slots, g, chosen.ch, chosen.cell);
    if (!centre || chosen !== centre) for (const c of copies(g, chosen.cell)) if (c !== chosen.cell && !centre) {
      const o = cellBox(lay, g.slots, g, chosen.ch, c);
      if (o) ring(ctx, o, theme.pink, 1.5);
    }
    paintSource(ctx, g, lay, g.slots, chosen.ch, chosen.cell, theme);
    if (b) {
      ring(ctx, b, theme.pink, lay.cell < 12 ? 2 : 3);
      if (stage.pinned && chosen === sel) {
        ctx.fillStyle = css(theme.pink);
        ctx.beginPath();
        ctx.arc(b.x + b.s - 4, b.y + 4, Math.min(5, lay.cell / 3), 0, 7);
        ctx.fill();
        ctx.strokeStyle = css(theme.bg);
        ctx.lineWidth = 1.5;
        ctx.stroke();
      }
    }
  }
  for (const cell of g.crossed ?? []) for (const { ch } of g.slots) {
    const b = cellBox(lay, g.slots, g, ch, cell);
    if (b) cross(ctx, b, theme);
  }
  if (g.frame) {
    const [top, left, height, width] = g.frame, b = cellBox(lay, g.slots, g, g.slots[0].ch, top * g.W + left);
    ctx.strokeStyle = css(theme.ring);
    ctx.lineWidth = 3;
    if (b) ctx.strokeRect(b.x - 1.5, b.y - 1.5, width * b.s + 3, height * b.s + 3);
  }
  return chosen;
}

// Planes in use by the selected output, the taps an input cell meets, and the one weight that is followed.
function overlayKernel(stage, ctx, g, link, centre, tap) {
  const { theme, sel } = stage, lay = g.lay;
  if (!centre && sel.grid === link.from.id) {
    const used = new Map();
    for (const c of copies(link.from, sel.cell)) link.eachInverse(c, (p, t) => used.set(t, true));
    for (const pair of link.byIn.get(sel.ch) || []) for (const t of used.keys()) {
      const b = cellBox(lay, g.slots, g, pair.k, t);
      if (b) ring(ctx, b, theme.ring, 2);
    }
  }
  if (centre && centre.grid === link.to.id && g.slots.length > 1) {
    const used = new Set((link.byOut.get(centre.ch) || []).map((p) => p.k));
    ctx.fillStyle = css(theme.ring);
    g.slots.forEach((s, k) => {
      const o = slotOrigin(lay, k);
      if (used.has(s.ch) && lay.labelH) ctx.fillRect(o.x, o.y - 3, lay.planeW, 2);
      if (used.has(s.ch) && lay.lead) ctx.fillRect(o.x - 4, o.y + 1, 2, lay.planeH - 2);
    });
  }
  if (tap && tap.link === link && tap.tap >= 0) {
    const b = cellBox(lay, g.slots, g, tap.k, tap.tap);
    if (b) ring(ctx, b, theme.pink, 3);
  }
}

// Returns what is selected there, in words.
export function overlayOperator(ctx, stage, centre, tap) {
  const op = stage.scene.operator, { theme, sel } = stage, { w, h } = op.lay, sx = w / op.cols, sy = h / op.rows;
  const band = (x, y, bw, bh, colour, width) => {
    ctx.strokeStyle = css(colour);
    ctx.lineWidth = width;
    const min = 4, gx = Math.max(0, min - bw) / 2, gy = Math.max(0, min - bh) / 2, o = width / 2;
    box(ctx, clamp(x - gx, 0, w - bw) + o, clamp(y - gy, 0, h - bh) + o, Math.max(bw, min) - width, Math.max(bh, min) - width, 2);
    ctx.stroke();
  };
  stage.opAt = null;
  const columnOf = (s) => {
    const r = realIndex(op.first.from, s.cell);
    return r < 0 ? -1 : s.ch * op.first.from.nreal + r;
  };
  if (tap && op.direct && tap.link === op.link && tap.k >= 0 && tap.tap >= 0) {
    const { link } = op, pairs = link.byPlane.get(tap.k) || [];
    ctx.fillStyle = css(theme.pink, sx >= 6 ? 0.25 : 0.9);
    ctx.strokeStyle = css(theme.pink);
    ctx.lineWidth = sx >= 10 ? 2 : 1.2;
    // So many spots cover every row of the picture: more are not seen, and cost frames.
    for (const pair of pairs) link.eachOfTap(tap.tap, 2000 / pairs.length, (p, s, e) => {
      const c = link.has(pair, e) ? link.column(pair.i, s) : -1;
      if (c < 0) return;
      const x = c * sx, y = (pair.o * link.L + p) * sy;
      if (sx < 6) ctx.fillRect(x, y, Math.max(1.5, sx), Math.max(1.5, sy));
      else ctx.strokeRect(x + 1, y + 1, sx - 2, sy - 2);
    });
  }
  let text = "";
  if (centre && centre.grid === op.link.to.id) {
    const p = op.link.position(centre.cell);
    if (p >= 0) {
      const row = centre.ch * op.link.L + p;
      stage.opAt = { row, col: stage.opCol ?? 0 };
      band(0, row * sy, w, sy, theme.pink, 2);
      text = `row ${row}`;
      if (stage.opCol != null) {
        const w = tap && tap.link === op.link && tap.link.weighted ? weightOf(tap, p) : null;
        text += `, column ${stage.opCol}: ${w == null ? "no entry" : number(w)}`;
      }
    }
  }
  const from = sel.grid === op.first.from.id ? sel : null;
  if (from && !centre) {
    const c = columnOf(from);
    if (c >= 0) {
      band(c * sx, 0, sx, h, theme.pink, 2);
      text = `column ${c}`;
    }
  }
  if (stage.opCol != null && centre) band(stage.opCol * sx, 0, sx, h, theme.ring, 1.2);
  return text;
}
