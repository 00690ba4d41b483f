// Arrays in, index maps out: which cell reads which, through which tap. No drawing here.

import { bytes } from "../common.js";

const TYPES = { f8: Float64Array, f4: Float32Array, i4: Int32Array, u2: Uint16Array };

export function decode(v) {
  if (v == null) return null;
  if (Array.isArray(v)) return Float64Array.from(v, (x) => (x == null ? NaN : x));
  return new TYPES[v.d](bytes(v.b).buffer);
}

// Rows of equal key, as a CSR: which positions hold value v.
function invert(keys, size) {
  const ptr = new Int32Array(size + 1);
  for (let i = 0; i < keys.length; i++) if (keys[i] >= 0 && keys[i] < size) ptr[keys[i] + 1]++;
  for (let i = 0; i < size; i++) ptr[i + 1] += ptr[i];
  const at = ptr.slice(0, size), out = new Int32Array(ptr[size]);
  for (let i = 0; i < keys.length; i++) if (keys[i] >= 0 && keys[i] < size) out[at[keys[i]]++] = i;
  return { ptr, out };
}

// Equality of JSON values, without writing them out.
export function equal(a, b) {
  if (a === b) return true;
  if (!a || !b || typeof a !== "object" || typeof b !== "object") return false;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((k) => equal(a[k], b[k]));
}

const prod = (a) => a.reduce((x, y) => x * y, 1);

// The index that each drawn cell has among the numbers of a grid that are sent, −1 for a zero.
function numbered(raw) {
  const cells = decode(raw.cells), planes = decode(raw.planes), ids = new Int32Array(planes.length * cells.length);
  planes.forEach((plane, ch) => ids.set(Int32Array.from(cells, (cell) => (cell < 0 ? -1 : plane * raw.of + cell)), ch * cells.length));
  return ids;
}

function makeGrid(raw, index) {
  const sp = raw.shape.slice(1), n = prod(sp);
  const [D, H, W] = [...Array(3 - sp.length).fill(1), ...sp];
  const source = decode(raw.source), ids = raw.ids && numbered(raw.ids), held = decode(raw.values);
  const values = ids ? Float64Array.from(ids, (id) => (id < 0 ? 0 : held[id])) : held;
  const real = raw.real, realShape = real ? real.map(([a, b]) => b - a) : sp;
  const g = { ...raw, index, C: raw.shape[0], sp, D, H, W, n, ids, values, source, real, realShape, nreal: prod(realShape) };
  let min = Infinity, max = -Infinity, allInt = true;
  if (values) for (let i = 0; i < values.length; i++) {
    const v = values[i];
    if (!Number.isFinite(v)) continue;
    if (v < min) min = v;
    if (v > max) max = v;
    if (allInt && !Number.isInteger(v)) allInt = false;
  }
  if (min > max) min = max = 0;
  if (raw.range) [min, max] = raw.range;
  g.stats = { min, max, allInt, abs: Math.max(-min, max) || 1, signed: min < 0 };
  return g;
}

// Drawn cell of a real index, and back (−1: a constant).
export function realToDrawn(g, r) {
  if (!g.real) return r;
  let cell = 0, stride = 1;
  for (let a = g.sp.length - 1; a >= 0; a--) {
    const size = g.realShape[a];
    cell += ((r % size) + g.real[a][0]) * stride;
    r = Math.floor(r / size);
    stride *= g.sp[a];
  }
  return cell;
}

export function isPadding(g, cell) {
  if (!g.real) return g.source ? g.source[cell] < 0 : false;
  for (let a = g.sp.length - 1; a >= 0; a--) {
    const x = cell % g.sp[a];
    if (x < g.real[a][0] || x >= g.real[a][1]) return true;
    cell = Math.floor(cell / g.sp[a]);
  }
  return false;
}

export function realIndex(g, cell) {
  if (g.source) return g.source[cell];
  if (!g.real) return cell;
  if (isPadding(g, cell)) return -1;
  let r = 0, stride = 1;
  for (let a = g.sp.length - 1; a >= 0; a--) {
    r += ((cell % g.sp[a]) - g.real[a][0]) * stride;
    cell = Math.floor(cell / g.sp[a]);
    stride *= g.realShape[a];
  }
  return r;
}

// All drawn cells that hold the same real cell.
export function copies(g, cell) {
  if (!g.source || g.source[cell] < 0) return [cell];
  g.inv ??= invert(g.source, g.nreal);
  return Array.from(g.inv.out.subarray(g.inv.ptr[g.source[cell]], g.inv.ptr[g.source[cell] + 1]));
}

const windows = ({ ptr, src, tap, of }) => ({ ptr: decode(ptr), src: decode(src), tap: decode(tap), of });

// The windows of a kernel from those along its axes; `of`: how many taps and cells there are, the last axis fastest.
function product(one, next) {
  const ptr = [0], n = one.src.length * next.src.length, src = new Int32Array(n), tap = new Int32Array(n), [taps, cells] = next.of;
  let at = 0;
  for (let a = 1; a < one.ptr.length; a++) for (let b = 1; b < next.ptr.length; b++) {
    for (let i = one.ptr[a - 1]; i < one.ptr[a]; i++) for (let j = next.ptr[b - 1]; j < next.ptr[b]; j++) {
      src[at] = one.src[i] * cells + next.src[j];
      tap[at++] = one.tap[i] * taps + next.tap[j];
    }
    ptr.push(at);
  }
  return { ptr, src, tap };
}

class Link {
  constructor(raw, byId) {
    this.from = byId[raw.from];
    this.to = byId[raw.to];
    this.kernel = raw.kernel ? byId[raw.kernel] : null;
    this.base = decode(raw.base);
    this.offset = decode(raw.offset);
    Object.assign(this, raw.axes ? raw.axes.map(windows).reduce(product) : windows(raw));
    this.values = decode(raw.values);
    this.taps = this.kernel?.n ?? raw.taps ?? 1;
    this.weights = this.kernel?.values ?? decode(raw.weights);
    this.bias = decode(raw.bias);
    this.reduce = raw.reduce || "sum";
    this.p = raw.p ?? 2;
    this.L = this.base ? this.base.length : this.ptr.length - 1;
    this.nnz = this.base ? this.L * this.offset.length : this.src.length;
    const flat = decode(raw.pairs) || [0, 0, this.kernel ? 0 : -1];
    this.pairs = [];
    this.byOut = new Map();
    this.byIn = new Map();
    this.byPlane = new Map();
    for (let i = 0; i + 2 < flat.length; i += 3) {
      const pair = { o: flat[i], i: flat[i + 1], k: flat[i + 2], n: i / 3 };
      this.pairs.push(pair);
      push(this.byOut, pair.o, pair);
      push(this.byIn, pair.i, pair);
      push(this.byPlane, pair.k, pair);
    }
    this.perPair = this.values && this.values.length > this.nnz;
    this.weighted = !!(this.weights || this.values);
  }

  // Entries of position p: f(source cell, tap, entry number).
  each(p, f) {
    if (p < 0) return;
    if (this.base) {
      const T = this.offset.length;
      for (let t = 0; t < T; t++) {
        const s = this.base[p] + this.offset[t];
        if (s >= 0 && s < this.from.n) f(s, t, p * T + t);
      }
    } else for (let e = this.ptr[p]; e < this.ptr[p + 1]; e++) f(this.src[e], this.tap ? this.tap[e] : -1, e);
  }

  // Positions that read source cell s: f(position, tap, entry number).
  eachInverse(s, f) {
    if (this.base) {
      this.inv ??= invert(this.base, this.from.n);
      const T = this.offset.length, { ptr, out } = this.inv;
      for (let t = 0; t < T; t++) {
        const b = s - this.offset[t];
        if (b < 0 || b >= this.from.n) continue;
        for (let j = ptr[b]; j < ptr[b + 1]; j++) f(out[j], t, out[j] * T + t);
      }
      return;
    }
    if (!this.inv) {
      this.inv = invert(this.src, this.from.n);
      this.positions();
    }
    for (let j = this.inv.ptr[s]; j < this.inv.ptr[s + 1]; j++) {
      const e = this.inv.out[j];
      f(this.rowOf[e], this.tap ? this.tap[e] : -1, e);
    }
  }

  // Entries of one tap: f(position, source cell, entry number); of more than `most`, as many spread over all of them.
  eachOfTap(tap, most, f) {
    if (this.base) {
      const T = this.offset.length, step = Math.max(1, Math.ceil(this.L / most));
      for (let p = 0; p < this.L; p += step) {
        const s = this.base[p] + this.offset[tap];
        if (s >= 0 && s < this.from.n) f(p, s, p * T + tap);
      }
      return;
    }
    if (!this.tap) return;
    if (!this.byTap) {
      this.byTap = invert(this.tap, 1 + this.tap.reduce((a, b) => Math.max(a, b), 0));
      this.positions();
    }
    const { ptr, out } = this.byTap, step = Math.max(1, Math.ceil((ptr[tap + 1] - ptr[tap]) / most));
    for (let j = ptr[tap]; j < ptr[tap + 1]; j += step) f(this.rowOf[out[j]], this.src[out[j]], out[j]);
  }

  // The position of every entry.
  positions() {
    if (this.rowOf) return;
    this.rowOf = new Int32Array(this.src.length);
    for (let p = 0; p < this.L; p++) this.rowOf.fill(p, this.ptr[p], this.ptr[p + 1]);
  }

  weight(pair, tap, e) {
    if (this.weights && pair.k >= 0 && tap >= 0) return this.weights[pair.k * this.taps + tap];
    if (this.values) return this.values[this.perPair ? pair.n * this.nnz + e : e];
    return 1;
  }

  // Where pairs carry weights of their own, NaN says that this pair lacks the entry.
  has(pair, e) {
    return !this.perPair || !Number.isNaN(this.values[pair.n * this.nnz + e]);
  }

  // A map may be drawn with padding of its own: rows count either its drawn or its real cells.
  position(cell) {
    if (this.L !== this.to.n) return realIndex(this.to, cell);
    const r = this.to.source ? this.to.source[cell] : -1;
    return r >= 0 && isPadding(this.to, cell) ? realToDrawn(this.to, r) : cell;
  }

  drawn(p) {
    return this.L === this.to.n ? p : realToDrawn(this.to, p);
  }

  column(i, src) {
    const r = realIndex(this.from, src);
    return r < 0 ? -1 : i * this.from.nreal + r;
  }

  // The real cell of each source cell, -1 for padding: for whoever asks for all of them, channel by channel.
  get reals() {
    this.realOf ??= Int32Array.from({ length: this.from.n }, (_, s) => realIndex(this.from, s));
    return this.realOf;
  }
}

function push(map, key, value) {
  const list = map.get(key);
  if (list) list.push(value);
  else map.set(key, [value]);
}

// One reached cell in a mark: its taps, and the channels in which any pair reaches it.
function note(mark, link, pairs, cell, t, e, side) {
  if (!link.perPair) {
    if (mark.link !== link) for (const pair of pairs) mark.chs.add(pair[side]);
    mark.link = link;
    push(mark.cells, cell, { t, e, link });
    return;
  }
  const chs = pairs.filter((pair) => link.has(pair, e)).map((pair) => pair[side]);
  if (!chs.length) return;
  for (const ch of chs) mark.chs.add(ch);
  push(mark.cells, cell, { t, e, link, chs: new Set(chs) });
}

export class Scene {
  constructor(data) {
    this.data = data;
    this.grids = data.grids.map(makeGrid);
    this.byId = Object.fromEntries(this.grids.map((g) => [g.id, g]));
    this.links = (data.links || []).map((l) => new Link(l, this.byId));
    this.into = (g) => this.links.filter((l) => l.to === g);
    this.outOf = (g) => this.links.filter((l) => l.from === g);
    this.kernelLink = (g) => this.links.find((l) => l.kernel === g);
    this.flat = this.grids.length > 0 && this.grids.every((g) => g.sp.length === 1);
    this.last = [...this.grids].reverse().find((g) => this.into(g).length) || null;
    this.operator = data.operator ? this.makeOperator(data.operator) : null;
  }

  makeOperator(raw) {
    const ids = Array.isArray(raw.link) ? raw.link : [raw.link ?? 0];
    const op = { ...raw, first: this.links[ids[0]], link: this.links[ids[ids.length - 1]], coo: null };
    if (raw.entries) {
      op.coo = { rows: decode(raw.entries.rows), cols: decode(raw.entries.cols), values: decode(raw.entries.values) };
    }
    op.direct = ids.length === 1 && op.link;
    op.nnz = op.coo ? op.coo.values.length : op.link.nnz * op.link.pairs.length;
    return op;
  }

  // Everything a cell reads, back to the first grid. Each grid: channels × one set of cells (structure is shared by channels).
  upstream(grid, channel, cell) {
    const marks = new Map();
    const reach = new Map([[grid, { chs: new Set([channel]), cells: [cell], depth: 0 }]]);
    for (const g of [...this.grids].reverse()) {
      const at = reach.get(g);
      if (!at) continue;
      for (const link of this.into(g)) {
        const m = marks.get(link.from) || { chs: new Set(), cells: new Map(), depth: at.depth + 1 };
        const pairs = [...at.chs].flatMap((ch) => link.byOut.get(ch) || []);
        for (const c of at.cells) link.each(link.position(c), (s, t, e) => note(m, link, pairs, s, t, e, "i"));
        marks.set(link.from, m);
        reach.set(link.from, { chs: m.chs, cells: [...m.cells.keys()], depth: m.depth });
      }
    }
    return marks;
  }

  // Everything a cell reaches, padding copies of it included.
  downstream(grid, channel, cell) {
    const marks = new Map();
    const reach = new Map([[grid, { chs: new Set([channel]), cells: [cell], depth: 0 }]]);
    for (const g of this.grids) {
      const at = reach.get(g);
      if (!at) continue;
      const all = new Set(at.cells.flatMap((c) => copies(g, c)));
      for (const link of this.outOf(g)) {
        const m = marks.get(link.to) || { chs: new Set(), cells: new Map(), depth: at.depth + 1 };
        const pairs = [...at.chs].flatMap((ch) => link.byIn.get(ch) || []);
        for (const c of all) link.eachInverse(c, (p, t, e) => note(m, link, pairs, link.drawn(p), t, e, "o"));
        marks.set(link.to, m);
        reach.set(link.to, { chs: m.chs, cells: [...m.cells.keys()], depth: m.depth });
      }
    }
    return marks;
  }

  // The terms of one output cell: groups by pair, each with its terms in tap order; of the first `upto` cells alone.
  terms(grid, channel, cell, upto = Infinity) {
    return this.into(grid).map((link) => ({
      link,
      groups: (link.byOut.get(channel) || []).map((pair) => {
        const terms = [];
        link.each(link.position(cell), (s, t, e) => {
          if (s >= upto || !link.has(pair, e)) return;
          const x = link.from.values ? link.from.values[pair.i * link.from.n + s] : NaN;
          terms.push({ x, w: link.weight(pair, t, e), src: s, tap: t, pair });
        });
        return { pair, terms };
      }).filter((group) => group.terms.length || !link.perPair),
    }));
  }
}
