// One stage: its data, what is selected, and who has to be told when either changes. Its state lives with the root node,
// because new data arrive on the same DOM.

import { build, drawSteppers, placeOperator } from "./build.js";
import { fit } from "../common.js";
import { describe, hint, isMulti, label, labelOperator, legend } from "./describe.js";
import { paintGrid, paintOperator } from "./draw.js";
import { closeEditor, edit } from "./edit.js";
import { wire } from "./input.js";
import { Layout, planeName, steppers } from "./layout.js";
import { overlay, overlayOperator } from "./overlay.js";
import { advance, play } from "./play.js";
import { Presented } from "./present.js";
import { told } from "./readout.js";
import { equal, Scene } from "./scene.js";
import { kernelOut, mark, restore, setOut, slotsFor } from "./selection.js";
import { tellLater } from "./share.js";
import { surface } from "./surface.js";
import { css, mix, readable, readTheme } from "./theme.js";
import { clamp } from "./words.js";

const PHONE = 640;

// Whether a question mark stands for the output. Where its cells are to be marked, it is there, without numbers.
const covered = (data) => !!data.veiled && data.marking?.grid !== "output";

// On a projector two stages beside each other are narrow, and the screen is not.
export const onPhone = (root, presented) => (presented ? innerWidth : root.clientWidth) < PHONE;

export class Board {
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
    this.marked = new Set();
    this.filled = new Set();
    this.playing = false;
    this.speed = 1;
    this.edits = 0;
    this.frame = {}; // what Layout is told of the frame
    this.unit = 1; // px of the screen for each px that is written here: more where the page is set larger
    this.renders = 0;
    this.theme = readTheme(this.$(".probe"));
    wire(this);
  }

  update(component) {
    this.send = component.setTriggerValue;
    this.component = component;
    const { presented } = component.data, first = !this.scene;
    const data = this.folded(component.data);
    this.root.classList.toggle("presented", !!presented);
    this.frame.presented = !!presented;
    if (presented) this.present();
    else this.aside();
    const theme = readTheme(this.$(".probe"));
    if (theme.id !== this.theme.id) {
      this.theme = theme;
      this.variables();
    }
    this.scene = new Scene(data);
    this.root.dataset.renders = String(++this.renders);
    closeEditor(this);
    const shape = JSON.stringify([data.grids.map((g) => [g.id, g.shape, g.title, g.role, g.real, g.image]), data.symbols,
      data.operator && [data.operator.rows, data.operator.cols, data.operator.title, data.operator.note, data.operator.link],
      data.height, data.links?.map((l) => [l.from, l.to, l.kernel, l.pairs])]);
    const rebuilt = shape !== this.shape;
    this.shape = shape;
    restore(this, data, first);
    // Of one task the browser knows best what is marked: what comes back was sent a while ago.
    if (data.marking?.of !== this.markedFor) {
      this.markedFor = data.marking?.of;
      this.marked = new Set(data.marking?.cells);
      this.pinned = false;
    }
    if (rebuilt) build(this);
    // In another layer the place of what is pinned is another.
    if (rebuilt && !first && this.pinned && data.tells === "later") this.tell(this.sel);
    legend(this);
    this.root.classList.toggle("veiled", covered(data));
    this.root.classList.toggle("still", !!data.still);
    this.root.classList.toggle("compact", !!data.compact);
    this.root.classList.toggle("waiting", !!data.waiting);
    this.root.classList.toggle("touched", !!data.touched);
    this.root.classList.toggle("marking", !!data.marking);
    hint(this);
    this.layout(rebuilt);
    this.observe();
    if (first && data.autoplay && !matchMedia("(prefers-reduced-motion: reduce)").matches) {
      this.auto = true;
      this.play(true);
    }
  }

  // On a projector and on a phone the matrix waits until it is asked for, where it is not what the picture is about.
  folded(data) {
    this.narrow = this.isPhone();
    const folds = (data.presented || this.narrow) && data.operator && data.operator.part == null;
    const button = this.$(".matrix");
    button.hidden = !folds;
    button.disabled = covered(data);
    button.setAttribute("aria-pressed", String(!!this.matrix));
    return folds && !this.matrix ? { ...data, operator: null } : data;
  }

  unfold() {
    this.matrix = !this.matrix;
    this.big = false;
    this.update(this.component);
  }

  present() {
    this.presented ??= new Presented(this.root, {
      walk: (by) => {
        this.stop();
        this.advance(by);
      },
      moved: () => this.layout(),
      matrix: () => this.$(".matrix").matches("[hidden], :disabled") || this.unfold(),
    });
  }

  aside() {
    this.presented?.end();
    this.presented = null;
  }

  high(phone) {
    const { compact, height, readout, veiled, waiting } = this.scene.data;
    if (phone) {
      // The same whatever the layer: on one screen with its question (above blank maps, which say less), or with its equation
      // and buttons.
      const room = document.documentElement.clientHeight / this.unit;
      const high = veiled && !compact ? clamp(room - 444, 320, 480) : waiting ? clamp(room - 494, 320, 480) : clamp(room - 124, 600, 800);
      const around = [...this.root.children].reduce((sum, node) => sum + (node === this.well ? 0 : node.offsetHeight), 0);
      return Math.round(high * this.unit - around);
    }
    if (this.presented) return this.presented.height(this.unit, readout);
    // A low screen takes up to a tenth of it, for what stands above.
    return Math.round(Math.min(height, Math.max(0.9 * height, innerHeight - 262)) * Math.sqrt(this.unit));
  }

  enlarge(on) {
    this.big = on;
    this.layout(true);
    this.opFig?.grow.focus();
  }

  isPhone() {
    return onPhone(this.root, this.presented);
  }

  layout(force) {
    const { scene, root } = this;
    const outer = root.clientWidth;
    if (!outer || !scene.grids.length) return;
    this.unit = parseFloat(getComputedStyle(document.documentElement).fontSize) / 16 || 1;
    const phone = this.isPhone();
    root.classList.toggle("phone", phone);
    // The bar of panels is as wide as all of them.
    root.classList.toggle("slim", !phone && (this.host ?? this).root.clientWidth / this.unit < PHONE);
    root.classList.toggle("multi", isMulti(scene));
    const height = this.high(phone);
    root.style.height = phone ? "" : `${height}px`;
    root.style.setProperty("--h", `${height}px`);
    const key = `${outer}|${height}|${this.shape}|${this.big}|${window.devicePixelRatio}|${this.unit}`;
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
    const { scene, unit } = this, op = scene.operator, layout = new Layout(scene, { ...this.frame, unit });
    const { W, opW, wellH, roomH, under } = layout.place(outer, height, phone), { flat, tight } = layout;
    this.fitted = layout;
    this.space = { outer, W, opW, under, phone };
    this.tight = tight;
    for (const [name, on] of Object.entries({ flat, tight, under })) this.well.classList.toggle(name, on);
    for (const g of scene.grids) {
      const f = this.figs.get(g.id), { lay } = g;
      f.cv.style.width = `${lay.w}px`;
      f.cv.style.height = `${lay.h}px`;
      f.fig.style.marginLeft = flat && g.role !== "kernel" ? `${layout.shiftOf(g) * lay.cell}px` : "";
      f.steps.style.display = steppers(g).length ? "" : "none";
    }
    if (op) {
      // What it covers is as high as it is without it.
      this.opFig.fig.classList.toggle("big", !!this.big);
      this.placeOperator(W, opW, wellH, roomH, phone);
    }
    this.root.dataset.layout = scene.grids.map((g) => `${g.id}:${g.lay.cell}`).join(" ");
    this.placed = new Map(scene.grids.map((g) => [g.id, g.lay]));
    this.placedCounts = new Map(scene.grids.map((g) => [g.id, g.count]));
    this.opLay = op?.lay;
  }

  stepText(text) {
    return text;
  }

  step(g, kind, by) {
    this.stop();
    if (kind === "d") {
      this.depth[g.id] = (clamp(this.depth[g.id] ?? 0, 0, g.D - 1) + by + g.D) % g.D;
      this.steady = g.id;
    } else if (g.count.kernel) {
      const link = g.count.kernel;
      if (g.count.c > 1) {
        const outs = [...link.byOut.keys()], at = outs.indexOf(kernelOut(this, link));
        setOut(this, link.to, outs[(at + by + outs.length) % outs.length]);
      } else {
        const at = link.pairs.findIndex((p) => p.k === g.slots[0].ch), pair = link.pairs[(at + by + link.pairs.length) % link.pairs.length];
        this.shown[link.from.id] = pair.i;
        setOut(this, link.to, pair.o);
      }
    } else {
      const ch = (clamp(this.shown[g.id] ?? 0, 0, g.C - 1) + by + g.C) % g.C;
      this.shown[g.id] = ch;
      if (this.scene.into(g).length) setOut(this, g, ch);
      else if (this.sel?.grid === g.id) this.sel = { ...this.sel, ch };
    }
    this.baseAll();
    this.select();
    this.steady = null;
  }

  baseAll() {
    for (const g of this.scene.grids) this.baseOf(g);
    this.baseOperator();
  }

  // A base canvas is painted again only when what it shows has changed.
  baseOf(g) {
    const f = this.figs.get(g.id);
    g.slots = slotsFor(this, g, g.count);
    g.filled = this.scene.data.fills === g.id ? this.filled : null;
    drawSteppers(this, g);
    const raw = this.scene.data.grids[g.index];
    const key = JSON.stringify([g.slots, g.lay, this.theme.id, raw.planes, raw.role, raw.real, raw.image, raw.colour, window.devicePixelRatio, g.filled?.size]);
    const arrays = [raw.values, raw.source];
    if (f.key === key && equal(f.arrays, arrays)) return;
    f.key = key;
    f.arrays = arrays;
    paintGrid(fit(f.base, g.lay.w, g.lay.h), g, g.lay, g.slots, this.theme, (k) => planeName(g, g.slots[k].ch, g.slots[k].d), surface);
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
    this.opStop = this.inSlices(paintOperator(fit(this.opFig.base, op.lay.w, op.lay.h), op, op.lay, this.theme, surface));
  }

  // Steps of 10 ms, so that nothing else waits for them; returns what stops them.
  inSlices(steps) {
    let timer = 0;
    const slice = () => {
      const end = performance.now() + 10;
      while (!steps.next().done) if (performance.now() >= end) return void (timer = setTimeout(slice, 0));
    };
    slice();
    return () => clearTimeout(timer);
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
    const { centre, tap } = mark(this), { marks } = this, op = scene.operator;
    Object.assign(this, { centre, followed: tap });
    // A map that fills has the numbers of the places where the window has been.
    if (centre && scene.data.fills === centre.grid && !this.filled.has(centre.cell)) {
      this.filled.add(centre.cell);
      this.baseOf(scene.byId[centre.grid]);
    }
    for (const g of scene.grids) label(this, g, overlay(fit(this.figs.get(g.id).over, g.lay.w, g.lay.h), this, g, marks.get(g), centre, tap));
    if (op?.lay) labelOperator(this, overlayOperator(fit(this.opFig.over, op.lay.w, op.lay.h), this, centre, tap));
    describe(this, centre, tap);
    const d = this.root.dataset;
    d.selected = `${sel.grid}:${sel.ch}:${sel.cell}`;
    d.window = [...marks].map(([h, m]) => `${h.id}:${[...m.chs].join("+")}:${[...m.cells.keys()].sort((a, b) => a - b).join(",")}`).join(";");
    d.pinned = String(this.pinned);
    d.playing = String(this.playing);
    this.report(sel);
  }

  // What a page asked to be told of each selected cell, and what it is told itself of one that is pinned: once.
  report(sel) {
    const { readout, tells } = this.scene.data;
    if (readout) {
      const text = told(readout, this.scene.byId[sel.grid].index, sel.cell);
      if (text !== this.beside.text) this.beside.innerHTML = this.beside.text = text;
    }
    const place = this.root.dataset.selected;
    if (tells === "now" && this.pinned && place !== this.sent) this.send("pin", { grid: sel.grid, channel: sel.ch, cell: sel.cell });
    this.sent = this.pinned ? place : null;
  }

  // How much of an equation a line takes.
  room(phone, multi) {
    // Larger type: on two lines, or one under the sum of the channels.
    if (this.presented && !phone) return { terms: 12, chars: this.root.clientWidth / ((multi ? 11 : 6) * this.unit), cells: 9 };
    return phone ? { terms: 9, chars: 88, cells: 6 } : { terms: 12, chars: multi ? 110 : 190, cells: 9 };
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

  pin(on, tells = true) {
    this.pinned = on;
    hint(this);
    this.select();
    if (tells) this.tell(on ? this.sel : null);
  }

  // Whether cells are marked here: then a click or Enter marks one, or takes it back.
  mark(s) {
    const { marking } = this.scene.data;
    if (!marking) return false;
    this.sel = s;
    if (s.grid === marking.grid) {
      if (!this.marked.delete(s.cell)) this.marked.add(s.cell);
      this.send("pin", { grid: s.grid, cells: [...this.marked] });
    }
    this.select();
    return true;
  }

  // The cell that was tapped, or that a click or Enter has chosen; null when it was let go. Told later, all of them are
  // told; told now, a pinned one is when it is marked.
  tell(s) {
    const { tells } = this.scene.data;
    if (tells === "later") tellLater(this, s && this.scene.byId[s.grid], s);
    else if (s && tells && !this.pinned) this.send("pin", { grid: s.grid, channel: s.ch, cell: s.cell });
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

  stop() {
    if (this.playing) this.play(false);
  }

  observe() {
    this.watch ??= new ResizeObserver(() => {
      if (this.scene && this.root.clientWidth !== this.seen) {
        this.seen = this.root.clientWidth;
        if (this.isPhone() === this.narrow) this.layout();
        else this.update(this.component);
      }
    });
    this.watch.observe(this.root);
  }

  dispose() {
    this.stop();
    clearTimeout(this.telling);
    this.opStop?.();
    this.watch?.disconnect();
    this.watch = null;
    this.aside();
  }

  // ---- what panels do differently ----

  placeOperator(W, opW, wellH, roomH, phone) {
    placeOperator(this, W, opW, wellH, roomH, phone);
  }

  play(on) {
    play(this, on);
  }

  advance(by, stride) {
    advance(this, by, stride);
  }

  edit(s, typed) {
    const begun = edit(this, s, typed);
    if (begun) clearTimeout(this.telling);
    return begun;
  }
}
