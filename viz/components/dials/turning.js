// Dials that are heard while they turn: a value is sent as soon as the one before it was answered, one message at a time.
// For a component with an element `.dials`: call `dials(root, d)` when data arrive and `answered(root)` at the end;
// `root.send("dial", value)` sends.
import { escape } from "../common.js";

export const say = (v) => {
  if (!Number.isFinite(v)) return "NaN";
  const text = Math.abs(v - Math.round(v)) < 1e-9 && Math.abs(v) < 1e6 ? String(Math.round(v)) : String(Number(v.toPrecision(3)));
  return text.replace("-", "−");
};

export function dials(root, d) {
  const form = root.querySelector(".dials"), key = JSON.stringify(d.dials.map(({ value, ...rest }) => rest));
  if (root.dialKey !== key) {
    root.dialKey = key;
    form.innerHTML = d.dials.map((one) => `<label><span class="name">${escape(one.label)} <b></b></span><input type="range" name="${one.name}" min="${one.min}" max="${one.max}" step="${one.step}"></label>`).join("");
    form.hidden = !d.dials.length && !d.room;
  }
  for (const one of d.dials) {
    const input = form.querySelector(`[name=${one.name}]`);
    // What the visitor turns at this moment, or turned and nobody has heard yet, is ahead of what comes back.
    if (root.turning !== one.name && !root.wanted?.has(one.name)) input.value = one.value;
    input.parentElement.querySelector("b").textContent = `${say(Number(input.value))}${one.unit || ""}`;
    input.oninput = () => {
      root.turning = one.name;
      input.parentElement.querySelector("b").textContent = `${say(Number(input.value))}${one.unit || ""}`;
      turn(root, one.name, Number(input.value), false);
    };
    // Held by the address of the page once it rests; a key that is pressed again and again does not rest.
    input.onchange = () => {
      // Each dial rests by itself: turning the next one soon after does not drop this one.
      root.resting ??= {};
      clearTimeout(root.resting[one.name]);
      root.resting[one.name] = setTimeout(() => turn(root, one.name, Number(input.value), true), 600);
    };
  }
}

function turn(root, name, value, done) {
  (root.wanted ??= new Map()).set(name, { name, value, done });
  if (!root.waiting) next(root);
}
function next(root) {
  const [sent] = root.wanted.values();
  root.wanted.delete(sent.name);
  root.waiting = setTimeout(() => answered(root), 2000);
  root.send("dial", { ...sent, n: ++root.edits });
}
export function answered(root) {
  clearTimeout(root.waiting);
  root.waiting = 0;
  if (root.wanted?.size) next(root);
  else root.turning = null;
}
