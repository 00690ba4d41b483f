// Colours: those of the roles, of the theme, and of a value.

import { ROLES } from "../colours.js";
import { css, mix } from "../common.js";

export { css, mix };

const rgb = (hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));
const { selection, ...roles } = Object.fromEntries(Object.entries(ROLES).map(([name, hex]) => [name, rgb(hex)]));
export const ROLE = { ...roles, map: [86, 180, 233] };
export const PINK = selection, NEGATIVE = [94, 60, 153], POSITIVE = [179, 88, 6], ODD = [240, 228, 66];

const channelLight = (v) => ((v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
const luminance = (c) => 0.2126 * channelLight(c[0]) + 0.7152 * channelLight(c[1]) + 0.0722 * channelLight(c[2]);
const contrast = (a, b) => {
  const x = luminance(a), y = luminance(b);
  return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05);
};

export function readable(colour, bg, text, ratio = 4.6) {
  for (let t = 0; t <= 1; t += 0.05) {
    const c = mix(colour, text, t);
    if (contrast(c, bg) >= ratio) return c;
  }
  return text;
}

// Several panels ask at every update, and a canvas to read colours with takes milliseconds: the last answer is kept.
const themeRead = { from: null, theme: null };

export function readTheme(probe) {
  const style = getComputedStyle(probe);
  const from = ["--st-background-color", "--st-text-color", "--st-font"].map((name) => style.getPropertyValue(name)).join("|");
  if (from === themeRead.from) return themeRead.theme;
  const ctx = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const parse = (name, fallback) => {
    ctx.fillStyle = fallback;
    ctx.fillStyle = style.getPropertyValue(name).trim() || fallback;
    ctx.fillRect(0, 0, 1, 1);
    return Array.from(ctx.getImageData(0, 0, 1, 1).data.slice(0, 3));
  };
  const bg = parse("--st-background-color", "#ffffff"), text = parse("--st-text-color", "#1b1f27");
  return Object.assign(themeRead, { from, theme: themeOf(bg, text, style.getPropertyValue("--st-font") || "sans-serif") }).theme;
}

// From the colours of the page and its font, as CSS has it.
export function themeOf(bg, text, font) {
  const theme = { bg, text, dark: luminance(bg) < luminance(text), font };
  theme.muted = readable(mix(bg, text, 0.55), bg, text);
  theme.ink = Object.fromEntries(Object.entries(ROLE).map(([k, c]) => [k, readable(c, bg, text)]));
  theme.pink = theme.dark ? mix(PINK, [255, 255, 255], 0.15) : mix(PINK, [140, 20, 90], 0.25);
  theme.ring = theme.dark ? ROLE.kernel : mix(ROLE.kernel, [120, 70, 0], 0.2);
  theme.id = css(bg) + css(text);
  return theme;
}

// The hatch of padding: px from line to line, and its two colours.
export const HATCH = 6;
export const hatchColours = ({ bg, text, dark }) => ({ ground: mix(bg, text, 0.05), line: mix(bg, text, dark ? 0.22 : 0.17) });

// The colour of one value: a ramp of the role's colour, or diverging around zero where the data has a sign.
export function shade(theme, role, stats, v, full) {
  if (!Number.isFinite(v)) return ODD;
  if (stats.signed) {
    const t = Math.max(-1, Math.min(1, v / stats.abs));
    const zero = mix(theme.bg, theme.text, 0.05);
    return mix(zero, t < 0 ? NEGATIVE : POSITIVE, Math.abs(t) * (full ? 1 : theme.dark ? 0.85 : 0.62));
  }
  const t = Math.max(0, Math.min(1, v / stats.abs));
  const [lo, hi] = full ? [0.04, 1] : theme.dark ? [0.12, 0.6] : [0.1, 0.6];
  return mix(theme.bg, ROLE[role] || ROLE.map, lo + (hi - lo) * t);
}

export function grey(stats, v) {
  const lo = Math.min(0, stats.min), hi = stats.max <= 1 ? 1 : stats.max;
  const g = (255 * (v - lo)) / (hi - lo || 1);
  return [g, g, g];
}

const DARK = [17, 21, 28], LIGHT = [255, 255, 255];
// The theme's own tone while it keeps 4.5:1, so that neighbouring numbers look alike.
export const onto = (c, dark) => {
  const [first, second] = dark ? [LIGHT, DARK] : [DARK, LIGHT];
  return contrast(c, first) >= 4.5 || contrast(c, first) >= contrast(c, second) ? first : second;
};
