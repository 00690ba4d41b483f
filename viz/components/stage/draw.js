// The painting of grids and operator: on a 2-D context, whoever has made it, and a surface (surface.js). No DOM here.

import { CIVIDIS } from "../colours.js";
import { isPadding, realToDrawn } from "./scene.js";
import { css, grey, mix, NEGATIVE, ODD, onto, POSITIVE, ROLE, shade } from "./theme.js";
import { number, shorten } from "./words.js";

const NUMBERS = 15; // px of a cell from which on it may hold a number; below, colour has to tell

// Where a cell lies inside its grid's canvas; null while its plane is not shown.
export function cellBox(lay, slots, g, channel, cell) {
  const d = Math.floor(cell / (g.H * g.W)), rest = cell % (g.H * g.W);
  const k = slots.findIndex((s) => s.ch === channel && s.d === d);
  if (k < 0) return null;
  const o = slotOrigin(lay, k);
  return { x: o.x + (rest % g.W) * lay.cell, y: o.y + Math.floor(rest / g.W) * lay.cell, s: lay.cell };
}

export const slotOrigin = (lay, k) => ({
  x: lay.inset + lay.lead + (k % lay.cols) * (lay.slotW + lay.gapX),
  y: lay.inset + lay.labelH + Math.floor(k / lay.cols) * (lay.planeH + lay.gapY + lay.labelH),
});

export function paintGrid(ctx, g, lay, slots, theme, names, surface) {
  const { cell } = lay, gap = cell >= 14 ? 2 : cell >= 7 ? 1 : 0, radius = cell >= 20 ? 4 : cell >= 12 ? 2 : 0;
  const full = cell < NUMBERS || g.image, pattern = surface.hatch(ctx, theme);
  const fonts = numberFont(ctx, g, slots, lay, theme);
  for (let k = 0; k < slots.length; k++) {
    const { ch, d } = slots[k], o = slotOrigin(lay, k), start = ch * g.n + d * g.H * g.W;
    if (lay.labelH) {
      ctx.fillStyle = css(theme.muted);
      ctx.font = `500 ${lay.label ?? 11}px ${theme.font}`;
      ctx.textAlign = "left";
      ctx.textBaseline = "bottom";
      ctx.fillText(clip(ctx, names(k), lay.slotW), o.x + 1, o.y - 3);
    }
    if (lay.lead && slots.length > 1) {
      // A line is named beside it.
      const size = Math.min(lay.label, cell);
      ctx.fillStyle = css(theme.muted);
      ctx.font = `500 ${size}px ${theme.font}`;
      ctx.textAlign = "right";
      ctx.textBaseline = "alphabetic";
      ctx.fillText(clip(ctx, names(k), lay.lead - 6), o.x - 6, o.y + cell / 2 + size * 0.35);
    }
    const colour = (i) => (g.colour === "cell" ? tapColour(d * g.H * g.W + i, g.n) : g.image ? (Number.isFinite(g.values[start + i]) ? grey(g.stats, g.values[start + i]) : ODD)
      : shade(theme, g.role, g.stats, g.values[start + i], full));
    if (cell < 7 && g.values) {
      surface.pixels(ctx, bitmap(g, d, colour, theme), g.W, g.H, o.x, o.y, lay.planeW, lay.planeH);
      continue;
    }
    for (let y = 0; y < g.H; y++) for (let x = 0; x < g.W; x++) {
      const i = y * g.W + x, px = o.x + x * cell + gap / 2, py = o.y + y * cell + gap / 2, s = cell - gap;
      const pad = isPadding(g, d * g.H * g.W + i);
      const fill = pad || !g.values || (g.filled && !g.filled.has(d * g.H * g.W + i)) ? mix(theme.bg, theme.text, 0.05) : colour(i);
      ctx.fillStyle = pad ? pattern : css(fill);
      box(ctx, px, py, s, s, radius);
      ctx.fill();
      if (fonts && g.values && (!g.filled || g.filled.has(d * g.H * g.W + i))) {
        const v = g.values[start + i];
        ctx.font = fonts.font;
        ctx.textAlign = "center";
        ctx.textBaseline = "alphabetic";
        ctx.fillStyle = css(pad ? theme.muted : onto(fill, theme.dark));
        ctx.fillText(number(v, fonts.digits), px + s / 2, py + s / 2 + fonts.size * 0.35);
      }
    }
  }
}

function clip(ctx, text, width) {
  const fits = (t) => ctx.measureText(t).width <= width;
  if (fits(text)) return text;
  if (fits(shorten(text))) return shorten(text);
  while (text.length > 1 && ctx.measureText(`${text}…`).width > width) text = text.slice(0, -1);
  return `${text}…`;
}

function bitmap(g, d, colour, theme) {
  const rgba = new Uint8ClampedArray(4 * g.H * g.W), pad = mix(theme.bg, theme.text, 0.16);
  for (let i = 0; i < g.H * g.W; i++) {
    const c = isPadding(g, d * g.H * g.W + i) ? pad : colour(i);
    rgba.set([c[0], c[1], c[2], 255], i * 4);
  }
  return rgba;
}

// The largest type in which every visible number fits its cell; null: too small to read.
function numberFont(ctx, g, slots, { cell, type = 22, fill = 0.4 }, theme) {
  if (cell < NUMBERS || !g.values || (g.image && cell < 24)) return null;
  let best = null;
  for (const digits of g.stats.allInt ? [3] : [3, 2]) {
    let longest = 1;
    for (const { ch, d } of slots) {
      const start = ch * g.n + d * g.H * g.W;
      for (let i = 0; i < g.H * g.W; i++) longest = Math.max(longest, number(g.values[start + i], digits).length);
    }
    const size = Math.min(type, cell * (cell > 50 ? fill - 0.04 : fill), (cell - 4) / (longest * 0.56));
    if (!best || (best.size < 11 && size > best.size)) best = { size, digits };
  }
  return best.size < 8 ? null : { ...best, font: `500 ${best.size.toFixed(1)}px ${theme.font}` };
}

export function box(ctx, x, y, w, h, r) {
  ctx.beginPath();
  if (r) ctx.roundRect(x, y, w, h, r);
  else ctx.rect(x, y, w, h);
}

export function ring(ctx, b, colour, width, grow = 0) {
  const min = Math.max(0, 7 - b.s) / 2, pad = grow + min;
  const radius = b.s >= 20 ? 5 : b.s >= 12 ? 3 : 1;
  ctx.strokeStyle = css(colour);
  ctx.lineWidth = width;
  box(ctx, b.x - pad + 0.5, b.y - pad + 0.5, b.s + 2 * pad - 1, b.s + 2 * pad - 1, radius);
  ctx.stroke();
}

// A cell that was chosen and is not right: seen on any colour.
export function cross(ctx, b, theme) {
  // Where a number may stand, the middle stays free.
  const inset = b.s * (b.s < NUMBERS ? 0.2 : 0.06), arm = b.s * (b.s < NUMBERS ? 0.3 : 0.25);
  const [left, top, right, bottom] = [b.x + inset, b.y + inset, b.x + b.s - inset, b.y + b.s - inset];
  for (const [colour, width] of [[theme.bg, 5], [theme.pink, 2.5]]) {
    ctx.strokeStyle = css(colour);
    ctx.lineWidth = width;
    ctx.beginPath();
    for (const [x, y, dx, dy] of [[left, top, 1, 1], [right, top, -1, 1], [left, bottom, 1, -1], [right, bottom, -1, -1]]) {
      ctx.moveTo(x, y);
      ctx.lineTo(x + dx * arm, y + dy * arm);
    }
    ctx.stroke();
  }
}

// A set of related cells: a ring each while cells are large, otherwise a tint and one frame a plane around them.
export function paintMarks(ctx, g, lay, slots, mark, theme, labels) {
  const boxes = [];
  for (const ch of mark.chs) for (const [cell, taps] of mark.cells) {
    if (taps.every((t) => t.chs && !t.chs.has(ch))) continue;
    const b = cellBox(lay, slots, g, ch, cell);
    if (b) boxes.push({ ...b, taps, ch, cell });
  }
  if (!boxes.length) return;
  if (lay.cell >= 12) {
    for (const b of boxes) {
      if (mark.depth > 1) {
        ctx.fillStyle = css(ROLE.kernel, 0.14);
        box(ctx, b.x + 1, b.y + 1, b.s - 2, b.s - 2, 4);
        ctx.fill();
      }
      ring(ctx, b, theme.ring, mark.depth > 1 ? 1.2 : 2);
    }
  } else {
    ctx.fillStyle = css(ROLE.kernel, lay.cell >= 4 ? 0.32 : 0.5);
    for (const b of boxes) ctx.fillRect(b.x, b.y, Math.max(b.s, 1), Math.max(b.s, 1));
    const frames = new Map();
    for (const b of boxes) {
      const plane = b.ch * g.D + Math.floor(b.cell / (g.H * g.W)), f = frames.get(plane) || [1e9, 1e9, -1, -1];
      frames.set(plane, [Math.min(f[0], b.x), Math.min(f[1], b.y), Math.max(f[2], b.x + b.s), Math.max(f[3], b.y + b.s)]);
    }
    ctx.strokeStyle = css(theme.ring);
    ctx.lineWidth = 2;
    for (const f of frames.values()) ctx.strokeRect(f[0] - 1.5, f[1] - 1.5, f[2] - f[0] + 3, f[3] - f[1] + 3);
  }
  // Below the number, and no smaller than can be read.
  const least = lay.weight ?? 10;
  if (lay.cell < Math.max(38, 2.9 * least) || !labels) return;
  const size = Math.max(least, Math.min(14 * ((lay.type ?? 22) / 22), lay.cell * 0.22));
  ctx.font = `600 ${size}px ${theme.font}`;
  ctx.textAlign = "right";
  ctx.textBaseline = "alphabetic";
  for (const b of boxes) {
    const w = labels(b);
    if (w == null) continue;
    const text = `×${number(w, 2)}`;
    if (ctx.measureText(text).width > lay.cell - 8) continue;
    const pad = isPadding(g, b.cell);
    const v = g.values?.[b.ch * g.n + b.cell];
    ctx.fillStyle = css(pad || v == null ? theme.text : onto(g.image ? grey(g.stats, v) : shade(theme, g.role, g.stats, v), theme.dark));
    ctx.fillText(text, b.x + b.s - 5, b.y + b.s - 5);
  }
}

// From a padding cell to the real cell whose value it holds.
export function paintSource(ctx, g, lay, slots, channel, cell, theme) {
  if (!g.source || g.source[cell] < 0 || !isPadding(g, cell) || lay.cell < 10) return;
  const a = cellBox(lay, slots, g, channel, cell);
  const b = cellBox(lay, slots, g, channel, realToDrawn(g, g.source[cell]));
  if (!a || !b) return;
  const ax = a.x + a.s / 2, ay = a.y + a.s / 2, bx = b.x + b.s / 2, by = b.y + b.s / 2;
  const mx = (ax + bx) / 2 + (by - ay) * 0.18, my = (ay + by) / 2 - (bx - ax) * 0.18;
  const far = Math.hypot(bx - mx, by - my) || 1, ux = (bx - mx) / far, uy = (by - my) / far, back = lay.cell * 0.34;
  const ex = bx - ux * back, ey = by - uy * back, tip = Math.min(6, lay.cell / 5);
  ctx.strokeStyle = ctx.fillStyle = css(theme.text);
  ctx.lineWidth = 1.5;
  ctx.setLineDash([3, 3]);
  box(ctx, b.x + 2, b.y + 2, b.s - 4, b.s - 4, 4);
  ctx.stroke();
  ctx.beginPath();
  ctx.moveTo(ax, ay);
  ctx.quadraticCurveTo(mx, my, ex, ey);
  ctx.stroke();
  ctx.setLineDash([]);
  ctx.beginPath();
  ctx.moveTo(ex + ux * tip, ey + uy * tip);
  ctx.lineTo(ex - uy * tip * 0.6, ey + ux * tip * 0.6);
  ctx.lineTo(ex + uy * tip * 0.6, ey - ux * tip * 0.6);
  ctx.fill();
}

// ---- the operator ----

function operatorEach(op, f, from = 0, to = Infinity) {
  if (op.coo) {
    const { rows, cols, values } = op.coo;
    for (let e = from; e < Math.min(to, values.length); e++) f(rows[e], cols[e], values[e]);
    return;
  }
  const { link } = op, { reals, base, offset, weights } = link, end = Math.min(to, link.pairs.length * link.L);
  for (let u = from; u < end; u++) {
    const pair = link.pairs[Math.floor(u / link.L)], p = u % link.L, row = pair.o * link.L + p, start = pair.i * link.from.nreal;
    if (link.base && weights && pair.k >= 0 && !link.perPair) {
      // The usual case, of which there are hundreds of thousands: without a call for each.
      const first = base[p], plane = pair.k * link.taps;
      for (let t = 0; t < offset.length; t++) {
        const s = first + offset[t];
        if (s >= 0 && s < reals.length && reals[s] >= 0) f(row, start + reals[s], weights[plane + t], t, pair.k);
      }
    } else link.each(p, (s, t, e) => {
      if (reals[s] >= 0 && link.has(pair, e)) f(row, start + reals[s], link.weight(pair, t, e), t, pair.k);
    });
  }
}

function operatorStats(op) {
  if (op.stats) return op.stats;
  if (op.colour === "tap") return (op.stats = { abs: op.taps, taps: op.taps });
  const source = op.coo ? op.coo.values : (op.link.weights ?? op.link.values);
  let min = 0, abs = 0;
  for (const v of source || [1]) if (Number.isFinite(v)) {
    if (v < min) min = v;
    abs = Math.max(abs, Math.abs(v));
  }
  op.stats = { abs: abs || 1, signed: min < 0 };
  return op.stats;
}

// One colour a tap, so that a weight can be followed from the kernel into the matrix.
function tapColour(tap, count) {
  const at = count > 1 ? (tap / (count - 1)) * (CIVIDIS.length - 1) : 3, low = Math.min(CIVIDIS.length - 2, Math.floor(at));
  return mix(CIVIDIS[low], CIVIDIS[low + 1], at - low);
}

// One value in the operator: never invisible, a zero weight included.
function operatorColour(theme, stats, v) {
  if (stats.taps) return tapColour(v - 1, stats.taps);
  if (v === 0) return mix(theme.bg, theme.text, 0.2);
  if (!Number.isFinite(v)) return ODD;
  const t = Math.min(1, Math.abs(v) / stats.abs);
  const end = stats.signed ? (v < 0 ? NEGATIVE : POSITIVE) : ROLE.kernel;
  return mix(theme.bg, end, 0.28 + (theme.dark ? 0.62 : 0.72) * t);
}

const STEP = 120000;

// Paints a small operator at once, a large one after many steps, so that it never blocks a tab: a generator.
export function* paintOperator(ctx, op, lay, theme, surface) {
  const stats = operatorStats(op), sx = lay.w / op.cols, sy = lay.h / op.rows;
  if (sx >= 3 && sy >= 3 && op.nnz <= 20000) {
    const gap = Math.min(sx, sy) >= 8 ? 1 : 0;
    const size = Math.min(15, sy * 0.5, sx * 0.42);
    operatorEach(op, (r, c, v, t) => {
      const colour = operatorColour(theme, stats, stats.taps ? t + 1 : v);
      ctx.fillStyle = css(colour);
      box(ctx, c * sx + gap / 2, r * sy + gap / 2, sx - gap, sy - gap, gap && sx > 10 ? 2 : 0);
      ctx.fill();
      if (!op.plain && size >= 9 && number(v, 2).length * size * 0.56 < sx - 2) {
        ctx.fillStyle = css(onto(colour, theme.dark));
        ctx.font = `500 ${size}px ${theme.font}`;
        ctx.textAlign = "center";
        ctx.fillText(number(v, 2), (c + 0.5) * sx, (r + 0.5) * sy + size * 0.35);
      }
    });
    return;
  }
  const W = Math.max(1, Math.round(lay.w * surface.scale)), H = Math.max(1, Math.round(lay.h * surface.scale)), kx = W / op.cols, ky = H / op.rows;
  const peak = new Float32Array(W * H), hit = new Uint8Array(W * H);
  const total = op.coo ? op.coo.values.length : op.link.pairs.length * op.link.L;
  const perUnit = op.coo ? 1 : Math.max(1, Math.round(op.link.nnz / op.link.L));
  const step = Math.max(1, Math.floor(STEP / perUnit));
  // Where each column and each row begins and ends.
  const ends = (count, k) => Int32Array.from({ length: 2 * count }, (_, i) => Math.floor((i >> 1) * k) + (i & 1 && Math.max(1, Math.floor(((i >> 1) + 1) * k) - Math.floor((i >> 1) * k))));
  const xs = ends(op.cols, kx), ys = ends(op.rows, ky);
  const put = (r, c, value, t) => {
    const v = stats.taps ? t + 1 : value, abs = v < 0 ? -v : v, x1 = xs[2 * c + 1], y1 = ys[2 * r + 1];
    for (let y = ys[2 * r]; y < y1; y++) for (let x = xs[2 * c]; x < x1; x++) {
      const i = y * W + x;
      if (!hit[i] || abs > Math.abs(peak[i])) peak[i] = v;
      hit[i] = 1;
    }
  };
  for (let at = 0; at < total; at += step) {
    operatorEach(op, put, at, at + step);
    yield;
  }
  const rgba = new Uint8ClampedArray(4 * W * H), pixels = new Uint32Array(rgba.buffer), colours = new Map();
  for (let i = 0; i < W * H; i++) if (hit[i]) {
    // 255 shades are all an eye can tell apart, and few enough to look up; a tap keeps its own colour.
    const exact = stats.taps || peak[i] === 0 || !Number.isFinite(peak[i]);
    const level = exact ? peak[i] : (Math.round((peak[i] / stats.abs) * 127) || 0.5) / 127;
    let c = colours.get(level);
    if (c == null) {
      const [r, g, b] = operatorColour(theme, stats, stats.taps ? level : level * stats.abs).map(Math.round);
      colours.set(level, (c = ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0));
    }
    pixels[i] = c;
  }
  surface.pixels(ctx, rgba, W, H, 0, 0, W / surface.scale, H / surface.scale);
}
