import { bytes, clamp, css, either, fit, led } from "../common.js";
import { ROLES } from "../colours.js";

// More channels than these are a picture, in which lines would hide each other.
const LINES = 64, HEIGHT = 116, EDGE = 8, RAIL = 8;
const large = (s) => Math.max(s.inputs, s.outputs) > LINES;
// Where a picture begins between two columns of channels, and how wide it is.
const frame = (x, step) => [x + 6, step - 18];

const colour = (name) => [1, 3, 5].map((i) => parseInt(ROLES[name].slice(i, i + 2), 16));

function el(tag, cls, text) {
  const one = document.createElement(tag);
  if (cls) one.className = cls;
  if (text != null) one.textContent = text;
  return one;
}

const open = ({ outputs, inputs, ways }) => {
  const packed = bytes(ways);
  return { outputs, inputs, way: (o, i) => (packed[(o * inputs + i) >> 3] >> (7 - ((o * inputs + i) & 7))) & 1 };
};

// Of each column of channels, which of them are on a way through the one that is pointed at.
function followed(steps, at) {
  const sets = [steps[0].inputs, ...steps.map((s) => s.outputs)].map(() => new Set());
  sets[at[0]].add(at[1]);
  for (let c = at[0]; c < steps.length; c++) {
    for (let o = 0; o < steps[c].outputs; o++) for (const i of sets[c]) if (steps[c].way(o, i)) { sets[c + 1].add(o); break; }
  }
  for (let c = at[0] - 1; c >= 0; c--) {
    for (let i = 0; i < steps[c].inputs; i++) for (const o of sets[c + 1]) if (steps[c].way(o, i)) { sets[c].add(i); break; }
  }
  return sets;
}

function sentence(tile, steps, at, sets) {
  const last = steps.length, of = (c) => (c ? steps[c - 1].outputs : steps[0].inputs);
  const kind = at[0] === 0 ? "input" : at[0] === last ? "output" : "inner";
  const parts = [];
  if (at[0] > 0) parts.push(`sees ${sets[0].size} of ${of(0)} input channels`);
  if (at[0] < last) parts.push(`reaches ${sets[last].size} of ${of(last)} output channels`);
  return `${tile.title}: ${kind} channel ${at[1]} ${parts.join(" and ")}.`;
}

// Lines that cross each other are fainter, the more there are for an output.
function faint(s) {
  if (s.faint) return s.faint;
  let ways = 0;
  for (let o = 0; o < s.outputs; o++) for (let i = 0; i < s.inputs; i++) ways += s.way(o, i);
  return (s.faint = clamp((12 * s.outputs / (ways || 1)) ** 1.3, 0.08, 1));
}

// Where channel k of n stands in a column.
const place = (k, n) => EDGE + ((HEIGHT - 2 * EDGE) * (k + 0.5)) / n;

function draw(one) {
  const { canvas, steps, at } = one, w = canvas.parentElement.clientWidth - 20, style = getComputedStyle(canvas);
  if (w < 20) return;
  const ctx = fit(canvas, w, HEIGHT), ink = style.color.match(/[\d.]+/g).slice(0, 3).map(Number);
  const sizes = [steps[0].inputs, ...steps.map((s) => s.outputs)], last = steps.length;
  const x = (c) => EDGE + ((w - 2 * EDGE) * c) / last, sets = at && followed(steps, at), marked = colour("selection");
  steps.forEach((s, c) => {
    if (large(s)) {
      const rails = [c === 0 ? "input" : null, c === last - 1 ? "output" : null];
      picture(ctx, s, ...frame(x(c), x(c + 1) - x(c)), ink, sets && [sets[c], sets[c + 1]], marked, rails, !one.covered);
      return;
    }
    for (const chosen of sets ? [false, true] : [false]) {
      ctx.beginPath();
      for (let o = 0; o < s.outputs; o++) {
        for (let i = 0; i < s.inputs; i++) {
          if (!s.way(o, i) || (chosen !== Boolean(sets && sets[c].has(i) && sets[c + 1].has(o)))) continue;
          ctx.moveTo(x(c), place(i, s.inputs));
          ctx.lineTo(x(c + 1), place(o, s.outputs));
        }
      }
      ctx.strokeStyle = chosen ? css(marked, 0.9) : css(ink, (sets ? 0.2 : 0.5) * faint(s));
      ctx.lineWidth = chosen ? 1.5 : 1;
      ctx.stroke();
    }
  });
  sizes.forEach((n, c) => {
    // Beside a picture its edges stand for them.
    if ((c === last || large(steps[c])) && (c === 0 || large(steps[c - 1]))) return;
    const r = clamp((HEIGHT - 2 * EDGE) / n / 2.6, 1.2, 5), role = c === 0 ? "input" : c === last ? "output" : null;
    for (let k = 0; k < n; k++) {
      ctx.beginPath();
      ctx.arc(x(c), place(k, n), r, 0, 7);
      ctx.fillStyle = sets?.[c].has(k) ? css(marked) : role ? css(colour(role)) : css(ink, 0.7);
      ctx.fill();
    }
  });
}

// The blocks of a layer: inputs from..to, which outputs from..to all see.
function blocks(s) {
  const found = [];
  for (let o = 0; o < s.outputs; o++) {
    let i = 0, row = [];
    while (i < s.inputs) {
      if (!s.way(o, i)) { i++; continue; }
      const from = i;
      while (i < s.inputs && s.way(o, i)) i++;
      row.push([from, i]);
    }
    const last = found.at(-1), same = last?.to === o && String(last.inputs) === String(row);
    if (same) last.to++;
    else found.push({ inputs: row, from: o, to: o + 1 });
  }
  return found.flatMap(({ inputs, from, to }) => inputs.map((one) => ({ inputs: one, outputs: [from, to] })));
}

// A row for each output channel, a column for each input channel; where there is a way, ink. Blocks are framed, and say
// from how many channels to how many. Above stand the inputs in their colour, at the right the outputs.
function picture(ctx, s, left, w, ink, sets, marked, rails, told) {
  const top = EDGE + RAIL, h = HEIGHT - 2 * EDGE - RAIL, image = new ImageData(s.inputs, s.outputs);
  for (let o = 0; o < s.outputs; o++) {
    for (let i = 0; i < s.inputs; i++) {
      const on = sets?.[0].has(i) && sets[1].has(o);
      image.data.set([...(on ? marked : ink), s.way(o, i) ? (on ? 255 : sets ? 50 : 90) : 10], (o * s.inputs + i) * 4);
    }
  }
  const off = new OffscreenCanvas(s.inputs, s.outputs);
  off.getContext("2d").putImageData(image, 0, 0);
  ctx.imageSmoothingEnabled = s.inputs > w || s.outputs > h;
  ctx.drawImage(off, left, top, w, h);
  const x = (i) => left + (w * i) / s.inputs, y = (o) => top + (h * o) / s.outputs;
  ctx.strokeStyle = css(ink, 0.5);
  ctx.lineWidth = 1;
  ctx.strokeRect(left, top, w, h);
  ctx.font = "11px sans-serif";
  ctx.textAlign = "center";
  ctx.textBaseline = "middle";
  ctx.fillStyle = css(ink);
  for (const { inputs, outputs } of (s.blocks ??= blocks(s))) {
    const wide = x(inputs[1]) - x(inputs[0]), high = y(outputs[1]) - y(outputs[0]);
    if (wide < 5 || high < 5) {
      // Too thin for a frame, and alone too faint.
      if (!sets) ctx.fillRect(x(inputs[0]), y(outputs[0]), Math.max(1.4, wide), Math.max(1.4, high));
      continue;
    }
    ctx.strokeRect(x(inputs[0]), y(outputs[0]), wide, high);
    const text = `${inputs[1] - inputs[0]} → ${outputs[1] - outputs[0]}`;
    if (told && high > 13 && ctx.measureText(text).width < wide - 6) ctx.fillText(text, x(inputs[0]) + wide / 2, y(outputs[0]) + high / 2);
  }
  const rail = (role, n, chosen, along) => {
    ctx.fillStyle = role ? css(colour(role)) : css(ink, 0.7);
    along(0, n);
    ctx.fillStyle = css(marked);
    for (const k of chosen ?? []) along(k, k + 1);
  };
  rail(rails[0], s.inputs, sets?.[0], (from, to) => ctx.fillRect(x(from), EDGE, Math.max(1, x(to) - x(from)), RAIL - 3));
  rail(rails[1], s.outputs, sets?.[1], (from, to) => ctx.fillRect(left + w + 3, y(from), RAIL - 3, Math.max(1, y(to) - y(from))));
}

function point(root, one, at) {
  if (root.covered || String(one.at) === String(at)) return;
  one.at = at;
  draw(one);
  root.querySelector(".told").textContent = at ? sentence(one.tile, one.steps, at, followed(one.steps, at)) : root.hint;
}

// The channel under a pointer. On a picture that is its row, an output channel, or above it its column.
function under(one, e) {
  const r = one.canvas.getBoundingClientRect(), last = one.steps.length, step = (r.width - 2 * EDGE) / last;
  const x = e.clientX - r.left, y = e.clientY - r.top, at = clamp(Math.floor((x - EDGE) / step), 0, last - 1), s = one.steps[at];
  const of = (share, n) => clamp(Math.floor(share * n), 0, n - 1);
  if (!large(s)) {
    const c = clamp(Math.round((x - EDGE) / step), 0, last);
    return [c, of((y - EDGE) / (HEIGHT - 2 * EDGE), c ? one.steps[c - 1].outputs : one.steps[0].inputs)];
  }
  const [left, w] = frame(EDGE + at * step, step);
  if (y < EDGE + RAIL && x < left + w) return [at, of((x - left) / w, s.inputs)];
  return [at + 1, of((y - EDGE - RAIL) / (HEIGHT - 2 * EDGE - RAIL), s.outputs)];
}

function pressed(root, one, e) {
  const to = led(e, [one.at?.[1] ?? 0, one.at?.[0] ?? one.steps.length]);
  if (e.key === "Escape") return point(root, one, null);
  if (!to) return;
  e.preventDefault();
  const c = clamp(to[1], 0, one.steps.length), n = c ? one.steps[c - 1].outputs : one.steps[0].inputs;
  point(root, one, [c, clamp(to[0], 0, n - 1)]);
}

function tile(root, data, pick) {
  const box = el("section", "tile"), head = el("h2"), canvas = el("canvas");
  box.dataset.name = data.name;
  if (root.pickable) {
    const button = el("button", "", data.title);
    button.onclick = () => pick(data.name);
    head.append(button);
  } else head.textContent = data.title;
  box.append(head);
  if (data.steps.length) {
    const one = { tile: data, canvas, steps: data.steps.map(open), at: null, covered: root.covered };
    const sizes = [one.steps[0].inputs, ...one.steps.map((s) => s.outputs)];
    canvas.tabIndex = 0;
    canvas.role = "application";
    canvas.ariaRoleDescription = `${root.what}s`;
    canvas.ariaLabel = `${data.title}: ${sizes.join(" to ")} ${root.what}s.${root.covered ? "" : " Arrow keys follow one."}`;
    canvas.onpointermove = (e) => e.pointerType !== "touch" && point(root, one, under(one, e));
    canvas.onclick = (e) => point(root, one, under(one, e));
    canvas.onpointerleave = () => point(root, one, null);
    canvas.onkeydown = (e) => pressed(root, one, e);
    canvas.onblur = () => point(root, one, null);
    box.append(canvas, el("p", "names", sizes.join(" → ")));
    root.drawn.push(one);
  } else box.classList.add("none");
  if (data.numbers.length) {
    const list = el("dl");
    for (const [name, value] of data.numbers) list.append(el("dt", "", name), el("dd", "", value));
    box.append(list);
  }
  if (data.said) box.append(el("p", "said", data.said));
  return box;
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".channels"), shown = JSON.stringify([data.tiles, data.pickable, data.covered]);
  root.pick = (name) => setTriggerValue("pick", name);
  if (root.shown !== shown) {
    root.shown = shown;
    root.drawn = [];
    root.pickable = data.pickable;
    root.covered = data.covered;
    root.what = data.what;
    root.hint = data.covered ? `Predict first: then ${data.what}s can be followed.` : either("[Point at a channel, or use the arrow keys,|Tap a channel] and follow it through.");
    if (data.tiles.some((one) => one.steps.some(large))) root.hint += " In a picture, columns are channels that come in, rows those that go out.";
    root.querySelector(".told").textContent = root.hint;
    root.querySelector(".tiles").replaceChildren(...data.tiles.map((one) => tile(root, one, (name) => root.pick(name))));
  }
  for (const box of root.querySelectorAll(".tile")) {
    const on = data.pickable && box.dataset.name === data.chosen;
    box.classList.toggle("chosen", on);
    box.querySelector("h2 button")?.setAttribute("aria-pressed", String(on));
  }
  const again = () => root.drawn.forEach(draw);
  again();
  root.watch ??= new ResizeObserver(() => again());
  root.watch.observe(root);
  root.querySelector(".roles").ontransitionend = again;
  return () => root.watch.disconnect();
}
