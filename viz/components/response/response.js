// Maps of one picture, the kernel between them, and what one output number is made of. Pointing sends nothing;
// turning a dial sends its value while it moves, one message at a time.

import { CIVIDIS, ROLES } from "../colours.js";
import { bytes, clamp, css, either, escape, led, mix, under } from "../common.js";
import { answered, dials, say } from "../dials/turning.js";
import { tints } from "../tint.js";
import { NUMBERED, end, kernels, listen, side } from "../weights/cells.js";

// Right, up, left, down: light, orange, dark, blue. Neighbours differ in lightness or between blue and yellow.
const TURN = [[250, 250, 245], [230, 159, 0], [20, 20, 30], [0, 96, 190]];
const STILL = 128, TERMS = 9;

const ramp = (list, share) => {
  const at = clamp(share, 0, 1) * (list.length - 1), low = Math.min(Math.floor(at), list.length - 2);
  return mix(list[low], list[low + 1], at - low);
};
const turned = (degrees) => {
  const at = (((degrees % 360) + 360) % 360) / 90, low = Math.floor(at) % 4;
  return mix(TURN[low], TURN[(low + 1) % 4], at - Math.floor(at));
};

function read(data) {
  const maps = data.maps.map((m) => {
    const raw = bytes(m.b).buffer, unit = m.unit ?? 1, values = m.unit == null ? new Float32Array(raw) : new Int16Array(raw);
    return { values, unit, at: (i) => values[i] * unit };
  });
  const input = bytes(data.input);
  return { ...data, maps, input, x: (i) => input[i] / 255 };
}

// Colours of 512 steps; made once a theme.
function lut(root, kind) {
  root.luts ??= {};
  if (root.luts[kind]) return root.luts[kind];
  const { zero, negative, positive, rectified } = root.tint;
  const colour = {
    signed: (t) => mix(zero, t < 0.5 ? negative : positive, Math.abs(2 * t - 1)),
    rectified: (t) => mix(zero, rectified, t),
    count: (t) => ramp(CIVIDIS, t),
    angle: (t) => turned(360 * t),
  }[kind] || ((t) => [255 * t, 255 * t, 255 * t]);
  return (root.luts[kind] = Uint8ClampedArray.from(Array.from({ length: 513 }, (_, i) => colour(i / 512)).flat()));
}

function paint(root, canvas, panel, d) {
  const [H, W] = d.size, n = H * W, image = new ImageData(W, H), out = image.data, top = panel.top || 1;
  const map = panel.map == null ? { values: d.input, unit: 1 / 255 } : d.maps[panel.map], { values, unit } = map;
  const single = d.planes.length === 1 || panel.kind === "angle" || panel.kind === "count";
  const [gain, shift] = {
    signed: [256 / top, 256], rectified: [512 / top, 0], count: [512 / top, 0], angle: [512 / 360, 0],
  }[panel.kind] || [512, 0];
  const colours = lut(root, single ? panel.kind : "picture"), by = panel.kind === "angle" ? d.maps[panel.by] : null;
  for (let i = 0; i < n; i++) {
    for (let c = 0; c < 3; c++) {
      const v = values[single ? i : c * n + i] * unit;
      const step = Math.max(0, Math.min(512, Math.round(v * gain + shift)));
      let shade = colours[3 * step + c];
      if (by) shade = STILL + (shade - STILL) * Math.max(0, Math.min(1, (by.values[i] * by.unit) / top));
      out[4 * i + c] = shade;
    }
    out[4 * i + 3] = 255;
  }
  canvas.width = W; canvas.height = H;
  canvas.getContext("2d").putImageData(image, 0, 0);
}

const bar = (colours) => `linear-gradient(90deg, ${colours.join(",")})`;
function scale(panel, d) {
  const t = say(panel.top), steps = [0, 1, 2, 3, 4, 5, 6, 7, 8];
  if (panel.kind === "signed" && d.planes.length === 1)
    return `<p class="scale">−${t}<i style="background:${bar(["var(--negative)", "var(--zero)", "var(--positive)"])}"></i>${t}</p>`;
  if (panel.kind === "signed") return `<p class="scale">−${t}<i style="background:${bar(["#000", "#fff"])}"></i>${t}</p>`;
  if (panel.kind === "rectified") {
    const ends = d.planes.length === 1 ? ["var(--zero)", "var(--rectified)"] : ["#000", "#fff"];
    return `<p class="scale">0<i style="background:${bar(ends)}"></i>${t}</p>`;
  }
  if (panel.kind === "count") return `<p class="scale">0<i style="background:${bar(steps.map((k) => css(ramp(CIVIDIS, k / 8))))}"></i>${t}</p>`;
  if (panel.kind === "angle") return `<p class="wheel"><canvas aria-hidden="true"></canvas><span>towards the brighter side: → white, ↑ orange, ← black, ↓ blue; grey where nothing changes</span></p>`;
  return `<p class="scale">0<i style="background:${bar(["#000", "#fff"])}"></i>1</p>`;
}
function wheel(canvas) {
  const n = 88, image = new ImageData(n, n), c = (n - 1) / 2;
  for (let y = 0; y < n; y++)
    for (let x = 0; x < n; x++) {
      const r = Math.hypot(x - c, y - c) / c, k = 4 * (y * n + x), colour = turned((Math.atan2(c - y, x - c) * 180) / Math.PI);
      for (let i = 0; i < 3; i++) image.data[k + i] = colour[i];
      image.data[k + 3] = r < 1 && r > 0.35 ? 255 : 0;
    }
  canvas.width = canvas.height = n;
  canvas.getContext("2d").putImageData(image, 0, 0);
}

function histogram(root, d) {
  const box = root.querySelector(".counts"), h = d.histogram;
  const checks = (d.checks || []).map(([text, ok]) => `<li>${ok == null ? "" : `<span class="${ok ? "ok" : "no"}">${ok ? "✓" : "≠"}</span> `}${escape(text)}</li>`).join("");
  let html = "";
  if (h) {
    const W = 340, H = 120, most = Math.max(...h.counts) || 1, span = h.high - h.low, at = (value) => 1 + ((value - h.low) / span) * (W - 2);
    const zero = at(0);
    const bars = h.counts.map((n, i) => {
      const [from, to] = h.edges.slice(i), x = at(from), w = at(to) - x, tall = n ? Math.max(1, (H - 24) * Math.sqrt(n / most)) : 0;
      return `<rect x="${x.toFixed(1)}" y="${(H - 16 - tall).toFixed(1)}" width="${Math.max(0.5, w - 0.6).toFixed(1)}" height="${tall.toFixed(1)}" style="fill:${from < 0 && to > 0 ? "currentColor" : end(from)}"/>`;
    }).join("");
    const line = zero > 0 && zero < W ? `<path d="M${zero.toFixed(1)} 4V${H - 16}" stroke="currentColor" stroke-dasharray="3 3"/>` + (zero > 40 && zero < W - 40 ? `<text x="${zero.toFixed(1)}" y="${H - 3}" text-anchor="middle">0</text>` : "") : "";
    html = `<h2>${escape(h.title)}</h2><svg viewBox="0 0 ${W} ${H}" role="img" aria-label="${escape(h.said)}">${bars}<path d="M1 ${H - 16}H${W - 1}" stroke="currentColor"/>${line}`
      + `<text x="1" y="${H - 3}">${say(h.low)}</text><text x="${W - 1}" y="${H - 3}" text-anchor="end">${say(h.high)}</text></svg><p class="note">${escape(h.note)}</p>`;
  }
  const all = html + (checks ? `<ul class="checks">${checks}</ul>` : "");
  if (root.countsKey !== all) box.innerHTML = root.countsKey = all;
}

function place(root, row, column) {
  const d = root.d, [H, W] = d.size;
  root.at = [clamp(row, 0, H - 1), clamp(column, 0, W - 1)];
  point(root);
}

function point(root) {
  const d = root.d, [H, W] = d.size, [r, c] = root.at, n = H * W;
  root.plane = Math.min(root.plane, d.planes.length - 1);
  const base = root.plane * n, kernel = d.kernels[0].values, kh = kernel.length, kw = kernel[0].length;
  for (const figure of root.figures) {
    const over = figure.over, ctx = over.getContext("2d"), box = over.getBoundingClientRect(), ratio = window.devicePixelRatio || 1;
    const w = Math.max(1, Math.round(box.width * ratio)), h = Math.max(1, Math.round(box.height * ratio));
    if (over.width !== w || over.height !== h) { over.width = w; over.height = h; } else ctx.clearRect(0, 0, w, h);
    const sx = w / W, sy = h / H, window_ = figure.panel.role === "input";
    const box_ = window_ ? [c - (kw >> 1), r - (kh >> 1), kw, kh] : [c, r, 1, 1];
    const pad = window_ ? 0 : 2 * ratio;
    const rect = [box_[0] * sx - pad, box_[1] * sy - pad, box_[2] * sx + 2 * pad, box_[3] * sy + 2 * pad];
    ctx.lineWidth = 4 * ratio; ctx.strokeStyle = "#fff"; ctx.strokeRect(...rect);
    ctx.lineWidth = 2 * ratio; ctx.strokeStyle = "#b3257f"; ctx.strokeRect(...rect);
    over.setAttribute("aria-label", `${figure.panel.title}, ${H} by ${W}, row ${r}, column ${c}: ${figure.say(r, c)}`);
  }
  const values = [], here = [];
  for (let i = 0; i < kh; i++) {
    values.push([]);
    for (let j = 0; j < kw; j++) {
      const y = d.rows[r + i], x = d.columns[c + j];
      values[i].push(y < 0 || x < 0 ? null : d.x(base + y * W + x));
      here.push({ v: values[i][j] ?? 0, k: kernel[i][j], pad: r + i < kh >> 1 || r + i >= H + (kh >> 1) || c + j < kw >> 1 || c + j >= W + (kw >> 1) });
    }
  }
  root.querySelector(".window h2").textContent = `Row ${r}, column ${c}: window × kernel`;
  const numbered = kw <= NUMBERED, edge = Math.min(side(kw, Math.min(root.querySelector(".window").clientWidth, 320)), numbered ? 46 : 14);
  const cells = values.map((row, i) => `<tr>${row.map((v, j) => {
    const grey = Math.round(255 * (v ?? 0)), mine = here[i * kw + j];
    const look = v === null ? "" : `background:rgb(${grey},${grey},${grey});color:${grey > 117 ? "#111" : "#fff"}`;
    const padded = mine.pad ? "outline:2px dashed #8889;outline-offset:-2px;" : "";
    return `<td class="${v === null ? "pad" : ""}" style="${look};${padded}">${numbered ? say(Number((v ?? 0).toFixed(2))) : ""}</td>`;
  }).join("")}</tr>`).join("");
  root.querySelector(".grid").innerHTML = `<table class="cells ${numbered ? "" : "fine"}" style="--cell:${edge}px;--type:${Math.min(13, edge * 0.32)}px"><tbody>${cells}</tbody></table>`;
  root.querySelector(".sum").innerHTML = d.kernels.map((k, which) => summed(d, k, which, values, base + r * W + c)).join("<br>") + tail(d, base + r * W + c);
  root.dataset.at = root.at.join(",");
  root.dataset.sum = d.kernels.map((k) => total(k, values)).join(",");
  root.dataset.measured = d.kernels.map((k) => d.maps[k.map].at(base + r * W + c)).join(",");
}

const total = (k, values) => k.values.reduce((s, row, i) => s + row.reduce((t, w, j) => t + w * (values[i][j] ?? 0), 0), 0);
function summed(d, k, which, values, index) {
  const terms = k.values.flatMap((row, i) => row.map((w, j) => [values[i][j] ?? 0, w])).filter(([, w]) => w !== 0);
  const sum = total(k, values), measured = d.maps[k.map].at(index);
  const shown = terms.slice(0, TERMS).map(([v, w]) => `${say(Number(v.toFixed(3)))}·${w < 0 ? `(${say(Number(w.toPrecision(3)))})` : say(Number(w.toPrecision(3)))}`).join(" + ");
  const more = terms.length > TERMS ? ` + … ${terms.length - TERMS} more` : "";
  const near = Math.abs(sum - measured) <= 1e-5 * (1 + Math.abs(sum));
  return `${d.kernels.length > 1 ? `${escape(k.short)}: ` : ""}${shown || "0"}${more} = <b>${say(sum)}</b>; nn.Conv2d: <b>${say(measured)}</b> <span class="${near ? "ok" : "no"}">${near ? "✓" : "≠"}</span>`;
}
function tail(d, index) {
  if (d.kind === "gradient") {
    const [x, y] = d.kernels.map((k) => d.maps[k.map].at(index)), m = Math.hypot(x, y);
    const angle = m > 1e-4 ? `${Math.round(((Math.atan2(-y, x) * 180) / Math.PI + 360) % 360)}°` : "none";
    return `<br>magnitude √(x² + y²) = <b>${say(m)}</b>, direction <b>${angle}</b>`;
  }
  const v = d.maps[d.kernels[0].map].at(index);
  return d.kind === "response" ? `<br>ReLU: max(0, ${say(v)}) = <b>${say(Math.max(0, v))}</b>` : "";
}

function figures(root, d) {
  root.tint = tints(root, () => {
    root.luts = {};
    figures(root, root.d);
  });
  const box = root.querySelector(".maps"), key = JSON.stringify(d.panels.map((p) => [p.id, p.role]));
  if (root.panelKey !== key) {
    root.panelKey = key;
    box.style.setProperty("--columns", Math.max(3, d.panels.length));
    box.innerHTML = d.panels.map((p) => `<figure data-panel="${p.id}"><figcaption></figcaption><div class="frame"><canvas class="base" aria-hidden="true"></canvas><canvas class="over" tabindex="0" role="application" aria-roledescription="picture"></canvas></div><div class="legend"></div><p class="note"></p></figure>`).join("");
  }
  root.figures = [...box.children].map((element, i) => {
    const panel = d.panels[i], map = panel.map == null ? null : d.maps[panel.map], n = d.size[0] * d.size[1];
    const one = { element, panel, over: element.querySelector(".over") };
    one.say = (r, c) => {
      const v = (map ? map.at : d.x)(Math.min(root.plane, d.planes.length - 1) * n + r * d.size[1] + c);
      return say(panel.kind === "rectified" || panel.relu ? Math.max(0, v) : v);
    };
    return one;
  });
  for (const { element, panel, over } of root.figures) {
    const caption = `<i style="background:${ROLES[panel.role]}"></i>${escape(panel.title)}`, q = (s) => element.querySelector(s);
    if (element.caption !== caption) q("figcaption").innerHTML = element.caption = caption;
    const legend = scale(panel, d);
    if (element.legend !== legend) {
      q(".legend").innerHTML = element.legend = legend;
      if (panel.kind === "angle") wheel(q(".wheel canvas"));
    }
    q(".note").textContent = panel.note || "";
    paint(root, q(".base"), panel, d);
    const at = (e) => under(e, over, d.size);
    over.onpointermove = (e) => e.pointerType !== "touch" && !root.pinned && place(root, ...at(e));
    over.onclick = (e) => { root.pinned = e.pointerType !== "touch" && !root.pinned; place(root, ...at(e)); };
    over.onkeydown = (e) => {
      if (e.key === "Escape") root.pinned = false;
      const to = led(e, root.at, e.shiftKey ? 10 : 1);
      if (!to) return;
      e.preventDefault();
      place(root, ...to);
    };
  }
}

function planes(root, d) {
  const box = root.querySelector(".planes"), key = d.planes.join();
  if (root.planeKey === key) return;
  root.planeKey = key;
  box.innerHTML = d.planes.length < 2 ? "" : d.planes.map((name, i) => `<button type="button" data-plane="${i}">${escape(name)}</button>`).join("");
  const press = () => [...box.children].forEach((b, i) => b.setAttribute("aria-pressed", i === root.plane));
  box.onclick = (e) => {
    if (!e.target.dataset.plane) return;
    root.plane = Number(e.target.dataset.plane);
    press();
    point(root);
  };
  press();
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".response"), d = read(data), first = !root.d;
  root.send = setTriggerValue;
  root.querySelector(".hint").textContent = either("[Point at a map, or use the arrow keys on it. A click holds the place.|Tap a place of a map.]");
  root.d = d;
  root.plane ??= 0;
  if (first) root.at = [Math.floor(d.size[0] * 0.4), Math.floor(d.size[1] * 0.4)];
  root.at = [clamp(root.at[0], 0, d.size[0] - 1), clamp(root.at[1], 0, d.size[1] - 1)];
  dials(root, d);
  figures(root, d);
  planes(root, d);
  kernels(root, d);
  histogram(root, d);
  point(root);
  listen(root);
  root.onpointerleave = () => (root.pinned = false);
  root.watch ??= new ResizeObserver(() => { kernels(root, root.d); point(root); });
  root.watch.observe(root);
  root.dataset.answer = data.answer;
  root.dataset.renders = Number(root.dataset.renders || 0) + 1;
  answered(root);
  return () => root.watch.disconnect();
}
