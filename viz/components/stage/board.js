// The component: layout, selection, keys, play, edit. State lives on the root node, because new data arrives on the same DOM.

import { box, cellBox, css, fit, mix, number, paintGrid, paintMarks, paintOperator, paintSource, readable, readTheme, ring, ROLE, slotOrigin } from "./draw.js";
import { equation, esc } from "./equation.js";
import { copies, equal, isPadding, realIndex, realToDrawn, Scene } from "./scene.js";

const GROW = "M9.5 2.5h4v4m0-4-4.5 4.5M6.5 13.5h-4v-4m0 4L7 9", SHRINK = "M13.5 2.5 9 7m0-3.5V7h3.5M2.5 13.5 7 9m0 3.5V9H3.5";
const PLAY = "M4 2.5v11l9.5-5.5z", PAUSE = "M4 2.5h3v11H4zM9.5 2.5h3v11h-3z";
export const PHONE = 640;
const SPEEDS = [0.5, 1, 2, 4], INSET = 4, READABLE = 24, NUMBERED = 20, MOST = 1e9;
export const el = (tag, cls) => {
  const node = document.createElement(tag);
  if (cls) node.className = cls;
  return node;
};
const least = (lays) => Math.min(...lays.map((l) => l.cell));
const times = (a) => a.join("×");
const clamp = (v, lo, hi) => Math.max(lo, Math.min(hi, v));

export class Stage {
  constructor(root) {
    this.root = root;
    this.$ = (s) => root.querySelector(s);
    this.well = this.$(".well");
    this.figs = new Map();
    this.shown = {};
    this.depth = {};
    this.last = {};
    this.sel = null;
    this.out = null;
    this.tap = null;
    this.pinned = false;
    this.playing = false;
    this.speed = 1;
    this.edits = 0;
    this.gaps = [34, 14]; // between grids, with a symbol and without
    this.chrome = 72 + 52 + 16; // equation, bar and padding
    this.narrow = false; // whether one slice of several, or one line, may be shown where all are too small to read
    this.unit = 1; // px of the screen for each px that is written here: more where the page is set larger
    this.renders = 0;
    this.theme = readTheme(this.$(".probe"));
    this.wire();
  }

  // ---- new data ----

  update(component) {
    this.send = component.setTriggerValue;
    const data = component.data, first = !this.scene;
    const theme = readTheme(this.$(".probe"));
    if (theme.id !== this.theme.id) {
      this.theme = theme;
      this.variables();
    }
    this.scene = new Scene(data);
    this.root.dataset.renders = String(++this.renders);
    this.closeEditor();
    const shape = JSON.stringify([data.grids.map((g) => [g.id, g.shape, g.title, g.role, g.real, g.image]), data.symbols,
      data.operator && [data.operator.rows, data.operator.cols, data.operator.title, data.operator.note, data.operator.link],
      data.height, data.links?.map((l) => [l.from, l.to, l.kernel, l.pairs])]);
    const rebuilt = shape !== this.shape;
    this.shape = shape;
    this.restore(data, first);
    if (rebuilt) this.build();
    this.layout(rebuilt);
    this.legend();
    this.root.classList.toggle("veiled", !!data.veiled);
    this.hint();
    this.observe();
    if (first && data.autoplay && !matchMedia("(prefers-reduced-motion: reduce)").matches) {
      this.auto = true;
      this.play(true);
    }
  }

  valid(s) {
    const g = s && this.scene.byId[s.grid];
    return !!g && s.ch < g.C && s.cell < g.n;
  }

  // The selection stays where it still exists; a page that sends another `selected` moves it.
  restore(data, first) {
    const want = data.selected ? { grid: data.selected.grid, ch: data.selected.channel || 0, cell: data.selected.cell || 0 } : null;
    const asked = JSON.stringify(want);
    const moved = asked !== this.asked && !first;
    this.asked = asked;
    const isOut = (s) => this.valid(s) && this.scene.into(this.scene.byId[s.grid]).length > 0;
    const last = this.scene.last || this.scene.grids[this.scene.grids.length - 1];
    const start = last && { grid: last.id, ch: 0, cell: last.real ? realToDrawn(last, 0) : 0 };
    if (!isOut(this.out) || first || moved) this.out = isOut(want) ? want : start;
    if (!this.valid(this.sel) || first || moved) {
      this.sel = this.valid(want) ? want : this.out;
      if (!first && !moved) this.pinned = false;
    }
    if ((first || moved) && data.selected?.pinned != null) this.pinned = data.selected.pinned && this.valid(want);
    for (const k of Object.keys(this.last)) if (!this.valid(this.last[k])) delete this.last[k];
    this.tap = null;
  }

  build() {
    const { scene, well } = this;
    well.textContent = "";
    this.figs.clear();
    const line = el("div", "line");
    scene.grids.forEach((g, i) => {
      const fig = el("figure"), cap = el("figcaption"), name = el("div", "name"), cv = el("div", "cv");
      const steps = el("div", "steps"), base = el("canvas", "base"), over = el("canvas", "over");
      const size = times(g.realShape), drawn = times(g.sp);
      const ch = g.C > 1 ? `${g.C}×` : "", full = scene.data.grids[i].named ?? `${ch}${size}`;
      name.innerHTML = `${esc(g.title)} <span class="size">${full}</span>${size === drawn ? "" : ` <small>padded ${drawn}</small>`}`;
      name.style.color = `var(--${ROLE[g.role] ? g.role : "map"})`;
      base.setAttribute("aria-hidden", "true");
      over.tabIndex = 0;
      over.dataset.grid = g.id;
      over.setAttribute("role", "application");
      over.setAttribute("aria-roledescription", "grid of numbers");
      cv.append(base, over);
      cap.append(name, steps);
      fig.append(cap, cv);
      const sym = i > 0 ? el("span", "sym") : null;
      if (sym) {
        sym.textContent = scene.data.symbols?.[i - 1] ?? "";
        sym.classList.toggle("word", sym.textContent.length > 2);
        sym.setAttribute("aria-hidden", "true");
      }
      const block = el("div", "blk");
      if (sym || scene.flat) block.append(sym || el("span", "sym"));
      block.append(fig);
      line.append(block);
      this.figs.set(g.id, { fig, cv, base, over, steps, name, sym });
      this.wireGrid(g.id, over);
    });
    well.append(line);
    this.opFig = this.opShown = null;
    if (scene.operator) this.buildOperator(scene.operator, well);
  }

  buildOperator(op, well) {
    const fig = el("figure", "opbox"), cap = el("figcaption"), head = el("div", "oph"), name = el("div", "name");
    const cv = el("div", "cv"), base = el("canvas", "base"), over = el("canvas", "over"), note = el("div", "note"), grow = el("button");
    name.innerHTML = `${esc(op.title || "Operator")} <span class="size">${op.rows}×${op.cols}</span>`;
    grow.type = "button";
    fig.classList.toggle("before", !!op.before);
    head.append(name, grow);
    cap.append(head);
    note.innerHTML = `${esc(op.note || "").replace(/\n/g, "<br>")}<small>row: ${esc(op.link.to.title.toLowerCase())} cell, column: ${esc(op.first.from.title.toLowerCase())} cell</small>`;
    base.setAttribute("aria-hidden", "true");
    over.tabIndex = 0;
    over.dataset.operator = "true";
    over.setAttribute("role", "application");
    over.setAttribute("aria-roledescription", "matrix");
    cv.append(base, over);
    fig.append(cap, cv);
    if (op.note != null) fig.append(note);
    well.append(fig);
    this.opFig = { fig, cv, base, over, note, grow, name };
    grow.onclick = () => this.enlarge(!this.big);
    over.onpointermove = (e) => this.overOperator(e);
    over.onpointerleave = () => this.leave();
    over.onclick = (e) => {
      this.stop();
      this.pinned = false;
      this.overOperator(e);
      this.pin(true);
    };
    over.onkeydown = (e) => this.operatorKey(e);
  }

  enlarge(on) {
    this.big = on;
    this.layout(true);
    this.opFig?.grow.focus();
  }

  slotsFor(g, count) {
    const all = [];
    const depths = count.d === g.D ? [...Array(g.D).keys()] : [clamp(this.depth[g.id] ?? 0, 0, g.D - 1)];
    let chs;
    if (count.c === g.C) chs = [...Array(g.C).keys()];
    else if (count.kernel) {
      const link = count.kernel, o = this.kernelOut(link);
      const planes = [...new Set((link.byOut.get(o) || link.pairs).map((p) => p.k))];
      const want = (link.byOut.get(o) || []).find((p) => p.i === this.shown[link.from.id])?.k ?? planes[0] ?? 0;
      chs = count.c > 1 ? planes.slice(0, count.c) : [want];
    } else chs = [clamp(this.shown[g.id] ?? 0, 0, g.C - 1)];
    for (const ch of chs) for (const d of depths) all.push({ ch, d });
    return all;
  }

  kernelOut(link) {
    const o = this.out && this.out.grid === link.to.id ? this.out.ch : (this.last[link.to.id]?.ch ?? this.shown[link.to.id] ?? 0);
    return link.byOut.has(o) ? o : (link.pairs[0]?.o ?? 0);
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

  // One grid as `cols` planes a row, inside w × h with cells of at most `most`; null where it cannot be drawn.
  arrange(g, w, h, most, cols) {
    const { count } = g, n = count.c * count.d, label = n > 1 && g.sp.length > 1, rows = Math.ceil(n / cols);
    const labelH = label ? Math.round(17 * this.unit) : 0, gapX = 12, gapY = label ? 4 : 0;
    const labelW = label ? Math.min(84, 6.2 * this.unit * Math.max(...[...Array(g.C).keys()].slice(0, 99).map((c) => this.planeName(g, c, 0).length))) : 0;
    const cw = (w - 2 * INSET - (cols - 1) * gapX) / (cols * g.W);
    const ch = (h - 2 * INSET - rows * labelH - (rows - 1) * gapY) / (rows * g.H);
    let cell = Math.min(most, cw, ch);
    if (cell >= 5) cell = Math.floor(cell);
    if (cell <= 0) return null;
    const planeW = cell * g.W, planeH = cell * g.H, slotW = Math.max(planeW, labelW);
    return { cell, cols, unit: this.unit, labelH, gapX, gapY, planeW, planeH, slotW, inset: INSET,
      w: 2 * INSET + cols * slotW + (cols - 1) * gapX, h: 2 * INSET + rows * (planeH + labelH) + (rows - 1) * gapY };
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
    const put = (most) => {
      const lays = grids.map((g, i) => this.arrange(g, roomW, roomH - this.steppersH(g), most(g, way[i]), way[i]));
      return lays.includes(null) || lays.reduce((sum, l, i) => sum + Math.max(l.w, this.captionWidth(grids[i])), 0) > roomW ? null : lays;
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

  // Height and width that steppers take: side by side, or one under the other.
  steppersH(g) {
    return this.steppers(g).length ? 24 * this.unit : 0;
  }

  steppersW(g) {
    return this.steppers(g).length * 118;
  }

  // What a grid's title and steppers need, in px.
  captionWidth(g) {
    const padded = g.realShape.join() === g.sp.join() ? 0 : 7 + g.sp.join("×").length;
    const size = times([g.C, ...g.realShape]).length + padded;
    return Math.max((this.tight ? Math.max(g.title.length, size) : g.title.length + size) * 7.4, this.steppersW(g)) * this.unit;
  }

  // Legible cells first, then large ones, then few planes side by side.
  worth(lays) {
    const least = Math.min(24, ...lays.map((l) => l.cell));
    return 1.5 * Math.log(least) + lays.reduce((sum, l) => sum + Math.log(Math.min(l.cell, 24)) + 0.12 * Math.log(l.cell) - 0.02 * l.cols, 0);
  }

  // ---- layout ----

  isPhone(width) {
    return width < PHONE;
  }

  layout(force) {
    const { scene, root } = this;
    const outer = root.clientWidth;
    if (!outer || !scene.grids.length) return;
    this.unit = parseFloat(getComputedStyle(document.documentElement).fontSize) / 16 || 1;
    const phone = this.isPhone(outer), height = Math.round((scene.data.height || 500) * Math.sqrt(this.unit));
    root.classList.toggle("phone", phone);
    root.classList.toggle("multi", scene.links.some((l) => [...l.byOut.values()].some((ps) => ps.length > 1)));
    root.style.height = phone ? "" : `${height}px`;
    root.style.setProperty("--h", `${height}px`);
    const key = `${outer}|${this.shape}|${this.big}|${window.devicePixelRatio}|${this.unit}`;
    if (force || key !== this.layoutKey) {
      this.layoutKey = key;
      this.place(outer, height, phone);
    } else {
      // Same shapes: the layout stands, only the arrays are new.
      for (const g of scene.grids) {
        g.lay = this.placed.get(g.id);
        g.count = this.placedCounts.get(g.id);
      }
      if (scene.operator) scene.operator.lay = this.opLay;
    }
    this.baseAll();
    this.select();
  }

  place(outer, height, phone) {
    const { scene, unit } = this, W = outer - (phone ? 22 : 34) * unit, op = scene.operator;
    for (const g of scene.grids) g.count = this.counts(g);
    const capH = (scene.flat && scene.grids.some((g) => this.steppers(g).length) ? 50 : scene.flat ? 26 : 32) * unit;
    const wellH = phone ? 330 : height - this.chrome * unit;
    const under = !phone && op && scene.grids.length > 4 && !scene.flat;
    let opW = op ? (phone ? W : under ? Math.min(W - 400, 560 * unit) : clamp(W * (op.part ?? 0.25), 150, op.part ? W : 270 * unit)) : 0;
    if (op && op.note == null && !phone) opW = Math.max(100, this.operatorSize(opW, wellH - capH - 12, 40).w);
    // Tight, its title stands on two lines as well.
    const tightW = op?.note == null && op && !phone ? Math.max(54 * unit, this.operatorSize(opW, wellH - capH - 12, 40).w) : opW;
    const noteH = 17 * unit * (1 + (op?.note ?? "").split("\n").length);
    const opH = under ? Math.max(this.operatorSize(opW, 90 * unit).h, noteH) + 16 * unit : 0;
    const top = phone ? 48 : Math.round(72 * unit);
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
      lays = this.stack(roomW, phone ? null : wellH, top);
      if (!phone && this.narrow && (!lays || least(lays) < READABLE)) lays = this.lines(roomW, wellH, top, row);
    } else lays = row();
    lays = new Map(scene.grids.map((g, i) => [g, lays[i]]));
    this.well.classList.toggle("flat", this.flat);
    this.well.classList.toggle("tight", this.tight);
    this.well.classList.toggle("under", !!under);
    for (const g of scene.grids) {
      const f = this.figs.get(g.id), lay = lays.get(g);
      g.lay = lay;
      f.cv.style.width = `${lay.w}px`;
      f.cv.style.height = `${lay.h}px`;
      f.fig.style.marginLeft = this.flat && g.role !== "kernel" ? `${this.shiftOf(g) * lay.cell}px` : "";
      f.steps.style.display = this.steppers(g).length ? "" : "none";
    }
    if (op) this.placeOperator(W, opW, wellH, under ? 90 * unit : wellH - capH - (op.note == null ? 12 : 46) * unit, phone);
    this.root.dataset.layout = scene.grids.map((g) => `${g.id}:${g.lay.cell}`).join(" ");
    this.placed = new Map(scene.grids.map((g) => [g.id, g.lay]));
    this.placedCounts = new Map(scene.grids.map((g) => [g.id, g.count]));
    this.opLay = op?.lay;
  }

  // All grids under each other, in `high` px where that is limited; null where they cannot be drawn.
  stack(roomW, high, top) {
    const { scene, unit } = this, { grids } = scene, phone = high == null;
    const shift = (g) => (scene.flat && g.role !== "kernel" ? this.shiftOf(g) : 0);
    // A title, its steppers and the gap to the next: stage.css; in a narrow frame they share a line: panels.css.
    const above = (g) => (26 + 10 + (this.steppers(g).length && (phone || !this.narrow) ? 20 : 0)) * unit;
    for (let s = top; s >= 0.5; s -= s > 4 ? 1 : 0.25) {
      const got = grids.map((g) => {
        const n = g.count.c * g.count.d;
        const ways = [1, 2, 3, 4].filter((c) => c <= n && (c === 1 || g.sp.length > 1));
        const fits = ways.map((c) => this.arrange(g, roomW, phone && n === 1 ? 268 : 1e4, s, c));
        return phone && !scene.flat ? fits.filter((l) => l && l.w <= roomW && l.cell >= Math.min(20, s)).pop() || fits[0] : fits[0];
      });
      const same = !scene.flat || got.every((l, i) => l.cell >= Math.floor(s) && l.w + shift(grids[i]) * l.cell <= roomW);
      const tall = got.reduce((sum, l, i) => sum + l.h + above(grids[i]), -10 * unit);
      if (same && (phone || tall <= high) && got.every((l) => l.w <= roomW)) return got;
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

  placeOperator(W, opW, wellH, roomH, phone) {
    const f = this.opFig, op = this.scene.operator;
    f.fig.classList.toggle("big", !!this.big);
    const size = this.big ? this.operatorSize(W - 8, (phone ? Math.max(260, this.well.clientHeight) : wellH) - 84, 64)
      : this.operatorSize(opW - 2, phone ? 240 : roomH, (op.part ? 40 : phone ? 22 : 18) * this.unit);
    this.scene.operator.lay = size;
    f.cv.style.width = `${size.w}px`;
    f.cv.style.height = `${size.h}px`;
    f.note.style.width = this.big || this.well.classList.contains("under") ? "" : `${Math.max(size.w, Math.min(opW, 180 * this.unit))}px`;
    f.grow.innerHTML = `<svg viewBox="0 0 16 16" aria-hidden="true"><path d="${this.big ? SHRINK : GROW}" fill="none" stroke="currentColor" stroke-width="1.4"/></svg>`;
    f.grow.setAttribute("aria-label", this.big ? "Make the operator small again" : "Enlarge the operator");
    f.grow.title = f.grow.getAttribute("aria-label");
  }

  // ---- steppers ----

  steppers(g) {
    const list = [], { count } = g;
    if (count.c < g.C) list.push("c");
    if (count.d < g.D) list.push("d");
    return list;
  }

  planeName(g, ch, d) {
    // A stepper above the only channel names it already.
    const stepped = g.D > 1 && g.count.c === 1 && g.role !== "kernel";
    const one = stepped ? "" : (g.planes?.[ch] ?? (g.C > 1 ? `channel ${ch}` : ""));
    return g.D > 1 ? `${one ? `${one}, ` : ""}depth ${d}` : one;
  }

  stepText(text) {
    return text;
  }

  drawSteppers(g) {
    const f = this.figs.get(g.id), kinds = this.steppers(g);
    const text = kinds.map((k) => this.stepText(k === "c" ? (g.slots.length > 1 && g.count.kernel ? `output ${this.kernelOut(g.count.kernel)}` : (g.planes?.[g.slots[0].ch] ?? `channel ${g.slots[0].ch}`)) : `depth ${g.slots[0].d}`));
    const key = kinds.join() + text.join();
    if (f.stepKey === key) return;
    f.stepKey = key;
    const focus = this.root.getRootNode().activeElement, had = focus && f.steps.contains(focus) ? [...f.steps.children].indexOf(focus) : -1;
    f.steps.textContent = "";
    kinds.forEach((kind, i) => {
      const make = (by, sign) => {
        const b = el("button");
        b.type = "button";
        b.textContent = sign;
        b.setAttribute("aria-label", `${by < 0 ? "Previous" : "Next"} ${kind === "c" ? "channel" : "slice"} of ${g.title}`);
        b.onclick = () => this.step(this.scene.byId[g.id], kind, by);
        return b;
      };
      const label = el("span");
      label.textContent = text[i];
      f.steps.append(make(-1, "‹"), label, make(1, "›"));
    });
    if (had >= 0) f.steps.children[had]?.focus();
  }

  step(g, kind, by) {
    this.stop();
    if (kind === "d") {
      this.depth[g.id] = (clamp(this.depth[g.id] ?? 0, 0, g.D - 1) + by + g.D) % g.D;
      this.steady = g.id;
    } else if (g.count.kernel) {
      const link = g.count.kernel;
      if (g.count.c > 1) {
        const outs = [...link.byOut.keys()], at = outs.indexOf(this.kernelOut(link));
        this.setOut(link.to, outs[(at + by + outs.length) % outs.length]);
      } else {
        const at = link.pairs.findIndex((p) => p.k === g.slots[0].ch), pair = link.pairs[(at + by + link.pairs.length) % link.pairs.length];
        this.shown[link.from.id] = pair.i;
        this.setOut(link.to, pair.o);
      }
    } else {
      const ch = (clamp(this.shown[g.id] ?? 0, 0, g.C - 1) + by + g.C) % g.C;
      this.shown[g.id] = ch;
      if (this.scene.into(g).length) this.setOut(g, ch);
      else if (this.sel?.grid === g.id) this.sel = { ...this.sel, ch };
    }
    this.baseAll();
    this.select();
    this.steady = null;
  }

  setOut(g, ch) {
    const old = this.out?.grid === g.id ? this.out : this.last[g.id];
    this.out = { grid: g.id, ch, cell: old?.cell ?? (g.real ? realToDrawn(g, 0) : 0) };
    this.sel = this.out;
    this.shown[g.id] = ch;
  }

  // ---- painting ----

  baseAll() {
    for (const g of this.scene.grids) this.baseOf(g);
    this.baseOperator();
  }

  // A base canvas is painted again only when what it shows has changed.
  baseOf(g) {
    const f = this.figs.get(g.id);
    g.slots = this.slotsFor(g, g.count);
    this.drawSteppers(g);
    const raw = this.scene.data.grids[g.index];
    const key = JSON.stringify([g.slots, g.lay, this.theme.id, raw.planes, raw.role, raw.real, raw.image, raw.colour, window.devicePixelRatio]);
    const arrays = [raw.values, raw.source];
    if (f.key === key && equal(f.arrays, arrays)) return;
    f.key = key;
    f.arrays = arrays;
    paintGrid(f.base, g, g.lay, g.slots, this.theme, (k) => this.planeName(g, g.slots[k].ch, g.slots[k].d));
  }

  baseOperator() {
    const op = this.scene.operator;
    if (!op || !op.lay) return;
    const raw = this.scene.data;
    const shown = [op.lay, this.theme.id, window.devicePixelRatio, op.rows, op.cols, op.colour, op.plain, op.coo ? raw.operator.entries : [raw.links,
      op.link.kernel && raw.grids[op.link.kernel.index].values, op.link.from.source && raw.grids[op.link.from.index].source]];
    if (equal(shown, this.opShown)) return;
    this.opShown = shown;
    this.opStop?.();
    this.opStop = paintOperator(this.opFig.base, op, op.lay, this.theme);
  }

  repaint() {
    this.theme = readTheme(this.$(".probe"));
    this.variables();
    this.baseAll();
    this.select();
  }

  variables() {
    const t = this.theme, set = (k, c) => this.root.style.setProperty(k, c);
    for (const [k, c] of Object.entries(t.ink)) set(`--${k}`, css(c));
    set("--muted", css(t.muted));
    set("--text", css(t.text));
    set("--pink", css(t.pink));
    set("--pinktext", css(readable(t.pink, t.bg, t.text)));
    set("--ring", css(t.ring));
    set("--faint", css(mix(t.bg, t.text, 0.06)));
    set("--hatch", css(mix(t.bg, t.text, 0.35)));
  }

  // Recompute what the selection touches and paint the overlays: one call, within the event's own frame.
  select() {
    const { scene, sel } = this;
    if (!sel || !scene.grids.length || !scene.grids[0].lay) return;
    const g = scene.byId[sel.grid], link = scene.kernelLink(g), isOut = scene.into(g).length > 0;
    let centre = sel, tap = this.tap;
    if (link && sel.grid === link.kernel?.id) {
      centre = this.outFor(link, sel.ch);
      tap = { link, tap: sel.cell, k: sel.ch };
    } else if (!isOut) centre = null;
    if (centre) {
      this.out = centre;
      this.last[centre.grid] = centre;
    }
    this.follow(centre, sel);
    let marks;
    if (centre) marks = scene.upstream(scene.byId[centre.grid], centre.ch, centre.cell);
    else marks = scene.downstream(g, sel.ch, sel.cell);
    if (centre && scene.outOf(scene.byId[centre.grid]).length) {
      for (const [h, m] of scene.downstream(scene.byId[centre.grid], centre.ch, centre.cell)) if (!marks.has(h)) marks.set(h, { ...m, depth: Math.max(2, m.depth) });
    }
    this.marks = marks;
    for (const h of scene.grids) this.overlay(h, marks.get(h), centre, tap);
    this.overlayOperator(centre, tap);
    this.describe(centre, tap);
    const d = this.root.dataset;
    d.selected = `${sel.grid}:${sel.ch}:${sel.cell}`;
    d.window = [...marks].map(([h, m]) => `${h.id}:${[...m.chs].join("+")}:${[...m.cells.keys()].sort((a, b) => a - b).join(",")}`).join(";");
    d.pinned = String(this.pinned);
    d.playing = String(this.playing);
  }

  outFor(link, plane) {
    const now = this.out?.grid === link.to.id ? this.out : (this.last[link.to.id] ?? null);
    const ps = link.byPlane.get(plane) || [];
    const o = ps.some((p) => p.o === now?.ch) ? now.ch : (ps[0]?.o ?? 0);
    if (ps.length) this.shown[link.from.id] = (ps.find((p) => p.o === o) || ps[0]).i;
    let cell = now?.cell;
    if (cell == null) {
      const m = this.marks?.get(link.to);
      cell = m ? [...m.cells.keys()].find((c) => !isPadding(link.to, c)) : null;
    }
    return { grid: link.to.id, ch: o, cell: cell ?? (link.to.real ? realToDrawn(link.to, 0) : 0) };
  }

  // Bring the planes into view that the selection is about.
  follow(centre, sel) {
    const g = this.scene.byId[sel.grid];
    let dirty = false;
    const want = (map, id, v) => {
      if (map[id] !== v) {
        map[id] = v;
        dirty = true;
      }
    };
    const seeChannel = (h, s) => {
      if (!this.scene.kernelLink(h)) want(this.shown, h.id, s.ch);
      if (h.id !== this.steady) want(this.depth, h.id, Math.floor(s.cell / (h.H * h.W)));
    };
    seeChannel(g, sel);
    if (centre) {
      const h = this.scene.byId[centre.grid];
      seeChannel(h, centre);
      for (const link of this.scene.into(h)) {
        const pairs = link.byOut.get(centre.ch) || [];
        if (pairs.length && !pairs.some((p) => p.i === this.shown[link.from.id])) want(this.shown, link.from.id, pairs[0].i);
        this.followSlices(link, centre, sel, want);
      }
    }
    const stepped = this.scene.grids.some((h) => h.count.c < h.C || h.count.d < h.D);
    if (dirty && stepped) for (const h of this.scene.grids) this.baseOf(h);
  }

  // A slice of the source and the slice of the kernel that it meets; the one that was asked for decides on the other.
  followSlices(link, centre, sel, want) {
    const { from, kernel, tap } = { ...link, tap: this.tap }, sliced = (g) => g && g.count.d < g.D;
    if (!sliced(from) && !sliced(kernel)) return;
    const slice = (g, cell) => Math.floor(cell / (g.H * g.W)), all = [];
    link.each(link.position(centre.cell), (s, t) => {
      if (!tap || tap.link !== link || (t === tap.tap && (tap.src ?? s) === s)) all.push([slice(from, s), kernel ? slice(kernel, t) : 0, s]);
    });
    // Slices of zeros that were put there say little: the others first.
    const real = all.filter((m) => !isPadding(from, m[2])), met = real.length && this.narrow ? real : all;
    const keep = (g, at, asked) => {
      if (!sliced(g)) return;
      const now = this.depth[g.id] ?? 0, hits = met.filter((m) => m[at] === now);
      if (hits.length) met.splice(0, met.length, ...hits);
      else if (!asked && met.length) {
        const next = Math.min(...met.map((m) => m[at]));
        want(this.depth, g.id, next);
        met.splice(0, met.length, ...met.filter((m) => m[at] === next));
      }
    };
    const held = kernel && (sel.grid === kernel.id || this.steady === kernel.id);
    if (held) keep(kernel, 1, true);
    keep(from, 0, this.steady === from.id);
    if (kernel && !held) keep(kernel, 1);
  }

  overlay(g, mark, centre, tap) {
    const f = this.figs.get(g.id), { theme, sel } = this, lay = g.lay, ctx = fit(f.over, lay.w, lay.h);
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
    const kl = this.scene.kernelLink(g);
    if (kl) this.overlayKernel(ctx, g, kl, centre, tap);
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
        if (this.pinned && chosen === sel) {
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
    this.label(g, chosen);
  }

  // Planes in use by the selected output, the taps an input cell meets, and the one weight that is followed.
  overlayKernel(ctx, g, link, centre, tap) {
    const { theme, sel } = this, lay = g.lay;
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
      });
    }
    if (tap && tap.link === link && tap.tap >= 0) {
      const b = cellBox(lay, g.slots, g, tap.k, tap.tap);
      if (b) ring(ctx, b, theme.pink, 3);
    }
  }

  overlayOperator(centre, tap) {
    const op = this.scene.operator;
    if (!op || !op.lay) return;
    const { theme, sel } = this, { w, h } = op.lay, ctx = fit(this.opFig.over, w, h), sx = w / op.cols, sy = h / op.rows;
    const band = (x, y, bw, bh, colour, width) => {
      ctx.strokeStyle = css(colour);
      ctx.lineWidth = width;
      const min = 4, gx = Math.max(0, min - bw) / 2, gy = Math.max(0, min - bh) / 2, o = width / 2;
      box(ctx, clamp(x - gx, 0, w - bw) + o, clamp(y - gy, 0, h - bh) + o, Math.max(bw, min) - width, Math.max(bh, min) - width, 2);
      ctx.stroke();
    };
    this.opAt = null;
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
        this.opAt = { row, col: this.opCol ?? 0 };
        band(0, row * sy, w, sy, theme.pink, 2);
        text = `row ${row}`;
        if (this.opCol != null) {
          const w = tap && tap.link === op.link && tap.link.weighted ? this.weightOf(tap, p) : null;
          text += `, column ${this.opCol}: ${w == null ? "no entry" : number(w)}`;
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
    if (this.opCol != null && centre) band(this.opCol * sx, 0, sx, h, theme.ring, 1.2);
    this.opFig.over.setAttribute("aria-label", `${op.title || "Operator"}, ${op.rows} rows, ${op.cols} columns${text ? `, ${text} selected` : ""}.${op.note ? ` ${op.note.replace(/\n/g, ", ")}` : ""}`);
  }

  // The weight of the entry that a tap makes at a position.
  weightOf(tap, p) {
    const { link } = tap, pair = link.pairs.find((q) => q.k === tap.k && q.i === tap.i);
    let found = null;
    if (pair) link.each(p, (s, t, e) => {
      if (t === tap.tap && (tap.src == null || tap.src === s)) found = link.weight(pair, t, e);
    });
    return found;
  }

  place1(g, cell) {
    if (g.sp.length === 1) return `position ${cell}`;
    const d = Math.floor(cell / (g.H * g.W)), r = cell % (g.H * g.W);
    return `${g.D > 1 ? `depth ${d}, ` : ""}row ${Math.floor(r / g.W)}, column ${r % g.W}`;
  }

  label(g, s) {
    const over = this.figs.get(g.id).over;
    const what = s ? `, ${this.planeName(g, s.ch, 0) && g.C > 1 ? `${g.planes?.[s.ch] ?? `channel ${s.ch}`}, ` : ""}${this.place1(g, s.cell)}${g.values ? `: ${number(g.values[s.ch * g.n + s.cell])}` : ""}${isPadding(g, s.cell) ? ", padding" : ""} selected` : "";
    over.setAttribute("aria-label", `${g.title}, ${g.C > 1 ? `${g.C} channels of ` : ""}${g.sp.join(" by ")}${what}`);
  }

  describe(centre, tap) {
    const eq = this.$(".eq"), { scene, sel } = this;
    const { classList } = this.root, multi = classList.contains("multi");
    const room = this.room(classList.contains("phone"), multi);
    let r;
    if (centre) {
      const link = scene.into(scene.byId[centre.grid])[0];
      r = equation(scene, centre, { channel: this.shown[link.from.id] ?? 0, tap: tap && tap.link === link ? tap.tap : null, src: tap?.src, room, reads: this.reads() });
      this.part = r.part;
    } else r = this.reach(sel);
    const html = `${r.main}\n${r.sub}`;
    if (html !== this.eqHtml) {
      this.eqHtml = html;
      eq.firstElementChild.innerHTML = r.main;
      eq.lastElementChild.innerHTML = r.sub;
    }
    // The same words in another theme have other colours.
    for (const [cls, grid] of [["--input", centre && this.part?.link.from], ["--kernel", centre && this.part?.link.kernel], ["--output", centre && scene.byId[centre.grid]]]) {
      if (grid) eq.style.setProperty(cls, css(this.theme.ink[grid.role] ?? this.theme.ink.map));
      else if (centre || cls !== "--input") eq.style.removeProperty(cls);
    }
  }

  // How much of an equation a line takes.
  room(phone, multi) {
    return phone ? { terms: 9, chars: 88 } : { terms: 12, chars: multi ? 110 : 190 };
  }

  reads() {
    const up = [...this.marks].filter(([g]) => g.index < this.scene.byId[this.out.grid].index);
    return up.map(([g, m], i) => `${m.cells.size} ${i ? "" : m.cells.size === 1 ? "cell " : "cells "}of ${esc(g.title)}`).join(", ");
  }

  // An input cell: which outputs it reaches, and with which weight.
  reach(sel) {
    const { scene } = this, g = scene.byId[sel.grid], v = g.values ? number(g.values[sel.ch * g.n + sel.cell]) : "";
    this.part = null;
    this.$(".eq").style.setProperty("--input", css(this.theme.ink[g.role] ?? this.theme.ink.map));
    const links = scene.outOf(g), pad = isPadding(g, sel.cell);
    const head = `<b class="x">${v}</b>`;
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
    const most = this.root.classList.contains("phone") ? 6 : 9;
    const few = [...hits].sort((a, b) => a[0] - b[0]).slice(0, most).map(([row, w]) => {
      const y = link.to.values ? link.to.values[Math.floor(row / link.L) * link.to.n + link.drawn(row % link.L)] : null;
      return `${y == null ? "" : `<b class="y">${number(y)}</b> `}${link.weighted && link.reduce === "sum" ? `<b class="w">×${number(w)}</b>` : ""}`;
    });
    const sub = few.join("<i>,  </i>") + (outs > most ? ` <span class="more">… ${outs - most} more</span>` : "");
    return { main, sub };
  }

  hint() {
    const hint = this.$(".hint"), text = this.pinned ? "Pinned. Esc or click again to let go" : (this.scene.data.veiled && "Predict first: the answer waits under the question mark") || this.scene.data.caption || (matchMedia("(hover: none)").matches ? "Tap a cell, or walk with the buttons" : "Hover or use the arrow keys; click pins a cell");
    if (hint.textContent !== text) hint.textContent = text;
  }

  legend() {
    const box = this.$(".legend"), { scene } = this;
    const bits = [];
    if (scene.data.legend) {
      bits.push('<span><em class="sel"></em>selected</span>', `<span><em class="win"></em>${scene.links.length ? "window" : "related"}</span>`);
      if (scene.grids.some((g) => g.real && g.n !== g.nreal)) bits.push('<span><em class="pad"></em>padding</span>');
      if (scene.grids.some((g) => g.stats.signed)) bits.push('<span>−<em class="sgn"></em>+</span>');
    }
    const html = bits.join("");
    if (html !== this.legendHtml) box.innerHTML = this.legendHtml = html;
  }

  // ---- pointer ----

  hit(g, e) {
    const r = this.figs.get(g.id).over.getBoundingClientRect(), { lay, slots } = g;
    const x = ((e.clientX - r.left) / r.width) * lay.w, y = ((e.clientY - r.top) / r.height) * lay.h;
    for (let k = 0; k < slots.length; k++) {
      const o = slotOrigin(lay, k), cx = Math.floor((x - o.x) / lay.cell), cy = Math.floor((y - o.y) / lay.cell);
      if (cx >= 0 && cy >= 0 && cx < g.W && cy < g.H) return { grid: g.id, ch: slots[k].ch, cell: slots[k].d * g.H * g.W + cy * g.W + cx };
    }
    return null;
  }

  choose(s, keep) {
    if (!s || (this.sel && s.grid === this.sel.grid && s.ch === this.sel.ch && s.cell === this.sel.cell && !this.tap && this.opCol == null)) return;
    this.sel = s;
    this.tap = null;
    this.opCol = null;
    if (keep) this.kept = true;
    this.select();
  }

  // Away from inputs and kernels the stage rests on the last output cell, so the equation never goes blank.
  leave() {
    if (this.pinned || this.playing || this.kept) return;
    this.tap = null;
    this.opCol = null;
    if (this.out) this.sel = this.out;
    this.select();
  }

  wireGrid(id, over) {
    const grid = () => this.scene.byId[id];
    over.onpointermove = (e) => {
      if (e.pointerType === "touch" || this.pinned || this.editor) return;
      if (this.playing) {
        if (!this.auto) return;
        this.stop();
      }
      const s = this.hit(grid(), e);
      this.kept = false;
      if (s) this.choose(s);
    };
    over.onpointerleave = () => this.leave();
    over.onpointerdown = (e) => (this.pointer = e.pointerType);
    over.onclick = (e) => {
      const s = this.hit(grid(), e);
      if (!s) return;
      const same = this.sel && s.grid === this.sel.grid && s.ch === this.sel.ch && s.cell === this.sel.cell;
      this.stop();
      if (this.pointer === "touch") {
        if (same && this.tapped && this.edit(s)) return;
        this.tapped = true;
        this.pin(false, false);
        this.choose(s, true);
        this.tell(s);
        return;
      }
      const unpin = same && this.pinned;
      this.sel = s;
      this.tap = null;
      this.pin(!unpin);
    };
    over.ondblclick = (e) => {
      const s = this.hit(grid(), e);
      if (s) this.edit(s);
    };
    over.onfocus = () => {
      if (!over.matches(":focus-visible") || this.pinned || this.playing) return;
      const s = this.cellIn(grid());
      this.choose(s, true);
    };
    over.onblur = () => (this.kept = false);
    over.onkeydown = (e) => this.key(e, grid());
  }

  // The selected cell where it lies in this grid, else the one that was selected there last, else the first.
  cellIn(g) {
    if (this.sel?.grid === g.id) return this.sel;
    return this.last[g.id] ?? { grid: g.id, ch: g.slots[0].ch, cell: g.slots[0].d * g.H * g.W + (g.real && g.D === 1 ? realToDrawn(g, 0) : 0) };
  }

  pin(on, tells = true) {
    this.pinned = on;
    this.hint();
    this.select();
    if (tells) this.tell(on ? this.sel : null);
  }

  // The cell that a click or Enter has chosen, or null when it was let go: panels send it to a page that keeps it.
  tell() {}

  overOperator(e) {
    const op = this.scene.operator;
    if (!op || this.pinned || (this.playing && !this.auto)) return;
    if (this.playing) this.stop();
    const r = this.opFig.over.getBoundingClientRect();
    const col = clamp(Math.floor(((e.clientX - r.left) / r.width) * op.cols), 0, op.cols - 1);
    const row = clamp(Math.floor(((e.clientY - r.top) / r.height) * op.rows), 0, op.rows - 1);
    this.kept = false;
    this.chooseEntry(row, col);
  }

  chooseEntry(row, col) {
    const op = this.scene.operator, link = op.link;
    const o = Math.floor(row / link.L), p = row % link.L;
    this.sel = { grid: link.to.id, ch: o, cell: link.drawn(p) };
    this.opCol = col;
    this.tap = null;
    if (op.direct) {
      const i = Math.floor(col / link.from.nreal), pair = link.byOut.get(o)?.find((q) => q.i === i);
      if (pair) {
        link.each(p, (s, t, e) => {
          if (!this.tap && link.has(pair, e) && link.column(i, s) === col) this.tap = { link, tap: t, k: pair.k, i, src: s };
        });
        this.shown[link.from.id] = i;
      }
    }
    this.select();
  }

  // ---- keys ----

  key(e, g) {
    // A pointer that only passed over another grid does not take the keys along.
    const s = this.sel?.grid === g.id || !(this.pinned || this.playing) ? this.cellIn(g) : null;
    if (e.ctrlKey && !["Home", "End"].includes(e.key)) return;
    if (e.metaKey || e.altKey) return;
    const moves = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
    let next = null;
    if (s && moves[e.key]) next = this.move(g, s, ...moves[e.key]);
    else if (s && (e.key === "Home" || e.key === "End")) {
      const rest = s.cell % g.W, end = e.key === "End";
      next = e.ctrlKey ? { ...s, cell: end ? g.n - 1 : 0 } : { ...s, cell: s.cell - rest + (end ? g.W - 1 : 0) };
    } else if (s && (e.key === "PageUp" || e.key === "PageDown")) {
      next = { ...s, ch: (s.ch + (e.key === "PageUp" ? g.C - 1 : 1)) % g.C };
    } else if (e.key === "Escape") {
      this.stop();
      this.pin(false);
    } else if (e.key === "p" || e.key === "P" || e.key === " ") this.play(!this.playing);
    else if (e.key === "Enter" || e.key === "F2") {
      if (!s) return;
      if (!this.edit(s)) this.pin(!this.pinned);
    } else if (/^[-0-9.]$/.test(e.key) && s) {
      if (!this.edit(s, e.key)) return;
    } else return;
    e.preventDefault();
    if (next) {
      this.stop();
      if (this.pinned) this.pin(false, false);
      this.choose(next, true);
      this.kept = true;
    }
  }

  move(g, s, dy, dx) {
    const plane = g.H * g.W, d = Math.floor(s.cell / plane), r = s.cell % plane;
    const y = Math.floor(r / g.W) + dy, x = (r % g.W) + dx;
    if (x < 0 || x >= g.W) return s;
    if (y >= 0 && y < g.H) return { ...s, cell: d * plane + y * g.W + x };
    // Past the edge of a plane: the neighbouring slice or channel, entered from its near side.
    const k = d + dy;
    const row = dy > 0 ? 0 : g.H - 1;
    if (k >= 0 && k < g.D) return { ...s, cell: k * plane + row * g.W + x };
    const ch = s.ch + dy;
    if (ch < 0 || ch >= g.C) return s;
    return { ...s, ch, cell: (dy > 0 ? 0 : g.D - 1) * plane + row * g.W + x };
  }

  operatorKey(e) {
    const op = this.scene.operator, at = this.opAt || { row: 0, col: 0 };
    const moves = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0], Home: [0, -1e9], End: [0, 1e9] };
    if (e.ctrlKey || e.metaKey || e.altKey) return;
    if (moves[e.key]) {
      this.stop();
      if (this.pinned) this.pin(false, false);
      this.kept = true;
      this.chooseEntry(clamp(at.row + moves[e.key][0], 0, op.rows - 1), clamp(at.col + moves[e.key][1], 0, op.cols - 1));
    } else if (e.key === "Enter") this.enlarge(!this.big);
    else if (e.key === "Escape") {
      if (this.big) this.enlarge(false);
      else this.pin(false);
    } else if (e.key === "p" || e.key === "P" || e.key === " ") this.play(!this.playing);
    else return;
    e.preventDefault();
  }

  // ---- edit ----

  edit(s, typed) {
    const g = this.scene.byId[s.grid];
    if (!g.editable || isPadding(g, s.cell)) return false;
    const b = cellBox(g.lay, g.slots, g, s.ch, s.cell);
    if (!b) return false;
    this.stop();
    this.closeEditor();
    this.sel = s;
    this.pinned = false;
    this.hint();
    this.select();
    const cv = this.figs.get(g.id).cv, input = el("input", "ed"), w = Math.max(b.s + 6, 52), h = Math.max(b.s, 30);
    input.type = "text";
    input.inputMode = "decimal";
    input.setAttribute("aria-label", `New value for ${g.title}, ${this.place1(g, s.cell)}`);
    input.value = typed ?? String(g.values[s.ch * g.n + s.cell]);
    Object.assign(input.style, { left: `${b.x + b.s / 2 - w / 2}px`, top: `${b.y + b.s / 2 - h / 2}px`, width: `${w}px`, height: `${h}px` });
    const done = (back) => {
      this.closeEditor();
      if (back) this.figs.get(g.id).over.focus();
    };
    input.onkeydown = (e) => {
      e.stopPropagation();
      if (e.key === "Escape") {
        e.preventDefault();
        done(true);
      }
      if (e.key === "Enter") {
        e.preventDefault();
        const text = input.value.trim().replace("−", "-").replace(",", "."), value = Number(text);
        if (text === "" || !Number.isFinite(value) || Math.abs(value) > MOST) return this.refuse(cv, input, text, value);
        this.kept = true;
        done(true);
        this.send("edit", { grid: g.id, channel: s.ch, cell: realIndex(g, s.cell), value, n: ++this.edits });
      }
    };
    input.oninput = () => cv.querySelector(".bad")?.remove();
    input.onblur = () => done(false);
    cv.append(input);
    this.editor = input;
    input.focus();
    if (typed == null) input.select();
    return true;
  }

  refuse(cv, input, text, value) {
    cv.querySelector(".bad")?.remove();
    const note = el("div", "bad");
    note.setAttribute("role", "alert");
    note.textContent = !text ? "Type a number such as −1.5."
      : Math.abs(value) > MOST ? `“${text.slice(0, 20)}” is too large: type a number up to 1 000 000 000.`
      : `“${text.slice(0, 20)}” is not a number: type one such as −1.5.`;
    note.style.left = input.style.left;
    note.style.top = `${parseFloat(input.style.top) + parseFloat(input.style.height) + 4}px`;
    cv.append(note);
    input.setAttribute("aria-invalid", "true");
    input.select();
  }

  closeEditor() {
    const input = this.editor;
    this.editor = null;
    if (!input) return;
    input.onblur = null;
    input.parentElement?.querySelector(".bad")?.remove();
    input.remove();
  }

  // ---- play ----

  target() {
    return this.out && this.scene.byId[this.out.grid];
  }

  // The next output position; large grids are walked in strides so that a round stays watchable.
  advance(by, stride) {
    const g = this.target();
    if (!g) return;
    const sx = stride ? Math.max(1, Math.round(g.W / 28)) : 1, sy = stride ? Math.max(1, Math.round(g.H / 16)) : 1;
    const plane = g.H * g.W;
    let { ch, cell } = this.out, guard = 0;
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
    this.pinned = false;
    this.tap = null;
    this.opCol = null;
    this.out = this.sel = { grid: g.id, ch, cell };
    this.hint();
    this.select();
  }

  play(on) {
    if (!this.scene.last) return;
    this.playing = on;
    if (!on) this.auto = false;
    clearTimeout(this.timer);
    this.$(".eq").setAttribute("aria-live", on ? "off" : "polite");
    const b = this.$(".play");
    b.querySelector("path").setAttribute("d", on ? PAUSE : PLAY);
    b.querySelector("span").textContent = on ? "Pause" : "Play";
    b.setAttribute("aria-label", on ? "Pause" : "Play");
    if (on) {
      this.pinned = false;
      this.hint();
      if (this.out) this.sel = this.out;
      const tick = () => {
        if (!this.playing) return;
        if (!document.hidden && this.root.isConnected) this.advance(1, true);
        this.timer = setTimeout(tick, 900 / this.speed);
      };
      this.timer = setTimeout(tick, 450 / this.speed);
    }
    this.select();
  }

  stop() {
    if (this.playing) this.play(false);
  }

  // ---- wiring ----

  wire() {
    const { root } = this;
    this.variables();
    this.$(".play path").setAttribute("d", PLAY);
    this.$(".play span").textContent = "Play";
    this.$(".play").onclick = () => this.play(!this.playing);
    this.$(".back").onclick = () => {
      this.stop();
      this.advance(-1);
    };
    this.$(".next").onclick = () => {
      this.stop();
      this.advance(1);
    };
    const speed = this.$(".speed");
    speed.onclick = () => {
      this.speed = SPEEDS[(SPEEDS.indexOf(this.speed) + 1) % SPEEDS.length];
      speed.textContent = `${number(this.speed)}×`;
      speed.setAttribute("aria-label", `Speed ${number(this.speed)}×`);
    };
    this.$(".save").onclick = () => this.save();
    this.$(".probe").ontransitionend = () => this.repaint();
    const eq = this.$(".eq");
    eq.onpointerover = (e) => {
      const t = e.target.closest?.("[data-t]"), part = this.part;
      if (!t || !part || this.playing) return;
      const term = part.terms[Number(t.dataset.t)];
      if (!term || (this.tap && this.tap.src === term.src && this.tap.tap === term.tap)) return;
      this.tap = { link: part.link, tap: term.tap, k: part.pair.k, i: part.pair.i, src: term.src };
      this.sel = this.out;
      this.select();
    };
    eq.onpointerleave = () => {
      if (!this.tap) return;
      this.tap = null;
      this.select();
    };
    eq.onclick = (e) => {
      const b = e.target.closest?.("[data-ch]");
      if (!b || !this.part) return;
      this.shown[this.part.link.from.id] = Number(b.dataset.ch);
      this.baseAll();
      this.select();
      eq.querySelector(`[data-ch="${b.dataset.ch}"]`)?.focus();
    };
    root.onkeydown = (e) => {
      if (e.key !== "Escape") return;
      if (this.big) this.enlarge(false);
      else if (this.pinned) this.pin(false);
    };
    root.cellRect = (grid, channel, cell) => {
      const g = this.scene.byId[grid], b = g && cellBox(g.lay, g.slots, g, channel, cell);
      if (!b) return null;
      const r = this.figs.get(grid).over.getBoundingClientRect();
      return new DOMRect(r.left + b.x, r.top + b.y, b.s, b.s);
    };
    root.stage = this;
  }

  observe() {
    this.watch ??= new ResizeObserver(() => {
      if (this.scene && this.root.clientWidth !== this.seen) {
        this.seen = this.root.clientWidth;
        this.layout();
      }
    });
    this.watch.observe(this.root);
  }

  dispose() {
    this.stop();
    this.opStop?.();
    this.watch?.disconnect();
    this.watch = null;
  }

  // ---- picture ----

  bottom() {
    return this.$(".bar").getBoundingClientRect().top;
  }

  picture() {
    const { root, theme } = this, r = root.getBoundingClientRect(), k = 2, out = document.createElement("canvas");
    const cut = this.bottom() - r.top + 8;
    out.width = r.width * k;
    out.height = cut * k;
    const ctx = out.getContext("2d");
    ctx.scale(k, k);
    ctx.fillStyle = css(theme.bg);
    ctx.fillRect(0, 0, r.width, cut);
    const text = (node, clip) => {
      const walk = document.createTreeWalker(node, NodeFilter.SHOW_TEXT);
      while (walk.nextNode()) {
        const t = walk.currentNode, style = getComputedStyle(t.parentElement), range = document.createRange();
        ctx.font = `${style.fontWeight} ${style.fontSize} ${style.fontFamily}`;
        ctx.fillStyle = style.color;
        ctx.textAlign = "left";
        ctx.textBaseline = "middle";
        // Word by word, so that wrapped lines land where the browser put them.
        for (const m of t.data.matchAll(/\S+/g)) {
          range.setStart(t, m.index);
          range.setEnd(t, m.index + m[0].length);
          const b = range.getBoundingClientRect();
          if (b.width && (!clip || (b.top >= clip.top - 2 && b.bottom <= clip.bottom + 2))) ctx.fillText(m[0], b.left - r.left, b.top - r.top + b.height / 2);
        }
      }
    };
    for (const c of root.querySelectorAll(".cv canvas")) {
      if (this.big && !this.opFig.fig.contains(c)) continue;
      const b = c.getBoundingClientRect();
      ctx.drawImage(c, b.left - r.left, b.top - r.top, b.width, b.height);
    }
    for (const n of root.querySelectorAll(".name, .sym, .note")) if (!this.big || this.opFig.fig.contains(n)) text(n);
    text(this.$(".eq"), this.$(".eq").getBoundingClientRect());
    return out;
  }

  save() {
    this.picture().toBlob((blob) => {
      const a = el("a");
      a.href = URL.createObjectURL(blob);
      a.download = "convscope.png";
      a.click();
      setTimeout(() => URL.revokeObjectURL(a.href), 1000);
    }, "image/png");
  }
}
