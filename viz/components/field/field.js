const clamp = (v, lo, hi) => Math.max(lo, Math.min(hi, v));
const span = ([a, b]) => `${a} to ${b}`.replaceAll("-", "−");
const percent = (v) => (v < 10 ? Number(v.toPrecision(2)) : Math.round(v));
const rect = (x, y, w, h, cls, more = "") => `<rect class="${cls}" x="${x}" y="${y}" width="${w}" height="${h}" ${more}/>`;

// How much is drawn around the picture: what units see outside, up to 60 % of the picture on each side.
function margin({ rows, columns, image }) {
  const far = (spans, n) => Math.max(0, ...spans.map(([a, b]) => Math.max(-a, b - n + 1)));
  return Math.min(Math.max(far(rows, image[0]), far(columns, image[1])), 0.6 * Math.max(...image)) + 0.02 * Math.max(...image);
}

function draw(root) {
  const { data, unit } = root, [H, W] = data.image, m = margin(data), q = (s) => root.querySelector(s);
  const [top, bottom] = data.rows[unit[0]], [left, right] = data.columns[unit[1]];
  const line = Math.max(W, H) / 160, view = q(".view");
  // The frame stays inside what is drawn, so that a field larger than it still has edges to see.
  const x0 = clamp(left, -m, W + m), x1 = clamp(right + 1, -m, W + m), y0 = clamp(top, -m, H + m), y1 = clamp(bottom + 1, -m, H + m);
  view.setAttribute("viewBox", `${-m} ${-m} ${W + 2 * m} ${H + 2 * m}`);
  const tile = Math.max(W, H) / 40;
  const hole = `M${-m} ${-m}H${W + m}V${H + m}H${-m}ZM${x0} ${y0}V${y1}H${x1}V${y0}Z`;
  view.innerHTML = `<defs><pattern id="pad" width="${tile}" height="${tile}" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">`
    + `<path class="stripes" d="M0 0V${tile}" stroke-width="${tile / 4}"/></pattern></defs>`
    + rect(-m, -m, W + 2 * m, H + 2 * m, "beyond") + rect(-m, -m, W + 2 * m, H + 2 * m, "", 'fill="url(#pad)"')
    + `<image href="${data.picture}" x="0" y="0" width="${W}" height="${H}" preserveAspectRatio="none"/>`
    + `<path class="shade" d="${hole}" fill-rule="evenodd"/>`
    + rect(x0, y0, x1 - x0, y1 - y0, "casing", `stroke-width="${2.4 * line}"`) + rect(x0, y0, x1 - x0, y1 - y0, "box", `stroke-width="${1.3 * line}"`);
  const h = data.rows.length, w = data.columns.length, map = q(".map"), every = [];
  map.setAttribute("viewBox", `0 0 ${w} ${h}`);
  // Lines between more units than these would hide them.
  if (Math.max(w, h) <= 60) {
    for (let i = 1; i < w; i++) every.push(`M${i} 0V${h}`);
    for (let i = 1; i < h; i++) every.push(`M0 ${i}H${w}`);
  }
  const ring = Math.max(w, h) / 24;
  map.innerHTML = rect(0, 0, w, h, "cell") + `<path class="lines" stroke-width="${Math.max(w, h) / 140}" d="${every.join("")}"/>`
    + rect(unit[1], unit[0], 1, 1, "chosen")
    + (ring > 1 ? `<circle class="ring" cx="${unit[1] + 0.5}" cy="${unit[0] + 0.5}" r="${ring}" stroke-width="${ring / 4}"/>` : "");
  const inside = Math.max(0, Math.min(right, W - 1) - Math.max(left, 0) + 1) * Math.max(0, Math.min(bottom, H - 1) - Math.max(top, 0) + 1);
  const whole = (right - left + 1) * (bottom - top + 1);
  const pad = percent((100 * (whole - inside)) / whole), part = percent((100 * inside) / (W * H));
  const told = `Unit <b>(${unit[0]}, ${unit[1]})</b>: rows <b>${span([top, bottom])}</b>, columns <b>${span([left, right])}</b>. `
    + `That is <b>${part} %</b> of the picture; <b>${pad} %</b> of the field lies on padding.`
    + (data.everything ? " A global branch shows it the whole picture besides." : "");
  if (root.told !== told) q(".told").innerHTML = root.told = told;
  map.setAttribute("aria-label", `${data.title}, ${h} by ${w} units, row ${unit[0]}, column ${unit[1]} selected`);
  root.dataset.unit = unit.join(",");
  root.dataset.box = [top, bottom, left, right].join(",");
}

function choose(root, row, column) {
  const { data, unit } = root;
  const next = [clamp(row, 0, data.rows.length - 1), clamp(column, 0, data.columns.length - 1)];
  if (next[0] === unit[0] && next[1] === unit[1]) return;
  root.unit = next;
  draw(root);
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".field"), map = root.querySelector(".map"), first = !root.data;
  const size = [data.rows.length, data.columns.length];
  root.data = data;
  // The page's unit if it names another one now; on another layer's map, the unit at the same place of the picture.
  const asked = JSON.stringify(data.unit), moved = data.unit && asked !== root.asked;
  root.asked = asked;
  root.unit = moved ? data.unit : first ? size.map((n) => n >> 1) : root.unit.map((u, i) => Math.floor(((u + 0.5) * size[i]) / root.size[i]));
  root.size = size;
  root.querySelector(".name").textContent = `${data.title}, ${data.rows.length} × ${data.columns.length} units`;
  const at = (e) => {
    const r = map.getBoundingClientRect();
    return [Math.floor(((e.clientY - r.top) / r.height) * data.rows.length), Math.floor(((e.clientX - r.left) / r.width) * data.columns.length)];
  };
  map.onpointermove = (e) => e.pointerType !== "touch" && !root.pinned && choose(root, ...at(e));
  map.onclick = (e) => {
    root.pinned = e.pointerType !== "touch" && !root.pinned;
    choose(root, ...at(e));
    setTriggerValue("pin", root.unit);
  };
  map.onpointerleave = () => (root.pinned = false);
  map.onkeydown = (e) => {
    const [row, column] = root.unit;
    const to = { ArrowUp: [row - 1, column], ArrowDown: [row + 1, column], ArrowLeft: [row, column - 1], ArrowRight: [row, column + 1], Home: [row, 0], End: [row, 1e9] }[e.key];
    if (!to) return;
    e.preventDefault();
    choose(root, ...to);
  };
  draw(root);
}
