import { clamp, either, led, span, under } from "../common.js";
import { backdrop, beyond, framed, shares } from "../seen.js";

const rect = (x, y, w, h, cls) => `<rect class="${cls}" x="${x}" y="${y}" width="${w}" height="${h}"/>`;

// How far the field reaches beyond each edge of the picture: inside its edge, in the middle of what is drawn of it there.
function reach(rows, columns, [H, W], m) {
  const middle = ([a, b], n) => 100 * clamp((clamp(a, -m, n + m) + clamp(b + 1, -m, n + m) + 2 * m) / (2 * n + 4 * m), 0.22, 0.78);
  const x = middle(columns, W), y = middle(rows, H), edge = (beyond, n) => 100 * Math.max(0, m - beyond) / (n + 2 * m);
  // Where less is drawn there is no room for words.
  return [["top", -rows[0], x, H], ["bottom", rows[1] - H + 1, x, H], ["left", -columns[0], y, W], ["right", columns[1] - W + 1, y, W]]
    .map(([side, far, at, n]) => (far < 0.08 * Math.max(H, W) ? ""
      : `<span class="${side}" style="--at: ${at}%; --edge: ${edge(far, n)}%">${far} px of padding</span>`)).join("");
}

function draw(root) {
  const { data, unit } = root, { image } = data, q = (s) => root.querySelector(s), longest = Math.max(...image);
  const rows = data.rows[unit[0]], columns = data.columns[unit[1]];
  // What units see outside is drawn up to 15 % of the picture on each side: the picture stays large.
  const m = Math.min(beyond(data.rows, data.columns, image), 0.15 * longest) + 0.02 * longest;
  const known = `${m} ${data.picture}`;
  if (root.known !== known) backdrop(q(".view"), data.picture, image, m);
  root.known = known;
  q(".view g").innerHTML = framed(rows, columns, image, m, longest / 160);
  q(".reach").innerHTML = reach(rows, columns, image, m);
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
  const [part, pad] = shares(rows, columns, image), most = Math.max(-rows[0], -columns[0], rows[1] - image[0] + 1, columns[1] - image[1] + 1);
  const told = `Unit <b>(${unit[0]}, ${unit[1]})</b>: rows <b>${span(rows)}</b>, columns <b>${span(columns)}</b>. `
    + `That is <b>${part}</b> of the picture; <b>${pad}</b> of the field lies on padding${most > m ? ", drawn shorter than it is" : ""}.`
    + (data.everything ? " A global branch shows it the whole picture besides." : "");
  if (root.told !== told) q(".told").innerHTML = root.told = told;
  map.setAttribute("aria-label", `${data.title}, ${h} by ${w} units, row ${unit[0]}, column ${unit[1]} selected`);
  root.dataset.unit = unit.join(",");
  root.dataset.box = [...rows, ...columns].join(",");
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
  root.querySelector(".hint").textContent = either("[Hover or use the arrow keys; click keeps a unit.|Tap a unit.]");
  const at = (e) => under(e, map, size);
  map.onpointermove = (e) => e.pointerType !== "touch" && !root.pinned && choose(root, ...at(e));
  map.onclick = (e) => {
    root.pinned = e.pointerType !== "touch" && !root.pinned;
    choose(root, ...at(e));
    setTriggerValue("pin", root.unit);
  };
  map.onpointerleave = () => (root.pinned = false);
  map.onkeydown = (e) => {
    const to = led(e, root.unit);
    if (!to) return;
    e.preventDefault();
    choose(root, ...to);
  };
  draw(root);
}
