// Typing a number into a cell.

import { hint } from "./describe.js";
import { cellBox } from "./draw.js";
import { isPadding, realIndex } from "./scene.js";
import { el, place1 } from "./words.js";

const MOST = 1e9;

export function edit(stage, s, typed) {
  const g = stage.scene.byId[s.grid];
  if (!g.editable || isPadding(g, s.cell)) return false;
  const b = cellBox(g.lay, g.slots, g, s.ch, s.cell);
  if (!b) return false;
  stage.stop();
  closeEditor(stage);
  stage.sel = s;
  stage.pinned = false;
  hint(stage);
  stage.select();
  const cv = stage.figs.get(g.id).cv, input = el("input", "ed"), w = Math.max(b.s + 6, 52), h = Math.max(b.s, 30);
  input.type = "text";
  input.setAttribute("aria-label", `New value for ${g.title}, ${place1(g, s.cell)}`);
  input.value = typed ?? String(g.values[s.ch * g.n + s.cell]);
  Object.assign(input.style, { left: `${b.x + b.s / 2 - w / 2}px`, top: `${b.y + b.s / 2 - h / 2}px`, width: `${w}px`, height: `${h}px` });
  // Given up: nothing is pinned, and that is told.
  const done = (back, sent) => {
    closeEditor(stage);
    if (!sent) stage.tell(null);
    if (back) stage.figs.get(g.id).over.focus();
  };
  input.onkeydown = (e) => {
    e.stopPropagation();
    if (e.key === "Escape") {
      e.preventDefault();
      done(true);
    }
    if (e.key === "Enter") {
      e.preventDefault();
      const text = input.value.trim().replace("−", "-").replace(",", "."), value = Number(text);
      if (text === "" || !Number.isFinite(value) || Math.abs(value) > MOST) return refuse(cv, input, text, value);
      stage.kept = true;
      done(true, true);
      stage.send("edit", { grid: g.id, channel: s.ch, cell: realIndex(g, s.cell), value, n: ++stage.edits });
    }
  };
  input.oninput = () => cv.querySelector(".bad")?.remove();
  input.onblur = () => done(false);
  cv.append(input);
  stage.editor = input;
  input.focus();
  if (typed == null) input.select();
  return true;
}

function refuse(cv, input, text, value) {
  cv.querySelector(".bad")?.remove();
  const note = el("div", "bad");
  note.setAttribute("role", "alert");
  note.textContent = !text ? "Type a number such as −1.5."
    : Math.abs(value) > MOST ? `“${text.slice(0, 20)}” is too large: type a number up to 1 000 000 000.`
    : `“${text.slice(0, 20)}” is not a number: type one such as −1.5.`;
  note.style.left = input.style.left;
  note.style.top = `${parseFloat(input.style.top) + parseFloat(input.style.height) + 4}px`;
  cv.append(note);
  input.setAttribute("aria-invalid", "true");
  input.select();
}

export function closeEditor(stage) {
  const input = stage.editor;
  stage.editor = null;
  if (!input) return;
  input.onblur = null;
  input.parentElement?.querySelector(".bad")?.remove();
  input.remove();
}
