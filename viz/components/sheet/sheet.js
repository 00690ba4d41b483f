import { clamp, either, fit, led, mix, span, under } from "../common.js";
import { backdrop, beyond, framed, shares } from "../seen.js";
import { tints } from "../tint.js";

const LABEL = 14, GAP = 4, TALL = 590, WIDE = 210;
const light = ([r, g, b]) => 0.299 * r + 0.587 * g + 0.114 * b;
// Grey levels stand for values within half a percent of the scale.
function number(v) {
  if (v === 0) return "0";
  const a = Math.abs(v);
  return (a >= 1e5 || a < 1e-3 ? v.toExponential(1) : String(Number(v.toPrecision(3)))).replaceAll("-", "−");
}

class Sheet {
  constructor(root) {
    this.root = root;
    this.q = (s) => root.querySelector(s);
    this.maps = this.q(".maps");
    this.over = this.q(".over");
    this.big = this.q(".big");
    this.view = this.q(".view");
    this.tint = document.createElement("canvas");
    this.q(".hint").textContent = either("[Point at a unit. Click or Enter: look into it below. Arrow keys move by one unit, Page\u00a0Up and Page\u00a0Down from map to map. In|Tap a unit: look into it below. Tap in] the picture: what a pixel changes.");
    this.listen();
    new ResizeObserver(() => this.grey && this.layout()).observe(this.q(".well"));
  }

  // New data from the server; `send(name, value)` tells it what was chosen.
  async take(data, send) {
    const old = this.data;
    this.send = send;
    this.coming = data; // what was on its way before is out of date, even where nothing has to be loaded
    const same = ["maps", "token", "picture", "rectified"].every((name) => old?.[name] === data[name]);
    if (same && String(old.scales) === String(data.scales) && String(old.channels) === String(data.channels)) {
      if (String(data.selected) !== String(old.selected)) {
        this.chosen = null;
        this.unit = data.selected.slice();
      }
      this.data = data;
      this.ask(data.pixel);
      return this.render();
    }
    const image = new Image();
    image.src = data.maps;
    await image.decode();
    if (this.coming !== data) return; // a later one has arrived meanwhile
    this.data = data;
    const { width, height } = image;
    this.tint.width = width;
    this.tint.height = height;
    const ctx = this.tint.getContext("2d", { willReadFrequently: true });
    ctx.drawImage(image, 0, 0);
    const raw = ctx.getImageData(0, 0, width, height).data;
    this.grey = new Uint8Array(width * height);
    for (let i = 0; i < this.grey.length; i++) this.grey[i] = raw[4 * i];
    if (!old || old.token !== data.token) this.chosen = this.pixel = null;
    // What pages or order leave out is not on the canvas: the first map stands in, as it does on the server.
    const unit = this.chosen || data.selected;
    this.unit = data.channels.includes(unit[0]) ? unit.slice() : [data.channels[0], ...unit.slice(1)];
    this.hover = null;
    this.ask(data.pixel);
    this.q(".name").textContent = data.title;
    this.scene();
    this.colour();
    this.root.dataset.token = data.token;
  }

  // -- colours

  colour() {
    const tint = tints(this.root, () => this.grey && this.colour()), { rectified } = this.data, dark = light(tint.zero) < 128;
    const up = rectified ? tint.rectified : tint.positive;
    const table = Array.from({ length: 255 }, (_, v) => mix(tint.zero, v < 127 ? tint.negative : up, Math.abs(v - 127) / 127).map(Math.round));
    const ctx = this.tint.getContext("2d"), out = ctx.createImageData(this.tint.width, this.tint.height);
    // Whole pixels at once: a sheet has a quarter of a million.
    const words = new Uint32Array(Uint8Array.from(table.flatMap((c) => [...c, 255])).buffer), pixels = new Uint32Array(out.data.buffer);
    for (let i = 0; i < pixels.length; i++) pixels[i] = words[this.grey[i]];
    ctx.putImageData(out, 0, 0);
    this.dark = dark;
    this.pink = dark ? "#ff9fd0" : "#d0257f";
    const css = (v) => `rgb(${table[v]})`;
    this.q(".ramp").style.background = `linear-gradient(90deg, ${rectified ? "" : `${css(0)}, `}${css(127)}, ${css(254)})`;
    const { scales } = this.data, shared = scales.every((s) => s === scales[0]);
    const top = shared ? number(scales[0]) : "each map's largest value";
    this.q(".low").textContent = rectified ? "0" : shared ? `−${top}` : "below 0";
    this.q(".high").textContent = shared || rectified ? top : `above 0, up to ${top}`;
    this.layout();
  }

  // -- where everything is

  layout() {
    const { data } = this, width = this.q(".well").clientWidth, n = data.channels.length, [h, w] = data.cell;
    if (!width) return;
    let columns = 1, cw, ch;
    for (; columns <= n; columns++) {
      cw = Math.min(WIDE, (width - GAP * (columns - 1)) / columns);
      ch = (cw * h) / w;
      if (Math.ceil(n / columns) * (ch + LABEL + GAP) <= TALL) break;
    }
    columns = Math.min(columns, n);
    cw = Math.min(WIDE, (width - GAP * (columns - 1)) / columns);
    ch = (cw * h) / w;
    this.lay = { columns, cw, ch, rows: Math.ceil(n / columns) };
    const tall = this.lay.rows * (ch + LABEL + GAP);
    const ctx = fit(this.maps, width, tall);
    ctx.imageSmoothingEnabled = false;
    ctx.font = `11px ${getComputedStyle(this.root).fontFamily}`;
    ctx.textAlign = "center";
    ctx.fillStyle = getComputedStyle(this.root).color;
    data.channels.forEach((channel, k) => {
      const at = this.cell(k), from = this.source(k);
      ctx.drawImage(this.tint, from.x, from.y, w, h, at.x, at.y, cw, ch);
      if (cw >= 22) ctx.fillText(channel, at.x + cw / 2, at.y + ch + 11);
    });
    fit(this.over, width, tall);
    this.render();
  }

  cell(k) {
    const { columns, cw, ch } = this.lay;
    return { x: (k % columns) * (cw + GAP), y: Math.floor(k / columns) * (ch + LABEL + GAP) };
  }

  source(k) {
    const { columns, cell, gap } = this.data;
    return { x: (k % columns) * (cell[1] + gap), y: Math.floor(k / columns) * (cell[0] + gap) };
  }

  // Size of one unit on the canvas; the last block of a map that was averaged may be smaller.
  pitch() {
    const { cell, step } = this.data;
    return [this.lay.ch / cell[0] / step, this.lay.cw / cell[1] / step];
  }

  // Middle of a unit on the screen, for whoever wants to point at it.
  place([channel, row, column]) {
    const at = this.cell(this.data.channels.indexOf(channel)), [dy, dx] = this.pitch(), r = this.maps.getBoundingClientRect();
    return [r.left + at.x + (column + 0.5) * dx, r.top + at.y + (row + 0.5) * dy];
  }

  value([channel, row, column]) {
    const { channels, scales, step } = this.data, k = channels.indexOf(channel), from = this.source(k);
    const at = (from.y + Math.floor(row / step)) * this.tint.width + from.x + Math.floor(column / step);
    return ((this.grey[at] - 127) / 127) * scales[k];
  }

  // The unit under the pointer, null between the maps.
  under(e) {
    const r = this.maps.getBoundingClientRect(), { columns, cw, ch } = this.lay, { channels, size } = this.data;
    const x = e.clientX - r.left, y = e.clientY - r.top, i = Math.floor(x / (cw + GAP)), j = Math.floor(y / (ch + LABEL + GAP));
    const k = j * columns + i, at = this.cell(k), [dy, dx] = this.pitch();
    if (i < 0 || j < 0 || i >= columns || k >= channels.length || x - at.x >= cw || y - at.y >= ch) return null;
    return [channels[k], clamp(Math.floor((y - at.y) / dy), 0, size[0] - 1), clamp(Math.floor((x - at.x) / dx), 0, size[1] - 1)];
  }

  inBig(e) {
    const { size, cell, step } = this.data, [row, column] = under(e, this.big, cell.map((n) => n * step));
    return [(this.hover || this.unit)[0], clamp(row, 0, size[0] - 1), clamp(column, 0, size[1] - 1)];
  }

  inView(e) {
    const at = new DOMPoint(e.clientX, e.clientY).matrixTransform(this.view.getScreenCTM().inverse()), [H, W] = this.data.image;
    const row = Math.floor(at.y), column = Math.floor(at.x);
    return row >= 0 && row < H && column >= 0 && column < W ? [row, column] : null;
  }

  // -- what happens

  listen() {
    const mouse = (e) => e.pointerType !== "touch" && this.grey;
    this.maps.onpointermove = (e) => mouse(e) && this.point(this.under(e));
    this.big.onpointermove = (e) => mouse(e) && this.point(this.inBig(e));
    this.maps.onpointerleave = this.big.onpointerleave = () => this.grey && this.point(null);
    // A click tells whole pixels, the pointer parts of them, and a unit may be no wider than one.
    let up = null;
    this.root.addEventListener("pointerup", (e) => { up = e; }, true);
    const exact = (e) => (up && Math.abs(up.clientX - e.clientX) < 1 && Math.abs(up.clientY - e.clientY) < 1 ? up : e);
    this.maps.onclick = (e) => this.grey && this.choose(this.under(exact(e)), 0);
    this.big.onclick = (e) => this.grey && this.choose(this.inBig(exact(e)), 0);
    this.view.onpointermove = (e) => mouse(e) && this.reach(this.inView(e));
    this.view.onpointerleave = () => this.grey && this.reach(null);
    this.view.onclick = (e) => {
      const at = this.grey && this.inView(exact(e));
      if (!at) return;
      this.pixel = at;
      this.asked = true;
      this.reach(at);
      this.tell("pixel", at, 0);
    };
    this.maps.onkeydown = (e) => {
      if (!this.grey) return;
      const [channel, row, column] = this.unit, { channels, size } = this.data, k = channels.indexOf(channel);
      const other = (d) => [channels[clamp(k + d, 0, channels.length - 1)], row, column];
      const there = led(e, [row, column]);
      const to = there ? [channel, ...there] : { PageUp: other(-1), PageDown: other(1), Enter: this.unit, " ": this.unit }[e.key];
      if (!to) return;
      e.preventDefault();
      this.hover = null;
      const wait = e.key === "Enter" || e.key === " " ? 0 : 450; // a held key passes through many units
      this.choose([to[0], clamp(to[1], 0, size[0] - 1), clamp(to[2], 0, size[1] - 1)], wait);
    };
    this.view.onkeydown = (e) => {
      if (!this.grey) return;
      const [H, W] = this.data.image, at = this.pixel || [H >> 1, W >> 1], done = e.key === "Enter" || e.key === " ";
      const to = done ? at : led(e, at, e.shiftKey ? 8 : 1);
      if (!to) return;
      e.preventDefault();
      this.pixel = [clamp(to[0], 0, H - 1), clamp(to[1], 0, W - 1)];
      this.reach(this.pixel);
      if (!done) return;
      this.asked = true;
      this.tell("pixel", this.pixel, 0);
    };
    this.view.onblur = () => this.grey && this.reach(null);
  }

  // What shows while nothing is pointed at: what a pixel reaches, or, for null, what a unit sees.
  ask(pixel) {
    this.asked = Boolean(pixel);
    if (pixel) this.pixel ??= pixel;
    if (!this.hover) this.over_ = this.asked ? this.pixel : null;
  }

  point(unit) {
    if (String(unit) === String(this.hover)) return;
    this.hover = unit;
    this.over_ = unit || !this.asked ? null : this.pixel;
    this.render();
  }

  reach(pixel) {
    this.over_ = pixel || (this.asked ? this.pixel : null);
    this.hover = null;
    this.render();
  }

  choose(unit, wait) {
    if (!unit) return;
    this.unit = this.chosen = unit;
    this.asked = false;
    this.over_ = null;
    this.render();
    this.tell("unit", unit, wait);
  }

  tell(name, at, wait) {
    clearTimeout(this.later);
    const { token } = this.data, send = () => this.send(name, { token, at });
    if (wait) this.later = setTimeout(send, wait);
    else send();
  }

  // -- drawing what changes while the pointer moves

  render() {
    if (!this.lay) return;
    const unit = this.hover || this.unit, { data } = this;
    this.overlay(unit);
    this.enlarged(unit);
    this.seen(unit);
    this.words(unit);
    this.root.dataset.unit = this.unit.join();
    this.root.dataset.shown = unit.join();
    const [channel, row, column] = this.unit, [h, w] = data.size;
    this.maps.setAttribute("aria-label", `${data.title}, ${h} by ${w} units; channel ${channel}, row ${row}, column ${column} selected`);
  }

  frame(ctx, x, y, w, h, line) {
    ctx.strokeStyle = this.dark ? "#11151c" : "#fff";
    ctx.lineWidth = line + 2;
    ctx.strokeRect(x, y, w, h);
    ctx.strokeStyle = this.pink;
    ctx.lineWidth = line;
    ctx.strokeRect(x, y, w, h);
  }

  overlay(unit) {
    const ctx = this.over.getContext("2d"), { cw, ch } = this.lay, [dy, dx] = this.pitch(), { channels } = this.data;
    ctx.clearRect(0, 0, this.over.width, this.over.height);
    const reached = this.over_ && this.reached(this.over_);
    if (reached) {
      const [[a, b], [c, d]] = reached;
      channels.forEach((_, k) => {
        const at = this.cell(k);
        this.frame(ctx, at.x + c * dx, at.y + a * dy, Math.max(2, (d - c + 1) * dx), Math.max(2, (b - a + 1) * dy), 1);
      });
      return;
    }
    const marked = (u, line) => {
      const k = channels.indexOf(u[0]);
      if (k < 0) return;
      const at = this.cell(k), w = Math.max(5, dx), h = Math.max(5, dy);
      this.frame(ctx, at.x + 1, at.y + 1, cw - 2, ch - 2, line);
      this.frame(ctx, at.x + (u[2] + 0.5) * dx - w / 2, at.y + (u[1] + 0.5) * dy - h / 2, w, h, 1.5);
    };
    if (this.hover) marked(this.unit, 1);
    marked(unit, 2.5);
  }

  enlarged(unit) {
    const { cell, step, channels } = this.data, k = Math.max(0, channels.indexOf(unit[0])), from = this.source(k);
    const width = this.big.parentElement.clientWidth, height = Math.min(300, (width * cell[0]) / cell[1]);
    const wide = (height * cell[1]) / cell[0], ctx = fit(this.big, wide, height);
    ctx.imageSmoothingEnabled = false;
    ctx.drawImage(this.tint, from.x, from.y, cell[1], cell[0], 0, 0, wide, height);
    const dx = wide / cell[1] / step, dy = height / cell[0] / step, w = Math.max(6, dx), h = Math.max(6, dy);
    const reached = this.over_ && this.reached(this.over_);
    if (reached) {
      const [[a, b], [c, d]] = reached;
      this.frame(ctx, c * dx, a * dy, (d - c + 1) * dx, (b - a + 1) * dy, 2);
    } else if (!this.over_) this.frame(ctx, (unit[2] + 0.5) * dx - w / 2, (unit[1] + 0.5) * dy - h / 2, w, h, 2);
    this.q(".big-name").textContent = `Channel ${unit[0]}`;
    this.big.setAttribute("aria-label", `Channel ${unit[0]}, enlarged`);
  }

  // The picture is put in once; while the pointer moves only the box is.
  scene() {
    const { image: [H, W], picture, rows, cols } = this.data;
    const m = rows ? Math.min(beyond(rows, cols, [H, W]), 0.15 * Math.max(H, W)) : 0;
    this.margin = m;
    const known = JSON.stringify([picture, m]);
    if (this.known === known) return;
    this.known = known;
    backdrop(this.view, picture, [H, W], m);
    this.view.setAttribute("aria-label", `The picture, ${H} by ${W} pixels; arrow keys move over its pixels`);
  }

  seen([, row, column]) {
    const group = this.view.querySelector("g"), { image: [H, W], rows, cols } = this.data, m = this.margin, line = Math.max(W, H) / 130;
    if (this.over_) {
      const [y, x] = this.over_;
      group.innerHTML = `<circle class="dot" cx="${x + 0.5}" cy="${y + 0.5}" r="${2.2 * line}" stroke-width="${line}"/>`;
      this.root.dataset.box = "";
      return;
    }
    if (!rows) {
      group.innerHTML = "";
      return;
    }
    group.innerHTML = framed(rows[row], cols[column], [H, W], m, line);
    this.root.dataset.box = [...rows[row], ...cols[column]].join();
  }

  // First and last unit along each axis whose box holds a pixel; null where none does.
  reached([y, x]) {
    const { rows, cols } = this.data, ends = (spans, p) => {
      const inside = spans.flatMap(([a, b], i) => (a <= p && p <= b ? [i] : []));
      return inside.length ? [inside[0], inside[inside.length - 1]] : null;
    };
    const found = rows && [ends(rows, y), ends(cols, x)];
    return found && found[0] && found[1] ? found : null;
  }

  words(unit) {
    const { data } = this, [, row, column] = unit;
    let told;
    if (this.over_) {
      const [y, x] = this.over_, at = this.reached(this.over_);
      told = `Pixel <b>(${y}, ${x})</b>. `;
      if (!data.rows) told += data.reason;
      else if (!at) told += "No unit of this layer sees it.";
      else told += `In each map, <b>${(at[0][1] - at[0][0] + 1) * (at[1][1] - at[1][0] + 1)}</b> units see it: rows <b>${span(at[0])}</b>, columns <b>${span(at[1])}</b>.`;
    } else {
      told = `Channel <b>${unit[0]}</b>, unit <b>(${row}, ${column})</b>: <b>≈ ${number(this.value(unit))}</b>`;
      told += data.step > 1 ? `, mean of ${data.step} × ${data.step} units. ` : ". ";
      if (data.rows) {
        const rows = data.rows[row], cols = data.cols[column], [part, pad] = shares(rows, cols, data.image);
        told += `It sees rows <b>${span(rows)}</b>, columns <b>${span(cols)}</b>: <b>${part}</b> of the picture`;
        told += pad !== "0 %" ? `; <b>${pad}</b> of its field is padding.` : ".";
        if (data.everything) told += " A global branch shows it the whole picture besides.";
      } else told += data.reason;
    }
    if (this.was !== told) this.q(".told").innerHTML = this.was = told;
  }
}

export default function ({ data, parentElement, setStateValue }) {
  const root = parentElement.querySelector(".sheet");
  root.sheet ??= new Sheet(root);
  root.sheet.take(data, (name, value) => setStateValue(name, value));
}
