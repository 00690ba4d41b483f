// A 2-D context that writes SVG: text as text, the hatch as a pattern, pictures of pixels as such. No DOM here.

import { HATCH, hatchColours } from "../components/stage/theme.js";

const short = (v) => String(Math.round(v * 100) / 100);
const hex = (v) => Math.round(v).toString(16).padStart(2, "0");
const escaped = (text) => String(text).replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);

// A colour as CSS has it here, rgb(r g b / alpha), as an attribute and its opacity: what any reader of SVG knows.
function paint(attribute, colour) {
  if (colour.startsWith("url(")) return ` ${attribute}="${colour}"`;
  const [r, g, b, alpha] = colour.match(/[\d.]+/g).map(Number);
  return ` ${attribute}="#${hex(r)}${hex(g)}${hex(b)}"${alpha == null ? "" : ` ${attribute}-opacity="${alpha}"`}`;
}

const ANCHOR = { center: "middle", right: "end" };

export class Recorder {
  // `measure(text, font)`: px.
  constructor(measure) {
    this.measure = measure;
    this.out = [];
    this.dash = [];
    Object.assign(this, { fillStyle: "rgb(0 0 0)", strokeStyle: "rgb(0 0 0)", lineWidth: 1, font: "400 10px sans-serif", textAlign: "left", textBaseline: "alphabetic" });
  }

  beginPath() {
    this.path = [];
    this.only = null;
  }

  rect(x, y, w, h) {
    this.roundRect(x, y, w, h, 0);
  }

  // A rectangle that is all of a path stays one.
  roundRect(x, y, w, h, r) {
    const round = Math.min(r, w / 2, h / 2);
    this.only = this.path.length || this.only ? null : `<rect x="${short(x)}" y="${short(y)}" width="${short(w)}" height="${short(h)}"${round > 0 ? ` rx="${short(round)}"` : ""}`;
    this.path.push(`M${short(x)} ${short(y)}h${short(w)}v${short(h)}h${short(-w)}z`);
  }

  moveTo(x, y) {
    this.path.push(`M${short(x)} ${short(y)}`);
    this.only = null;
  }

  lineTo(x, y) {
    this.path.push(`L${short(x)} ${short(y)}`);
    this.only = null;
  }

  quadraticCurveTo(a, b, x, y) {
    this.path.push(`Q${short(a)} ${short(b)} ${short(x)} ${short(y)}`);
    this.only = null;
  }

  // Whole circles only.
  arc(x, y, r) {
    this.only = `<circle cx="${short(x)}" cy="${short(y)}" r="${short(r)}"`;
  }

  shape(attributes) {
    this.out.push(`${this.only ?? `<path d="${this.path.join("")}"`}${attributes}/>`);
  }

  fill() {
    this.shape(paint("fill", this.fillStyle));
  }

  stroked() {
    return `${paint("stroke", this.strokeStyle)} stroke-width="${short(this.lineWidth)}"${this.dash.length ? ` stroke-dasharray="${this.dash.join(" ")}"` : ""}`;
  }

  stroke() {
    this.shape(` fill="none"${this.stroked()}`);
  }

  setLineDash(dash) {
    this.dash = dash;
  }

  fillRect(x, y, w, h) {
    this.beginPath();
    this.rect(x, y, w, h);
    this.fill();
  }

  strokeRect(x, y, w, h) {
    this.beginPath();
    this.rect(x, y, w, h);
    this.stroke();
  }

  measureText(text) {
    return { width: this.measure(text, this.font) };
  }

  fillText(text, x, y) {
    const [, weight, size] = this.font.match(/^(\d+) ([\d.]+)px/), anchor = ANCHOR[this.textAlign];
    const base = this.textBaseline === "bottom" ? y - 0.25 * size : y;
    this.out.push(`<text x="${short(x)}" y="${short(base)}" font-size="${short(size)}" font-weight="${weight}"${anchor ? ` text-anchor="${anchor}"` : ""}${paint("fill", this.fillStyle)}>${escaped(text)}</text>`);
  }

  // One line of text in several colours: in another font too, they follow each other.
  fillRuns(runs, x, y) {
    const css = (c) => `rgb(${c.map(Math.round).join(" ")})`, middle = x + runs.reduce((sum, run) => sum + run.width, 0) / 2;
    const up = (i) => (runs[i].up ?? 0) - (runs[i - 1]?.up ?? 0);
    const spans = runs.map((run, i) => `<tspan font-size="${short(run.size)}" font-weight="${run.weight ?? 400}"${up(i) ? ` dy="${short(-up(i))}"` : ""}${paint("fill", css(run.colour))}>${escaped(run.text)}</tspan>`);
    if (runs.length) this.out.push(`<text x="${short(middle)}" y="${short(y)}" text-anchor="middle" xml:space="preserve">${spans.join("")}</text>`);
  }
}

// What is painted apart from shapes and text. Pictures come out as `pixels`, their bytes as a list; `{pixels:n}` in the
// text stands for the address of the n-th.
export class Paper {
  // `scale`: px of the result for each px of the drawing.
  constructor(scale) {
    this.scale = scale;
    this.pictures = [];
  }

  hatch(_, theme) {
    this.theme = theme;
    return "url(#hatch)";
  }

  pixels(ctx, rgba, w, h, x, y, width, height) {
    ctx.out.push(`<image x="${short(x)}" y="${short(y)}" width="${short(width)}" height="${short(height)}" preserveAspectRatio="none"${width < 2 * w ? "" : ' image-rendering="optimizeSpeed" style="image-rendering:pixelated"'} href="{pixels:${this.pictures.length}}"/>`);
    let text = "";
    for (let i = 0; i < rgba.length; i += 4096) text += String.fromCharCode(...rgba.subarray(i, i + 4096));
    this.pictures.push({ w, h, rgba: text });
  }
}

// What `url(#hatch)` stands for.
export function hatched(theme) {
  const { ground, line } = hatchColours(theme), fill = (c) => `#${c.map(hex).join("")}`, s = HATCH;
  return `<pattern id="hatch" width="${s}" height="${s}" patternUnits="userSpaceOnUse"><rect width="${s}" height="${s}" fill="${fill(ground)}"/>`
    + `<path d="M${-s} ${s}L0 0M0 ${s}L${s} 0M${s} ${s}L${2 * s} 0" stroke="${fill(line)}" fill="none"/></pattern>`;
}
