// The part of a picture that a unit sees, on the picture and in words; `rows` and `cols`: first and last pixel, per axis.

import { clamp } from "./common.js";

// How far such parts reach beyond a picture of so many rows and columns.
export function beyond(rows, cols, [H, W]) {
  const far = (spans, n) => Math.max(0, ...spans.map(([a, b]) => Math.max(-a, b - n + 1)));
  return Math.max(far(rows, H), far(cols, W));
}

// Puts the picture into an SVG element, `m` hatched pixels around it, and a group for what lies on it.
export function backdrop(view, picture, [H, W], m) {
  const tile = Math.max(W, H) / 40, [w, h] = [W + 2 * m, H + 2 * m], all = `x="${-m}" y="${-m}" width="${w}" height="${h}"`;
  view.setAttribute("viewBox", `${-m} ${-m} ${w} ${h}`);
  view.innerHTML = `<defs><pattern id="pad" width="${tile}" height="${tile}" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">`
    + `<path class="stripes" d="M0 0V${tile}" stroke-width="${tile / 4}"/></pattern></defs>`
    + `<rect class="beyond" ${all}/><rect ${all} fill="url(#pad)"/>`
    + `<image href="${picture}" width="${W}" height="${H}" preserveAspectRatio="none"/><g></g>`;
}

// The frame around the part, all else in the shade. It stays inside what is drawn, so that a larger one has edges to see.
export function framed([top, bottom], [left, right], [H, W], m, line) {
  const x0 = clamp(left, -m, W + m), x1 = clamp(right + 1, -m, W + m), y0 = clamp(top, -m, H + m), y1 = clamp(bottom + 1, -m, H + m);
  const hole = `M${-m} ${-m}H${W + m}V${H + m}H${-m}ZM${x0} ${y0}V${y1}H${x1}V${y0}Z`;
  const box = (cls, width) => `<rect class="${cls}" x="${x0}" y="${y0}" width="${x1 - x0}" height="${y1 - y0}" stroke-width="${width}"/>`;
  return `<path class="shade" d="${hole}" fill-rule="evenodd"/>${box("casing", 2.4 * line)}${box("box", 1.3 * line)}`;
}

// How much of the picture it is, and how much of it is padding, in percent.
export function shares([top, bottom], [left, right], [H, W]) {
  const inside = Math.max(0, Math.min(right, W - 1) - Math.max(left, 0) + 1) * Math.max(0, Math.min(bottom, H - 1) - Math.max(top, 0) + 1);
  const whole = (right - left + 1) * (bottom - top + 1);
  return [(100 * inside) / (W * H), 100 - (100 * inside) / whole].map((v) => (v < 10 ? Number(v.toPrecision(2)) : Math.round(v)));
}
