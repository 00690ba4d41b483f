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

// The frame around the part, all else in the shade. Where the part is larger than what is drawn, the edge is dashed.
export function framed([top, bottom], [left, right], [H, W], m, line) {
  const inside = (v, n) => clamp(v, line - m, n + m - line);
  const x0 = inside(left, W), x1 = inside(right + 1, W), y0 = inside(top, H), y1 = inside(bottom + 1, H);
  const edges = [[`M${x0} ${y0}H${x1}`, top < -m], [`M${x0} ${y1}H${x1}`, bottom >= H + m],
    [`M${x0} ${y0}V${y1}`, left < -m], [`M${x1} ${y0}V${y1}`, right >= W + m]];
  const drawn = (cut, more) => `<path d="${edges.flatMap(([d, far]) => (far === cut ? d : [])).join("")}" stroke-linecap="square" ${more}/>`;
  const hole = `M${-m} ${-m}H${W + m}V${H + m}H${-m}ZM${x0} ${y0}V${y1}H${x1}V${y0}Z`, box = `class="box" stroke-width="${1.3 * line}"`;
  return `<path class="shade" d="${hole}" fill-rule="evenodd"/>` + drawn(false, `class="casing" stroke-width="${2.4 * line}"`)
    + drawn(false, box) + drawn(true, `${box} stroke-dasharray="${4 * line}"`);
}

// A share in words; one that is not whole reads neither as all nor as nothing.
function percent(v) {
  if (v >= 99.5 && v < 100) return "over 99 %";
  if (v > 0 && v < 0.01) return "under 0.01 %";
  return `${v < 10 ? Number(v.toPrecision(2)) : Math.round(v)} %`;
}

// How much of the picture it is, and how much of it is padding.
export function shares([top, bottom], [left, right], [H, W]) {
  const inside = Math.max(0, Math.min(right, W - 1) - Math.max(left, 0) + 1) * Math.max(0, Math.min(bottom, H - 1) - Math.max(top, 0) + 1);
  const whole = (right - left + 1) * (bottom - top + 1);
  return [percent((100 * inside) / (W * H)), percent((100 * (whole - inside)) / whole)];
}
