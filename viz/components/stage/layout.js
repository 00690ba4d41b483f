// Where everything goes: from the shapes of a scene and the room that there is, the size of every cell. No DOM here.

import { clamp, number, shorten, times } from "./words.js";

const INSET = 4, READABLE = 24, NUMBERED = 20, NAMED = 9, LETTER = 0.564;
const least = (lays) => Math.min(...lays.map((l) => l.cell));

export function steppers(g) {
  const list = [], { count } = g;
  if (count.c < g.C) list.push("c");
  if (count.d < g.D) list.push("d");
  return list;
}

export function planeName(g, ch, d) {
  // A stepper above the only channel names it already.
  const stepped = g.D > 1 && g.count.c === 1 && g.role !== "kernel";
  const one = stepped ? "" : (g.planes?.[ch] ?? (g.C > 1 ? `channel ${ch}` : ""));
  return g.D > 1 ? `${one ? `${one}, ` : ""}depth ${d}` : one;
}

// Characters of the longest name of a plane, and of the longest in short; asked thousands of times while places are tried.
function longestName(g) {
  g.names ??= new Map();
  const { c } = g.count;
  if (!g.names.has(c)) {
    const names = [...Array(g.C).keys()].slice(0, 99).map((ch) => planeName(g, ch, 0));
    g.names.set(c, [names, names.map(shorten)].map((list) => Math.max(...list.map((name) => name.length))));
  }
  return g.names.get(c);
}

// A grid's title, its size, and its size with padding where it has any.
export function titled(g) {
  const size = times(g.realShape), drawn = times(g.sp);
  return { title: g.title, size: g.named ?? `${g.C > 1 ? `${g.C}×` : ""}${size}`, padded: size === drawn ? "" : drawn };
}

export class Layout {
  // `unit`: px of the screen for each px that is written here, more where the page is set larger. `gaps`: between grids, with
  // a symbol and without. `chrome`: height of what is not the well. `narrow`: one slice of several, or one line, may be shown
  // where all are too small to read. `presented`: names are as large as titles.
  constructor(scene, { unit = 1, gaps = [34, 14], chrome = 72 + 52 + 16, narrow = false, presented = false } = {}) {
    Object.assign(this, { scene, unit, gaps, chrome, narrow, label: (presented ? 14 : 11) * unit, weight: presented ? 14 * unit : 10, fill: presented ? 0.5 : 0.4, tight: false, flat: scene.flat });
  }

  // How many channels and slices are drawn at once; `few`: one channel (1), and one slice of it (2).
  counts(g, few) {
    const most = few ? 1 : g.sp.length === 1 ? 12 : 4;
    const d = g.D <= 6 && !(few > 1) ? g.D : 1, room = Math.max(1, Math.floor((g.D > 1 && !few ? 6 : most) / d));
    if (g.C <= room) return { c: g.C, d };
    const link = this.scene.kernelLink(g);
    if (link) {
      const per = Math.max(1, ...[...link.byOut.values()].map((ps) => new Set(ps.map((p) => p.k)).size));
      return { c: per <= room ? per : 1, d, kernel: link };
    }
    return { c: 1, d };
  }

  // How wide a column beside the lines of a one-dimensional grid is that names them; 0 where it has one line.
  besideLines(g) {
    const lines = g.sp.length === 1 && g.count.c > 1;
    return lines ? Math.ceil(LETTER * this.label * longestName(g)[this.short ? 1 : 0] + 8 * this.unit) : 0;
  }

  // One grid as `cols` planes a row, inside w × h with cells of at most `most`, its lines behind `lead` px for their names;
  // null where it cannot be drawn.
  arrange(g, w, h, most, cols, lead = this.besideLines(g)) {
    const { count } = g, n = count.c * count.d, label = n > 1 && g.sp.length > 1, rows = Math.ceil(n / cols);
    const labelH = label ? Math.round(this.label + 6 * this.unit) : 0, gapX = 12, gapY = label ? 4 : 0;
    const labelW = label ? Math.min(84 * this.unit, LETTER * this.label * longestName(g)[0]) : 0;
    const cw = (w - 2 * INSET - (cols - 1) * gapX) / (cols * g.W);
    const ch = (h - 2 * INSET - rows * labelH - (rows - 1) * gapY) / (rows * g.H);
    const named = lead && Math.min(most, ch, cw - lead / g.W) >= NAMED ? lead : 0;
    let cell = Math.min(most, cw - named / g.W, ch);
    if (cell >= 5) cell = Math.floor(cell);
    if (cell <= 0) return null;
    const planeW = cell * g.W, planeH = cell * g.H, slotW = Math.max(planeW, labelW);
    return { cell, cols, label: this.label, weight: this.weight, type: this.type, fill: this.fill, labelH, gapX, gapY, planeW, planeH, slotW, inset: INSET, lead: named,
      w: named + 2 * INSET + cols * slotW + (cols - 1) * gapX, h: 2 * INSET + rows * (planeH + labelH) + (rows - 1) * gapY };
  }

  // Ways to lay out the planes of every grid: each a list of columns by grid.
  ways() {
    let all = [[]];
    for (const g of this.scene.grids) {
      const n = g.count.c * g.count.d, cols = g.sp.length === 1 ? [1] : [1, 2, 3, 4, 6].filter((c) => c <= n && Math.ceil(n / c) * c - n < c);
      all = all.flatMap((way) => cols.map((c) => [...way, c]));
      if (all.length > 300) all = all.filter((way) => new Set(way).size <= 2);
    }
    return all;
  }

  // Ever fewer channels at once, the kernels' last: [few] by grid, without those that change nothing.
  thinner() {
    const { grids } = this.scene, seen = new Set(), order = ["input", "map", "output", "kernel"];
    const levels = [-1, 0, 1, 2, 3].map((last) => grids.map((g) => Number(!g.image && order.indexOf(g.role) <= last)));
    if (this.narrow) {
      // Then one slice at a time, of the largest grids first.
      const large = [...grids].sort((a, b) => b.n - a.n);
      levels.push(...large.map((_, last) => grids.map((g) => (large.indexOf(g) <= last ? 2 : 1))));
    }
    return levels.filter((few) => {
      const key = grids.map((g, i) => Object.values(this.counts(g, few[i])).slice(0, 2)).join("|");
      return !seen.has(key) && seen.add(key);
    });
  }

  // All planes at once if their numbers can be read from the back row, else as few as that takes; null: titles too wide.
  bestOfAll(roomW, roomH, top, given) {
    const { grids } = this.scene;
    let read = -1, best = null;
    for (const few of given ? [given] : this.thinner()) {
      grids.forEach((g, i) => (g.count = this.counts(g, few[i])));
      const lays = this.bestRow(roomW, roomH, top), can = lays ? this.legible(lays) : -1;
      if (can > read) {
        read = can;
        best = { lays, counts: grids.map((g) => g.count) };
      }
      if (lays?.every((l) => l.cell >= READABLE)) break;
    }
    return best;
  }

  // How many grids can be read from the back row; in a narrow frame it comes first how many show numbers at all.
  legible(lays) {
    const { grids } = this.scene, can = (test) => lays.filter(test).length;
    return can((l) => l.cell >= READABLE) + (this.narrow ? 10 * can((l, i) => l.cell >= this.numbered(grids[i])) : 0);
  }

  // From which size on a grid's cells show their numbers: numberFont.
  numbered(g) {
    if (g.longest == null) {
      g.longest = 1;
      const digits = g.stats.allInt ? 3 : 2;
      if (g.values && g.values.length <= 4096) for (const v of g.values) g.longest = Math.max(g.longest, number(v, digits).length);
    }
    return Math.max(NUMBERED, Math.ceil(4 + 8 * 0.56 * g.longest));
  }

  // The best row of grids for the planes that they show now.
  bestRow(roomW, roomH, top) {
    let lays = null, best = -1;
    for (const way of this.ways()) {
      const got = this.fitRow(way, roomW, roomH, top);
      if (!got) continue;
      const score = this.worth(got);
      if (!lays || score > best) {
        best = score;
        lays = got;
      }
    }
    return lays;
  }

  // The largest cells that fit a row: one size for all, except that a small grid is never shrunk to keep a large one company.
  fitRow(way, roomW, roomH, top) {
    const { grids } = this.scene;
    const captions = grids.map((g) => this.captionWidth(g)), rooms = grids.map((g) => roomH - this.steppersH(g));
    if (captions.reduce((sum, w) => sum + w, 0) > roomW) return null;
    const put = (most) => {
      const lays = grids.map((g, i) => this.arrange(g, roomW, rooms[i], most(g, way[i]), way[i]));
      return lays.includes(null) || lays.reduce((sum, l, i) => sum + Math.max(l.w, captions[i]), 0) > roomW ? null : lays;
    };
    for (let s = top; s >= 30; s--) {
      const same = put(() => s);
      if (same) return same;
    }
    // Where cells get tiny, small grids keep a size of `least` px; as wide as the row can bear.
    const at = (size, least) => put((g, cols) => (g.role === "kernel" || size < 10 ? Math.max(size, Math.min(34, least / (cols * g.W))) : size));
    const ten = at(10, 140);
    let found = null;
    for (const least of [140, 110, 84, 60]) {
      let [lo, hi] = ten ? [10, 34] : [0.02, 10], got = found ? null : ten;
      for (let i = 0; i < 14; i++) {
        const mid = Math.sqrt(lo * hi), lays = at(mid, least);
        if (lays) {
          got = lays;
          lo = mid;
        } else hi = mid;
      }
      if (got && (!found || this.legible(got) > this.legible(found))) found = got;
      if (found && !this.narrow) break;
    }
    return found ?? put(() => 15) ?? put(() => 6) ?? put(() => 0.5);
  }

  // Height and width that steppers take: side by side; in a narrow frame one under the other.
  steppersH(g) {
    const n = steppers(g).length;
    return (this.narrow ? n : Math.min(n, 1)) * 24 * this.unit;
  }

  steppersW(g) {
    const n = steppers(g).length;
    if (!this.narrow) return n * 118;
    return n ? (this.tight ? 98 : g.role === "kernel" ? 112 : 104) : 0;
  }

  // How wide a grid's title and its size are, on one line or, tight, on two.
  nameWidth(g) {
    const { title, size, padded } = titled(g), more = size.length + (padded ? 0.86 * ` padded ${padded}`.length : 0);
    return 7.4 * this.unit * (this.tight ? Math.max(title.length, more) : title.length + 1 + more);
  }

  // What a grid's title and steppers need, in px.
  captionWidth(g) {
    return Math.max(this.nameWidth(g), this.steppersW(g) * this.unit);
  }

  // Legible cells first, then large ones, then few planes side by side.
  worth(lays) {
    const least = Math.min(24, ...lays.map((l) => l.cell));
    return 1.5 * Math.log(least) + lays.reduce((sum, l) => sum + Math.log(Math.min(l.cell, 24)) + 0.12 * Math.log(l.cell) - 0.02 * l.cols, 0);
  }

  // All grids, in a frame of `outer` × `height` px; on a phone `height` is theirs alone. Each grid gets its `lay` and the
  // `count` of planes that are shown; what is returned says where the operator goes.
  place(outer, height, phone) {
    // The largest type of a number: a wide screen is seen from afar.
    this.type = 22 * Math.max(1, this.unit, outer / 1000);
    this.short = phone || outer < 640 * this.unit;
    const { scene, unit } = this, W = outer - (phone ? 22 : 34) * unit, op = scene.operator;
    for (const g of scene.grids) g.count = this.counts(g);
    const capH = (scene.flat && scene.grids.some((g) => steppers(g).length) ? 50 : scene.flat ? 26 : 32) * unit;
    const wellH = phone ? height - 20 * unit : height - this.chrome * unit;
    const under = !phone && op && scene.grids.length > 4 && !scene.flat;
    let opW = op ? (phone ? W : under ? Math.min(W - 400, 560 * unit) : clamp(W * (op.part ?? 0.25), 150, op.part ? W : 270 * unit)) : 0;
    if (op && op.note == null && !phone) opW = Math.max(100, this.operatorSize(opW, wellH - capH - 12, 40).w);
    // Tight, its title stands on two lines as well.
    const tightW = op?.note == null && op && !phone ? Math.max(54 * unit, this.operatorSize(opW, wellH - capH - 12, 40).w) : opW;
    const noteH = 17 * unit * (1 + (op?.note ?? "").split("\n").length);
    const opH = under ? Math.max(this.operatorSize(opW, 90 * unit).h, noteH) + 16 * unit : 0;
    const top = phone ? (scene.data.compact ?? 48) : Math.round(72 * unit);
    const beside = (room) => (op && !under ? room + 36 : 12);
    const row = (few) => {
      this.tight = false;
      return this.row(W, [beside(opW), beside(tightW)], wellH - opH - 32 * unit, top, few);
    };
    let lays = null;
    this.tight = false;
    this.flat = scene.flat;
    if (phone || scene.flat) {
      const roomW = phone ? W - 22 : W - 60 - (op ? opW + 24 : 0);
      lays = phone ? this.pocket(roomW, wellH, top) : this.stack(roomW, wellH, top);
      if (!phone && this.narrow && (!lays || least(lays) < READABLE)) lays = this.lines(roomW, wellH, top, row);
    } else lays = row();
    scene.grids.forEach((g, i) => (g.lay = lays[i]));
    const roomH = under ? 90 * unit : wellH - capH - (op?.note == null ? 12 : 46) * unit;
    return { W, opW, wellH, roomH, under: !!under };
  }

  // On a phone: all planes if their numbers can be read, else as few as that takes. With cells that a finger finds the well is
  // as high as it takes, or scrolls: stage.css.
  pocket(roomW, high, top) {
    const { grids, data } = this.scene, { touched, waiting } = data;
    const floor = Math.max(...grids.map((g) => g.H)) > 20 ? 0 : touched ? NUMBERED : waiting ? 4 : 12;
    let best = null;
    for (const few of this.thinner()) {
      grids.forEach((g, i) => (g.count = this.counts(g, few[i])));
      // With titles on two lines there may be fewer rows.
      for (const tight of this.scene.flat ? [false] : [false, true]) {
        this.tight = tight;
        let lays = this.stack(roomW, high, top, true);
        if (!lays || least(lays) < floor) lays = this.stack(roomW, Infinity, floor || NUMBERED, true);
        if (!best || least(lays) > least(best.lays)) best = { lays, tight, counts: grids.map((g) => g.count) };
      }
      if (least(best.lays) >= NUMBERED) break;
    }
    grids.forEach((g, i) => (g.count = best.counts[i]));
    this.tight = best.tight;
    return best.lays;
  }

  // How high grids are in as many rows as they need, each beside its symbol: the blocks of stage.css on a phone.
  flowing(lays, roomW) {
    const { scene, unit } = this, { symbols = [], veiled, compact, marking } = scene.data;
    let total = 0, used = Infinity, high = 0;
    scene.grids.forEach((g, i) => {
      const sign = i ? (symbols[i - 1] ?? "") : "", steps = steppers(g).length;
      // A question mark takes 4 rem, whatever it stands for.
      const covered = veiled && !compact && !marking && g.role === "output";
      const wide = covered ? 64 * unit : Math.max(lays[i].w, this.nameWidth(g), unit * steps * 130);
      const w = wide + unit * (sign.length > 2 ? 8 + 6 * sign.length : sign ? 28 : 0);
      const h = covered ? 64 * unit : lays[i].h + unit * ((this.tight ? 44 : steps ? 28 : 32) + (steps ? 32 : 0));
      if (used + w > roomW) {
        total += high + (high && 12 * unit);
        used = high = 0;
      }
      used += w;
      high = Math.max(high, h);
    });
    return total + high;
  }

  // All grids under each other in `high` px, on a phone side by side where they have room; null where they cannot be drawn.
  stack(roomW, high, top, phone = false) {
    const { scene, unit } = this, { grids } = scene;
    const shift = (g) => (scene.flat && g.role !== "kernel" ? this.shiftOf(g) : 0);
    // A title, its steppers and the gap to the next: stage.css; in a narrow frame they share a line: panels.css.
    const above = (g) => (26 + 10 + (steppers(g).length && (phone || !this.narrow) ? 20 : 0)) * unit;
    // Lines stay aligned: those without a name stand as far to the right.
    const lead = scene.flat ? Math.max(...grids.map((g) => this.besideLines(g))) : undefined;
    for (let s = top; s >= 0.5; s -= s > 4 ? 1 : 0.25) {
      const got = grids.map((g) => {
        const n = g.count.c * g.count.d;
        const ways = [1, 2, 3, 4].filter((c) => c <= n && (c === 1 || g.sp.length > 1));
        // A kernel's numbers can always be read.
        const most = phone && n === 1 && g.role === "kernel" ? Math.max(s, Math.min(top, this.numbered(g))) : s;
        const fits = ways.map((c) => this.arrange(g, roomW, phone && n === 1 ? (scene.data.compact ? 9.5 * scene.data.compact : 268) : 1e4, most, c, lead));
        return phone && !scene.flat ? fits.filter((l) => l && l.w <= roomW && l.cell >= Math.min(20, s)).pop() || fits[0] : fits[0];
      });
      const same = !scene.flat || got.every((l, i) => l.cell >= Math.floor(s) && l.w + shift(grids[i]) * l.cell <= roomW);
      const tall = phone && !scene.flat ? this.flowing(got, roomW + 20 * unit) : got.reduce((sum, l, i) => sum + l.h + above(grids[i]), -10 * unit);
      if (same && tall <= high && got.every((l) => l.w <= roomW)) return got;
    }
    return null;
  }

  // Many lines under each other leave no room for their numbers: side by side they may, or one channel at a time.
  lines(roomW, high, top, row) {
    const { grids } = this.scene;
    const rank = (lays) => (lays.every((l, i) => l.cell >= this.numbered(grids[i])) ? 1e3 : 0) + least(lays);
    const ways = [];
    for (const few of this.thinner()) {
      const count = () => grids.forEach((g, i) => (g.count = this.counts(g, few[i])));
      count();
      const lays = this.stack(roomW, high, top);
      if (lays) ways.push({ lays, flat: true, tight: false, count });
      const beside = row(few);
      if (beside) ways.push({ lays: beside, flat: false, tight: this.tight, count });
      if (ways.some((w) => rank(w.lays) >= 1e3)) break;
    }
    const best = ways.reduce((a, b) => (rank(b.lays) > rank(a.lays) ? b : a), ways[0]);
    best.count();
    this.flat = best.flat;
    this.tight = best.tight;
    return best.lays;
  }

  // All grids side by side in `high` px, each under its title, with `besides` px of the width for something else, less
  // where titles are tight; `few`: the planes that are shown.
  row(W, besides, high, top, few) {
    const { scene, unit } = this, { grids } = scene, symbols = scene.data.symbols || [], [wide, slim] = this.gaps;
    const symW = grids.slice(1).reduce((s, _, i) => s + (symbols[i] ? wide : slim) * unit, 0);
    let best = this.bestOfAll(W - symW - besides[0], high, top, few);
    if (!best || (this.narrow && least(best.lays) < NUMBERED)) {
      // Titles too wide for one row stand on two lines, and the symbols move closer.
      this.tight = true;
      const closer = this.bestOfAll(W - besides[1] - (grids.length - 1) * 20 * unit, high - 20 * unit, top, few);
      if (!best || (closer && this.legible(closer.lays) > this.legible(best.lays))) {
        best = closer;
        high -= 20 * unit;
      } else this.tight = false;
    }
    if (!best && few) return null;
    // Too wide still: drawn all the same.
    const lays = best?.lays ?? grids.map((g) => this.arrange(g, W / grids.length, high - this.steppersH(g), 34, 1));
    if (best) grids.forEach((g, i) => (g.count = best.counts[i]));
    const limit = Math.max(34, least(lays) * 1.5);
    return lays.map((l, i) => (l.cell > limit ? this.arrange(grids[i], l.w, l.h, Math.floor(limit), l.cols) : l));
  }

  // One-dimensional grids stand under each other with their real cells aligned: cells of room before the padding.
  shiftOf(g) {
    return Math.max(...this.scene.grids.map((h) => h.real?.[0][0] ?? 0)) - (g.real?.[0][0] ?? 0);
  }

  // True proportions while they can be seen; very long or flat matrices are stretched to a readable box.
  operatorSize(w, h, most = 18) {
    const op = this.scene.operator;
    let cell = Math.min(most, w / op.cols, h / op.rows);
    if (cell >= 4) cell = Math.floor(cell * 2) / 2;
    const least = Math.min(44, h);
    return { w: Math.min(w, Math.max(cell * op.cols, least)), h: Math.min(h, Math.max(cell * op.rows, Math.min(least, op.rows * most))) };
  }
}
