// Numbers and words as text, and small helpers.

export { clamp, escape as esc } from "../common.js";

export const times = (a) => a.join("×");
export const el = (tag, cls) => {
  const node = document.createElement(tag);
  if (cls) node.className = cls;
  return node;
};

// Integers as they are, floats with at most `digits` significant digits and decimals.
export function number(v, digits = 3) {
  if (Number.isNaN(v)) return "NaN";
  if (!Number.isFinite(v)) return v > 0 ? "∞" : "−∞";
  const a = Math.abs(v);
  let s;
  if (Number.isInteger(v) && a < 1e7) s = String(v);
  else if (a >= 1e6 || a < 0.5 * 10 ** -digits) s = v.toExponential(1).replace("e+", "e");
  else if (a >= 10 ** (digits - 1)) s = String(Math.round(v));
  else {
    s = String(Number(a < 1 ? v.toFixed(digits) : v.toPrecision(digits)));
    if (!s.includes(".")) s += ".0"; // 0.999 is not the integer 1
  }
  return s.replace("-", "−");
}

// Words go before numbers do: which plane it is must stay.
export const shorten = (text) => text.replace("channel ", "ch. ").replace(/in (\d+) → out (\d+)/, "$1 → $2");

export function place1(g, cell) {
  if (g.sp.length === 1) return `position ${cell}`;
  const d = Math.floor(cell / (g.H * g.W)), r = cell % (g.H * g.W);
  return `${g.D > 1 ? `depth ${d}, ` : ""}row ${Math.floor(r / g.W)}, column ${r % g.W}`;
}
