// Kernels as coloured cells with their weights, the first of which can be typed over: what is typed is sent.

import { ROLES } from "../colours.js";
import { clamp, escape } from "../common.js";
import { say } from "../dials/turning.js";

// Side of the largest kernel whose cells show their numbers.
export const NUMBERED = 7;

// What a cell can hold: the more columns, the fewer digits.
const short = (v, columns) => say(columns > 5 && Math.abs(v) < 10 ? Number(v.toFixed(3)) : Number(v.toPrecision(3)));
export const end = (v) => (v < 0 ? "var(--negative)" : "var(--positive)");
const shade = (share) => `color-mix(in srgb, ${end(share)} ${Math.round(5 + 40 * Math.min(1, Math.abs(share)))}%, transparent)`;
export const side = (columns, width) => clamp(Math.floor(width / columns) - 2, 4, 46);

export function kernels(root, d) {
  const box = root.querySelector(".kernels"), key = JSON.stringify([d.kernels, d.facts, d.editable, box.clientWidth]);
  if (root.kernelKey === key) return;
  const busy = box.contains(box.getRootNode().activeElement) ? box.getRootNode().activeElement.dataset.cell : null;
  root.kernelKey = key;
  let html = "";
  d.kernels.forEach((k, which) => {
    const rows = k.values.length, columns = k.values[0].length, most = Math.max(...k.values.flat().map(Math.abs)) || 1;
    const numbered = columns <= NUMBERED, edge = Math.min(side(columns, Math.min(box.clientWidth, 320)), numbered ? 46 : 14);
    const longest = numbered ? Math.max(...k.values.flat().map((v) => short(v, columns).length)) : 1;
    const type = Math.min(14, edge * 0.32, (edge - 2) / (0.58 * longest));
    const cell = (v, r, c) => {
      const text = short(v, columns);
      const held = !numbered ? "" : d.editable && which === 0
        ? `<input data-cell="${r},${c}" aria-label="Kernel row ${r + 1}, column ${c + 1}" value="${text}">` : text;
      return `<td style="background:${shade(v / most)}">${held}</td>`;
    };
    const said = numbered ? "" : `role="img" aria-label="${escape(k.title)}: ${rows} by ${columns} weights, from ${say(Math.min(...k.values.flat()))} to ${say(most)}"`;
    html += `<h2><i style="display:inline-block;width:.7rem;height:.7rem;border-radius:3px;margin-right:.4rem;vertical-align:-1px;background:${ROLES.kernel}"></i>${escape(k.title)}</h2>`
      + `<table class="cells ${numbered ? "" : "fine"}" ${said} style="--cell:${edge}px;--type:${type}px"><tbody>`
      + k.values.map((row, r) => `<tr>${row.map((v, c) => cell(v, r, c)).join("")}</tr>`).join("") + "</tbody></table>";
  });
  box.innerHTML = html + `<p class="refused" role="alert"></p>` + d.facts.map((f) => `<p class="fact">${escape(f)}</p>`).join("");
  if (busy) box.querySelector(`[data-cell="${busy}"]`)?.focus();
}

function edit(root, input) {
  const [r, c] = input.dataset.cell.split(",").map(Number), d = root.d, refused = root.querySelector(".refused");
  const typed = input.value.trim().replace("−", "-").replace(",", "."), value = typed === "" ? NaN : Number(typed);
  const shown = short(d.kernels[0].values[r][c], d.kernels[0].values[0].length);
  if (input.value.trim() === shown) return;
  if (!Number.isFinite(value) || Math.abs(value) > 1000) {
    refused.textContent = `“${input.value.slice(0, 12)}” is not a number from −1000 to 1000: the cell keeps ${shown}.`;
    input.value = shown;
    return;
  }
  refused.textContent = "";
  root.edits = (root.edits ?? 0) + 1;
  root.send("cell", { row: r, column: c, value, n: root.edits });
}

// Take what is typed. `root.send` is the component's, `root.d` what it shows.
export function listen(root) {
  const box = root.querySelector(".kernels");
  box.onchange = (e) => e.target.dataset.cell && edit(root, e.target);
  box.onkeydown = (e) => {
    if (e.key === "Enter" && e.target.dataset.cell) edit(root, e.target);
    if (e.key === "Escape" && e.target.dataset.cell) e.target.value = e.target.defaultValue;
  };
}
