// Several stages in one frame that share their selection: the same cell, weight or product is marked in each of them.

import { Board, PHONE } from "./board.js";
import { hint } from "./describe.js";
import { Presented } from "./present.js";
import { realIndex, realToDrawn } from "./scene.js";
import { css } from "./theme.js";
import { el, shorten } from "./words.js";

// Grids of one name show the same numbers, and agree on an index for each of them (−1: a constant, nobody else's).
const shareName = (g) => g.shares ?? g.id;

function shareIndex(g, ch, cell) {
  if (g.ids) return g.ids[ch * g.n + cell];
  const r = realIndex(g, cell);
  return r < 0 ? -1 : ch * g.nreal + r;
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
  if (link.kernel && t < link.kernel.n) return shareIndex(link.kernel, k, t);
  return k < 0 || t < 0 ? -1 : k * link.taps + t;
}

function tapPlace(link, index) {
  if (!link.kernel) return { k: Math.floor(index / link.taps), tap: index % link.taps };
  const at = shareCell(link.kernel, index);
  return at && { k: at.ch, tap: at.cell };
}

// Arrays that several panels hold are sent once: {ref: n} is the n-th of the table.
function unshare(node, arrays) {
  if (!node || typeof node !== "object") return node;
  if (Array.isArray(node)) return typeof node[0] === "object" ? node.map((n) => unshare(n, arrays)) : node;
  if (node.ref != null) return arrays[node.ref];
  return Object.fromEntries(Object.entries(node).map(([k, v]) => [k, unshare(v, arrays)]));
}

class Panel extends Board {
  constructor(root, host) {
    super(root);
    this.host = host;
    this.frame = { gaps: [24, 8], chrome: 88, narrow: true };
  }

  stepText(text) {
    return this.tight ? shorten(text) : text;
  }

  get playing() {
    return this.host?.playing ?? false;
  }

  set playing(on) {
    if (this.host) this.host.playing = on;
  }

  play(on) {
    const { lead } = this.host;
    if (this === lead) super.play(on);
    else lead.play(on);
  }

  // Stamps: the output as it is after the first `stamped` input cells, each with all its channels; null: the result.
  stampFrame(count) {
    const { scene } = this, [link] = scene.links, { from, to } = link;
    this.stamped = count;
    this.whole ??= to.values;
    if (count == null) to.values = this.whole;
    else {
      const out = new Float64Array(to.C * to.n);
      if (link.bias) for (let o = 0; o < to.C; o++) out.fill(link.bias[o], o * to.n, (o + 1) * to.n);
      for (let s = 0; s < count; s++) link.eachInverse(s, (p, t, e) => {
        for (const pair of link.pairs) out[pair.o * to.n + link.drawn(p)] += link.weight(pair, t, e) * from.values[pair.i * from.n + s];
      });
      to.values = out;
    }
    this.root.dataset.stamped = count ?? "";
    this.figs.get(to.id).key = null;
    this.baseOf(to);
  }

  stampMode(on) {
    this.stop();
    this.$(".stamps").setAttribute("aria-pressed", String(on));
    this.stampFrame(on ? 0 : null);
    this.select();
  }

  advance(by, stride) {
    if (this.stamped == null) return super.advance(by, stride);
    const { from } = this.scene.links[0], n = from.n;
    const leap = stride ? Math.max(1, Math.round(n / 256)) : 1;
    let next = this.stamped + by * leap;
    if (next < 0) next = n;
    else if (next > n) next = this.stamped < n ? n : 0;
    this.stampFrame(next);
    this.pinned = false;
    this.tap = this.opCol = null;
    this.sel = { grid: from.id, ch: this.shown[from.id] ?? 0, cell: Math.max(0, next - 1) };
    hint(this);
    this.select();
  }

  isPhone() {
    return this.host.root.clientWidth < PHONE;
  }

  room(phone, multi) {
    if (this.presented && !phone) return { terms: 9, chars: this.root.clientWidth / (9 * this.unit) - 28 };
    return phone ? super.room(phone, multi) : { terms: 9, chars: 50 };
  }

  // The host listens, and shares what the screen leaves among its rows.
  present() {
    this.presented = { end() {} };
    this.frame.chrome = 76;
  }

  high(phone) {
    return this.presented && !phone ? this.host.high(this.unit) : super.high(phone);
  }

  bottom() {
    return this.root.getBoundingClientRect().bottom - 8;
  }

  update(component) {
    super.update(component);
    // New numbers: the stamps begin again.
    this.whole = null;
    if (this.stamped != null) this.stampFrame(0);
  }

  // Nobody has moved: the others need not follow.
  layout(force) {
    const { busy } = this.host;
    this.host.busy = true;
    super.layout(force);
    this.host.busy = busy;
  }

  // Enlarged, a matrix covers all panels.
  placeOperator(W, opW, wellH, roomH, phone) {
    const { clientWidth, clientHeight } = this.host.root;
    if (this.big) super.placeOperator(clientWidth - 40, opW, clientHeight - 60, roomH, false);
    else super.placeOperator(W, opW, wellH, roomH, phone);
  }

  select() {
    super.select();
    this.host.spread(this);
  }

  tell(sel) {
    const g = sel && this.scene.byId[sel.grid];
    this.host.tell(g ? { grid: shareName(g), index: shareIndex(g, sel.ch, sel.cell) } : { grid: null, index: 0 });
  }

  edit(s, typed) {
    const begun = super.edit(s, typed);
    if (begun) clearTimeout(this.host.telling);
    return begun;
  }

  picture() {
    return this.host.drawing ? super.picture() : this.host.picture();
  }

  // What is selected here, in words that the other panels understand.
  shared() {
    const { sel, scene, tap } = this, g = scene.byId[sel.grid];
    const out = this.out && scene.byId[this.out.grid];
    const found = { name: shareName(g), index: shareIndex(g, sel.ch, sel.cell), tap: -1, ends: null, out: null, pinned: this.pinned };
    if (out) found.out = { name: shareName(out), index: shareIndex(out, this.out.ch, this.out.cell) };
    const link = scene.kernelLink(g);
    if (link) found.tap = tapIndex(link, sel.ch, sel.cell);
    else if (tap) {
      found.tap = tapIndex(tap.link, tap.k, tap.tap);
      const src = tap.src == null ? -1 : shareIndex(tap.link.from, tap.i ?? 0, tap.src);
      if (src >= 0) found.ends = { [shareName(tap.link.from)]: src, [found.name]: found.index };
    }
    return found;
  }

  take(other) {
    const { scene } = this;
    const named = (name) => scene.grids.find((g) => shareName(g) === name);
    const cellOf = (s) => {
      const g = s && named(s.name);
      return g ? shareCell(g, s.index) : null;
    };
    const isOut = (s) => s && scene.into(scene.byId[s.grid]).length > 0;
    this.pinned = other.pinned;
    const out = cellOf(other.out);
    if (isOut(out)) this.out = out;
    let sel = cellOf(other), tap = null;
    this.opCol = null;
    if (other.ends) {
      for (const link of scene.links) {
        const to = cellOf({ name: shareName(link.to), index: other.ends[shareName(link.to)] });
        const from = cellOf({ name: shareName(link.from), index: other.ends[shareName(link.from)] });
        const place = tapPlace(link, other.tap);
        if (!to || !from || !place) continue;
        sel = this.out = to;
        tap = { link, tap: place.tap, k: place.k, i: from.ch, src: from.cell };
        this.opCol = link.column(from.ch, from.cell);
      }
    } else if (other.tap >= 0 && !(sel && scene.kernelLink(scene.byId[sel.grid]))) {
      const link = scene.links[0], place = link && tapPlace(link, other.tap);
      sel = this.out;
      if (place) tap = { link, tap: place.tap, k: place.k };
    }
    if (!sel) return;
    this.sel = sel;
    this.tap = tap;
    hint(this);
    this.select();
  }
}

export class Panels {
  constructor(root) {
    this.root = root;
    this.template = root.innerHTML;
    this.panels = [];
    this.playing = false;
    root.classList.add("panels");
    root.panels = this;
  }

  get lead() {
    return this.panels[0];
  }

  update(component) {
    const { setTriggerValue } = component, { arrays } = component.data;
    this.send = setTriggerValue;
    this.tells = component.data.tells;
    const data = arrays ? { ...component.data, panels: unshare(component.data.panels, arrays) } : component.data, key = JSON.stringify(data.panels.map((p) => p.id));
    this.busy = true;
    if (key !== this.key) {
      this.key = key;
      this.dispose();
      this.root.textContent = "";
      this.panels = data.panels.map((p) => this.make(p));
      this.active = null;
    }
    if (data.presented) this.present();
    else this.aside();
    this.root.classList.toggle("single", data.panels.length === 1);
    data.panels.forEach((p, i) => {
      const { root } = this.panels[i], put = (cls, text) => (root.querySelector(`.ph ${cls}`).textContent = text);
      root.setAttribute("aria-label", p.title);
      put("strong", p.title);
      put(".pnote", p.note ?? "");
      const mark = root.querySelector(".ph .mark");
      mark.textContent = p.mark == null ? "" : p.mark ? "✓" : "≠";
      mark.title = p.says ?? "";
      mark.setAttribute("aria-label", p.says ?? "");
      mark.classList.toggle("no", p.mark === false);
      mark.hidden = p.mark == null;
      this.panels[i].update({ data: { ...p, height: p.height || data.height, presented: data.presented, legend: !i && p.legend }, setTriggerValue });
    });
    this.busy = false;
    this.root.dataset.renders = String(Number(this.root.dataset.renders ?? 0) + 1);
    this.spread(this.active ?? this.lead);
  }

  present() {
    this.presented ??= new Presented(this.root, {
      walk: (by) => {
        this.lead.stop();
        this.lead.advance(by);
      },
      moved: () => this.panels.forEach((panel) => panel.layout()),
      matrix() {},
    });
  }

  aside() {
    this.presented?.end();
    this.presented = null;
  }

  // Two beside each other, where there is room, above the bar: panels.css.
  high(unit) {
    const rows = Math.ceil(this.panels.length / (this.root.clientWidth < 860 ? 1 : 2));
    return (this.presented.height(unit) - 52 * unit) / rows;
  }

  make(p) {
    const root = el("div", "stage panel");
    root.setAttribute("role", "group");
    root.dataset.panel = p.id;
    root.innerHTML = `<div class="ph"><strong></strong><span class="mark" role="img"></span><span class="pnote"></span></div>${this.template}`;
    this.root.append(root);
    const panel = new Panel(root, this);
    if (p.stamps) {
      const b = el("button", "stamps");
      b.type = "button";
      b.textContent = "Stamps";
      b.title = "Play stamp by stamp: the output as it fills";
      b.setAttribute("aria-pressed", "false");
      b.onclick = () => panel.stampMode(panel.stamped == null);
      root.querySelector(".btns").append(b);
    }
    return panel;
  }

  // One panel moved: the others follow, and do not answer.
  spread(from) {
    if (this.busy || !from?.sel) return;
    const shared = from.shared();
    this.active = from;
    this.busy = true;
    for (const panel of this.panels) if (panel !== from && panel.scene) panel.take(shared);
    this.busy = false;
  }

  // Once the clicks are over: a second one lets go again, or begins an edit.
  tell(cell) {
    if (!this.tells || cell.index < 0) return;
    clearTimeout(this.telling);
    this.telling = setTimeout(() => this.send("pin", cell), 400);
  }

  dispose() {
    clearTimeout(this.telling);
    for (const panel of this.panels) panel.dispose();
    this.aside();
  }

  picture() {
    const r = this.root.getBoundingClientRect(), k = 2, out = document.createElement("canvas"), ctx = out.getContext("2d");
    this.drawing = true;
    const parts = this.panels.map((p) => [p.root.getBoundingClientRect(), p.picture()]);
    this.drawing = false;
    out.width = r.width * k;
    out.height = (Math.max(...parts.map(([b]) => b.bottom)) - r.top) * k;
    ctx.fillStyle = css(this.lead.theme.bg);
    ctx.fillRect(0, 0, out.width, out.height);
    for (const [b, canvas] of parts) ctx.drawImage(canvas, (b.left - r.left) * k, (b.top - r.top) * k);
    return out;
  }
}
