// What the selected unit sees, in words and numbers.

const AXES = { 1: ["samples"], 2: ["rows", "columns"] };
const minus = (v) => String(v).replaceAll("-", "−");
const list = (values) => (values.every((v) => v === values[0]) ? minus(values[0]) : values.map(minus).join(", "));

// `data` as stage() has it, of the grid by its number and the cell among its drawn ones.
export function told(data, grid, cell) {
  const map = data.maps[grid];
  const drawn = map.shape.map((n, i) => n + map.before[i] + map.after[i]);
  let rest = cell;
  const at = drawn.map((_, i) => {
    const step = drawn.slice(i + 1).reduce((a, b) => a * b, 1), place = Math.floor(rest / step);
    rest -= place * step;
    return place - map.before[i];
  });
  const place = `(${at.map(minus).join(", ")})`;
  if (at.some((v, i) => v < 0 || v >= map.shape[i])) {
    return `<span class="who">Padding ${place}</span> <span class="soft">a zero around ${map.name}, read by the next layer</span>`;
  }
  if (!map.boxes) {
    return `<span class="who">Pixel ${place}</span> <span class="soft">sees itself</span>`;
  }
  const box = at.map((v, i) => map.boxes[i][v]), names = AXES[at.length];
  const who = `<span class="who">Unit ${place} of ${map.name}</span>`;
  if (box.some((b) => !b)) return `${who} <span class="soft">reads nothing</span>`;
  const sees = names.map((n, i) => `${n} <b>${minus(box[i][0])} to ${minus(box[i][1])}</b>`).join(", ");
  const centre = box.map(([a, b]) => (a + b) / 2);
  const area = box.reduce((n, [a, b]) => n * (b - a + 1), 1);
  const inside = box.reduce((n, [a, b], i) => n * Math.max(0, Math.min(b, data.image[i] - 1) - Math.max(a, 0) + 1), 1);
  const field = map.size.length > 1 ? map.size.join(" × ") : map.size[0];
  return `${who} <span>sees ${sees}</span> <span>centre <b>${at.length > 1 ? `(${centre.map(minus).join(", ")})` : minus(centre[0])}</b></span> `
    + `<span>padding in view <b>${area - inside}</b> of ${area}</span> `
    + `<span class="soft">Its map: field <b>${field}</b>, jump <b>${list(map.jump)}</b>, start <b>${list(map.start)}</b></span>`;
}
