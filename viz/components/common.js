// What several components need: numbers and text, canvases, pointer and keys.

export const clamp = (v, lo, hi) => Math.max(lo, Math.min(hi, v));
export const escape = (text) => String(text).replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
export const span = ([a, b]) => `${a} to ${b}`.replaceAll("-", "−");
export const mix = (a, b, t) => a.map((v, i) => v + (b[i] - v) * t);
export const css = (c, alpha) => `rgb(${c.map(Math.round).join(" ")}${alpha == null ? "" : ` / ${alpha}`})`;
export const bytes = (text) => Uint8Array.fromBase64?.(text) ?? Uint8Array.from(atob(text), (c) => c.charCodeAt(0));

// Makes a canvas as large as so many CSS pixels, empty, and sharp on the screen.
export function fit(canvas, w, h) {
  const dpr = clamp(window.devicePixelRatio || 1, 1, 3);
  const W = Math.max(1, Math.round(w * dpr)), H = Math.max(1, Math.round(h * dpr));
  if (canvas.width !== W || canvas.height !== H) {
    canvas.width = W;
    canvas.height = H;
    canvas.style.width = `${w}px`;
    canvas.style.height = `${h}px`;
  }
  const ctx = canvas.getContext("2d");
  ctx.setTransform(dpr, 0, 0, dpr, 0, 0);
  ctx.clearRect(0, 0, w, h);
  return ctx;
}

// What a node stands in, components' frames included.
export const around = (node) => node.parentNode ?? node.host;

// Px of the screen that are left below the top of `node` while nothing is scrolled.
export function left(node) {
  let top = node.getBoundingClientRect().top;
  for (let at = around(node); at; at = around(at)) top += at.scrollTop ?? 0;
  return document.documentElement.clientHeight - top;
}

// Of "[Hover|Tap] a cell" what those are told who have a pointer and keys, or what those are who have a finger alone.
export const either = (text) => text.replace(/\[([^|\]]*)\|([^\]]*)\]/g, matchMedia("(hover: none)").matches ? "$2" : "$1");

// Row and column under the pointer, of so many that fill an element.
export function under(e, element, [rows, columns]) {
  const r = element.getBoundingClientRect();
  return [Math.floor(((e.clientY - r.top) / r.height) * rows), Math.floor(((e.clientX - r.left) / r.width) * columns)];
}

const TYPED = "input:not([type=radio], [type=checkbox]), textarea, select, [contenteditable], [role=combobox], [role=slider]";

// Whether a key that was pressed anywhere is nobody's: no text is typed, no menu or dialog is open where it was pressed,
// `but` one that matches this.
export function free(e, but) {
  if (e.defaultPrevented || e.ctrlKey || e.metaKey || e.altKey) return false;
  return !e.composedPath().some((at) => at.matches?.(`${TYPED}, [role=dialog], [role=menu], [role=listbox], dialog`) && !(but && at.matches(but)));
}

// Where a key leads from a row and a column, `far` of them at once; nothing for other keys.
export const led = (e, [row, column], far = 1) => ({
  ArrowUp: [row - far, column], ArrowDown: [row + far, column], ArrowLeft: [row, column - far],
  ArrowRight: [row, column + far], Home: [row, 0], End: [row, 1e9],
})[e.key];
