// Pointer and keys.

import { cellBox, slotOrigin } from "./draw.js";
import { PLAY } from "./play.js";
import { save } from "./save.js";
import { realToDrawn } from "./scene.js";
import { clamp, number } from "./words.js";

const SPEEDS = [0.5, 1, 2, 4];

function hit(stage, g, e) {
  const r = stage.figs.get(g.id).over.getBoundingClientRect(), { lay, slots } = g;
  const x = ((e.clientX - r.left) / r.width) * lay.w, y = ((e.clientY - r.top) / r.height) * lay.h;
  for (let k = 0; k < slots.length; k++) {
    const o = slotOrigin(lay, k), cx = Math.floor((x - o.x) / lay.cell), cy = Math.floor((y - o.y) / lay.cell);
    if (cx >= 0 && cy >= 0 && cx < g.W && cy < g.H) return { grid: g.id, ch: slots[k].ch, cell: slots[k].d * g.H * g.W + cy * g.W + cx };
  }
  return null;
}

export function wireGrid(stage, id, over) {
  const grid = () => stage.scene.byId[id];
  over.onpointermove = (e) => {
    if (e.pointerType === "touch" || stage.pinned || stage.editor) return;
    if (stage.playing) {
      if (!stage.auto) return;
      stage.stop();
    }
    const s = hit(stage, grid(), e);
    stage.kept = false;
    if (s) stage.choose(s);
  };
  over.onpointerleave = () => stage.leave();
  over.onpointerdown = (e) => (stage.pointer = e.pointerType);
  over.onclick = (e) => {
    const s = hit(stage, grid(), e);
    if (!s) return;
    const same = stage.sel && s.grid === stage.sel.grid && s.ch === stage.sel.ch && s.cell === stage.sel.cell;
    stage.stop();
    if (stage.mark(s)) return;
    if (stage.pointer === "touch") {
      if (same && stage.tapped && stage.edit(s)) return;
      stage.tapped = true;
      stage.pin(false, false);
      stage.choose(s, true);
      stage.tell(s);
      return;
    }
    const unpin = same && stage.pinned;
    stage.sel = s;
    stage.tap = null;
    stage.pin(!unpin);
  };
  over.ondblclick = (e) => {
    const s = hit(stage, grid(), e);
    if (s) stage.edit(s);
  };
  over.onfocus = () => {
    if (!over.matches(":focus-visible") || stage.pinned || stage.playing) return;
    const s = cellIn(stage, grid());
    stage.choose(s, true);
  };
  over.onblur = () => (stage.kept = false);
  over.onkeydown = (e) => key(stage, e, grid());
}

// The selected cell where it lies in this grid, else the one that was selected there last, else the first.
function cellIn(stage, g) {
  if (stage.sel?.grid === g.id) return stage.sel;
  return stage.last[g.id] ?? { grid: g.id, ch: g.slots[0].ch, cell: g.slots[0].d * g.H * g.W + (g.real && g.D === 1 ? realToDrawn(g, 0) : 0) };
}

export function overOperator(stage, e) {
  const op = stage.scene.operator;
  if (!op || stage.pinned || (stage.playing && !stage.auto)) return;
  if (stage.playing) stage.stop();
  const r = stage.opFig.over.getBoundingClientRect();
  const col = clamp(Math.floor(((e.clientX - r.left) / r.width) * op.cols), 0, op.cols - 1);
  const row = clamp(Math.floor(((e.clientY - r.top) / r.height) * op.rows), 0, op.rows - 1);
  stage.kept = false;
  stage.chooseEntry(row, col);
}

function key(stage, e, g) {
  // A pointer that only passed over another grid does not take the keys along.
  const s = stage.sel?.grid === g.id || !(stage.pinned || stage.playing) ? cellIn(stage, g) : null;
  if (e.ctrlKey && !["Home", "End"].includes(e.key)) return;
  if (e.metaKey || e.altKey) return;
  // Then they walk, wherever they are pressed.
  if (stage.presented && [" ", "PageUp", "PageDown"].includes(e.key)) return;
  const moves = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
  let next = null;
  if (s && moves[e.key]) next = move(g, s, ...moves[e.key]);
  else if (s && (e.key === "Home" || e.key === "End")) {
    const rest = s.cell % g.W, end = e.key === "End";
    next = e.ctrlKey ? { ...s, cell: end ? g.n - 1 : 0 } : { ...s, cell: s.cell - rest + (end ? g.W - 1 : 0) };
  } else if (s && (e.key === "PageUp" || e.key === "PageDown")) {
    next = { ...s, ch: (s.ch + (e.key === "PageUp" ? g.C - 1 : 1)) % g.C };
  } else if (e.key === "Escape") {
    stage.stop();
    stage.pin(false);
  } else if (e.key === "p" || e.key === "P" || e.key === " ") stage.play(!stage.playing);
  else if (e.key === "Enter" || e.key === "F2") {
    if (!s) return;
    if (!stage.mark(s) && !stage.edit(s)) stage.pin(!stage.pinned);
  } else if (/^[-0-9.]$/.test(e.key) && s) {
    if (!stage.edit(s, e.key)) return;
  } else return;
  e.preventDefault();
  if (next) {
    stage.stop();
    if (stage.pinned) stage.pin(false);
    stage.choose(next, true);
    stage.kept = true;
  }
}

function move(g, s, dy, dx) {
  const plane = g.H * g.W, d = Math.floor(s.cell / plane), r = s.cell % plane;
  const y = Math.floor(r / g.W) + dy, x = (r % g.W) + dx;
  if (x < 0 || x >= g.W) return s;
  if (y >= 0 && y < g.H) return { ...s, cell: d * plane + y * g.W + x };
  // Past the edge of a plane: the neighbouring slice or channel, entered from its near side.
  const k = d + dy;
  const row = dy > 0 ? 0 : g.H - 1;
  if (k >= 0 && k < g.D) return { ...s, cell: k * plane + row * g.W + x };
  const ch = s.ch + dy;
  if (ch < 0 || ch >= g.C) return s;
  return { ...s, ch, cell: (dy > 0 ? 0 : g.D - 1) * plane + row * g.W + x };
}

export function operatorKey(stage, e) {
  const op = stage.scene.operator, at = stage.opAt || { row: 0, col: 0 };
  const moves = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0], Home: [0, -1e9], End: [0, 1e9] };
  if (e.ctrlKey || e.metaKey || e.altKey) return;
  if (moves[e.key]) {
    stage.stop();
    if (stage.pinned) stage.pin(false);
    stage.kept = true;
    stage.chooseEntry(clamp(at.row + moves[e.key][0], 0, op.rows - 1), clamp(at.col + moves[e.key][1], 0, op.cols - 1));
  } else if (e.key === "Enter") stage.enlarge(!stage.big);
  else if (e.key === "Escape") {
    if (stage.big) stage.enlarge(false);
    else stage.pin(false);
  } else if (e.key === "p" || e.key === "P" || e.key === " ") stage.play(!stage.playing);
  else return;
  e.preventDefault();
}

export function wire(stage) {
  const { root } = stage;
  stage.variables();
  stage.$(".play path").setAttribute("d", PLAY);
  stage.$(".play span").textContent = "Play";
  stage.$(".play").onclick = () => stage.play(!stage.playing);
  stage.$(".back").onclick = () => {
    stage.stop();
    stage.advance(-1);
  };
  stage.$(".next").onclick = () => {
    stage.stop();
    stage.advance(1);
  };
  const speed = stage.$(".speed");
  speed.onclick = () => {
    stage.speed = SPEEDS[(SPEEDS.indexOf(stage.speed) + 1) % SPEEDS.length];
    speed.textContent = `${number(stage.speed)}×`;
    speed.setAttribute("aria-label", `Speed ${number(stage.speed)}×`);
  };
  stage.$(".matrix").onclick = () => stage.unfold();
  stage.$(".save").onclick = () => save(stage);
  stage.$(".probe").ontransitionend = () => stage.repaint();
  const eq = stage.$(".eq");
  eq.onpointerover = (e) => {
    const t = e.target.closest?.("[data-t]"), part = stage.part;
    if (!t || !part || stage.playing) return;
    const term = part.terms[Number(t.dataset.t)];
    if (!term || (stage.tap && stage.tap.src === term.src && stage.tap.tap === term.tap)) return;
    stage.tap = { link: part.link, tap: term.tap, k: part.pair.k, i: part.pair.i, src: term.src };
    stage.sel = stage.out;
    stage.select();
  };
  eq.onpointerleave = () => {
    if (!stage.tap) return;
    stage.tap = null;
    stage.select();
  };
  eq.onclick = (e) => {
    const b = e.target.closest?.("[data-ch]");
    if (!b || !stage.part) return;
    stage.shown[stage.part.link.from.id] = Number(b.dataset.ch);
    stage.baseAll();
    stage.select();
    eq.querySelector(`[data-ch="${b.dataset.ch}"]`)?.focus();
  };
  root.onkeydown = (e) => {
    if (e.key !== "Escape") return;
    if (stage.big) stage.enlarge(false);
    else if (stage.pinned) stage.pin(false);
  };
  root.cellRect = (grid, channel, cell) => {
    const g = stage.scene.byId[grid], b = g && cellBox(g.lay, g.slots, g, channel, cell);
    if (!b) return null;
    const r = stage.figs.get(grid).over.getBoundingClientRect();
    return new DOMRect(r.left + b.x, r.top + b.y, b.s, b.s);
  };
  root.stage = stage;
}
