// The DOM of a stage's grids and operator.

import { operatorKey, overOperator, wireGrid } from "./input.js";
import { steppers, titled } from "./layout.js";
import { stepTexts } from "./selection.js";
import { ROLE } from "./theme.js";
import { el, esc } from "./words.js";

const GROW = "M9.5 2.5h4v4m0-4-4.5 4.5M6.5 13.5h-4v-4m0 4L7 9", SHRINK = "M13.5 2.5 9 7m0-3.5V7h3.5M2.5 13.5 7 9m0 3.5V9H3.5";

export function build(stage) {
  const { scene, well } = stage;
  well.textContent = "";
  stage.figs.clear();
  const line = el("div", "line");
  scene.grids.forEach((g, i) => {
    const fig = el("figure"), cap = el("figcaption"), name = el("div", "name"), cv = el("div", "cv");
    const steps = el("div", "steps"), base = el("canvas", "base"), over = el("canvas", "over");
    const { title, size, padded } = titled(g);
    name.innerHTML = `${esc(title)} <span class="size">${size}</span>${padded && ` <small>padded ${padded}</small>`}`;
    name.style.color = `var(--${ROLE[g.role] ? g.role : "map"})`;
    base.setAttribute("aria-hidden", "true");
    over.tabIndex = 0;
    over.dataset.grid = g.id;
    over.setAttribute("role", "application");
    over.setAttribute("aria-roledescription", "grid of numbers");
    cv.append(base, over);
    cap.append(name, steps);
    fig.append(cap, cv);
    const sym = i > 0 ? el("span", "sym") : null;
    if (sym) {
      sym.textContent = scene.data.symbols?.[i - 1] ?? "";
      sym.classList.toggle("word", sym.textContent.length > 2);
      sym.setAttribute("aria-hidden", "true");
    }
    const block = el("div", "blk");
    if (sym || scene.flat) block.append(sym || el("span", "sym"));
    block.append(fig);
    line.append(block);
    stage.figs.set(g.id, { fig, cv, base, over, steps, name, sym });
    wireGrid(stage, g.id, over);
  });
  well.append(line);
  stage.opFig = stage.opShown = null;
  if (scene.operator) buildOperator(stage, scene.operator, well);
}

function buildOperator(stage, op, well) {
  const fig = el("figure", "opbox"), cap = el("figcaption"), head = el("div", "oph"), name = el("div", "name");
  const cv = el("div", "cv"), base = el("canvas", "base"), over = el("canvas", "over"), note = el("div", "note"), grow = el("button");
  name.innerHTML = `${esc(op.title || "Matrix")} <span class="size">${op.rows}×${op.cols}</span>`;
  grow.type = "button";
  fig.classList.toggle("before", !!op.before);
  head.append(name, grow);
  cap.append(head);
  note.innerHTML = `${esc(op.note || "").replace(/\n/g, "<br>")}<small>row: ${esc(op.link.to.title.toLowerCase())} cell, column: ${esc(op.first.from.title.toLowerCase())} cell</small>`;
  base.setAttribute("aria-hidden", "true");
  over.tabIndex = 0;
  over.dataset.operator = "true";
  over.setAttribute("role", "application");
  over.setAttribute("aria-roledescription", "matrix");
  cv.append(base, over);
  fig.append(cap, cv);
  if (op.note != null) fig.append(note);
  well.append(fig);
  stage.opFig = { fig, cv, base, over, note, grow, name };
  grow.onclick = () => stage.enlarge(!stage.big);
  over.onpointermove = (e) => overOperator(stage, e);
  over.onpointerleave = () => stage.leave();
  over.onclick = (e) => {
    stage.stop();
    stage.pinned = false;
    overOperator(stage, e);
    stage.pin(true);
  };
  over.onkeydown = (e) => operatorKey(stage, e);
}

export function placeOperator(stage, W, opW, wellH, roomH, phone) {
  const f = stage.opFig, op = stage.scene.operator;
  const size = stage.big ? stage.fitted.operatorSize(W - 8, (phone ? Math.max(260, stage.well.clientHeight) : wellH) - 84, 64)
    : stage.fitted.operatorSize(opW - 2, phone ? 240 : roomH, (op.part ? 40 : phone ? 22 : 18) * stage.unit);
  stage.scene.operator.lay = size;
  f.cv.style.width = `${size.w}px`;
  f.cv.style.height = `${size.h}px`;
  f.note.style.width = stage.big || stage.well.classList.contains("under") ? "" : `${Math.max(size.w, Math.min(opW, 180 * stage.unit))}px`;
  f.grow.innerHTML = `<svg viewBox="0 0 16 16" aria-hidden="true"><path d="${stage.big ? SHRINK : GROW}" fill="none" stroke="currentColor" stroke-width="1.4"/></svg>`;
  f.grow.setAttribute("aria-label", stage.big ? "Make the matrix small again" : "Enlarge the matrix");
  f.grow.title = f.grow.getAttribute("aria-label");
}

export function drawSteppers(stage, g) {
  const f = stage.figs.get(g.id), kinds = steppers(g);
  const text = stepTexts(stage, g).map((one) => stage.stepText(one));
  const key = kinds.join() + text.join();
  if (f.stepKey === key) return;
  f.stepKey = key;
  const focus = stage.root.getRootNode().activeElement, had = focus && f.steps.contains(focus) ? [...f.steps.children].indexOf(focus) : -1;
  f.steps.textContent = "";
  kinds.forEach((kind, i) => {
    const make = (by, sign) => {
      const b = el("button");
      b.type = "button";
      b.textContent = sign;
      b.setAttribute("aria-label", `${by < 0 ? "Previous" : "Next"} ${kind === "c" ? "channel" : "depth"} of ${g.title}`);
      b.onclick = () => stage.step(stage.scene.byId[g.id], kind, by);
      return b;
    };
    const label = el("span");
    label.textContent = text[i];
    f.steps.append(make(-1, "‹"), label, make(1, "›"));
  });
  if (had >= 0) f.steps.children[had]?.focus();
}
