// Dials that are heard while they turn: a value is sent as soon as the one before it was answered, one message at a time.
// For a component with an element `.dials`: call `dials(root, d)` when data arrive and `answered(root)` at the end;
// `root.send("dial", value)` sends.
const escape = (text) => String(text).replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
const say = (v) => {
  if (!Number.isFinite(v)) return "NaN";
  const text = Math.abs(v - Math.round(v)) < 1e-9 && Math.abs(v) < 1e6 ? String(Math.round(v)) : String(Number(v.toPrecision(3)));
  return text.replace("-", "−");
};

function dials(root, d) {
  const form = root.querySelector(".dials"), key = JSON.stringify(d.dials.map(({ value, ...rest }) => rest));
  if (root.dialKey !== key) {
    root.dialKey = key;
    form.innerHTML = d.dials.map((one) => `<label><span class="name">${escape(one.label)} <b></b></span><input type="range" name="${one.name}" min="${one.min}" max="${one.max}" step="${one.step}"></label>`).join("");
    form.hidden = !d.dials.length && !d.room;
  }
  for (const one of d.dials) {
    const input = form.querySelector(`[name=${one.name}]`);
    // What the visitor turns at this moment is ahead of what comes back.
    if (root.turning !== one.name) input.value = one.value;
    input.parentElement.querySelector("b").textContent = `${say(Number(input.value))}${one.unit || ""}`;
    input.oninput = () => {
      root.turning = one.name;
      input.parentElement.querySelector("b").textContent = `${say(Number(input.value))}${one.unit || ""}`;
      turn(root, one.name, Number(input.value), false);
    };
    // Held by the address of the page once it rests; a key that is pressed again and again does not rest.
    input.onchange = () => {
      clearTimeout(root.resting);
      root.resting = setTimeout(() => turn(root, one.name, Number(input.value), true), 600);
    };
  }
}

function turn(root, name, value, done) {
  root.wanted = { name, value, done };
  if (root.waiting) return;
  root.waiting = setTimeout(() => answered(root), 2000);
  const sent = root.wanted;
  root.wanted = null;
  root.send("dial", { ...sent, n: ++root.edits });
}
function answered(root) {
  clearTimeout(root.waiting);
  root.waiting = 0;
  if (root.wanted) turn(root, root.wanted.name, root.wanted.value, root.wanted.done);
  else root.turning = null;
}
