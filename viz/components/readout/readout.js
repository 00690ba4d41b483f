const AXES = { 1: ["samples"], 2: ["rows", "columns"] };
const minus = (v) => String(v).replaceAll("-", "−");
const list = (values) => (values.every((v) => v === values[0]) ? minus(values[0]) : values.map(minus).join(", "));

// The stage of this page tells what is selected in data attributes of its root.
function stageOfPage() {
  for (const host of document.querySelectorAll("[data-testid=stBidiComponentIsolated]")) {
    const stage = host.shadowRoot?.querySelector(".stage");
    if (stage) return stage;
  }
  return null;
}

function told(data, selected) {
  const [grid, , cell] = (selected ?? "").split(":");
  const map = data.maps[Number(grid?.slice(3))];
  if (!map) return "";
  const drawn = map.shape.map((n, i) => n + map.before[i] + map.after[i]);
  let rest = Number(cell);
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
    return `<span class="who">Pixel ${place}</span> <span class="soft">its number: how many units of the last map see it</span>`;
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

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".readout");
  root.data = data;
  // A unit that is pinned is the one that the page compares and the link keeps.
  const pin = () => {
    const { pinned, selected } = root.stage.dataset;
    if (pinned !== "true") root.sent = null;
    if (pinned !== "true" || root.sent === selected) return;
    root.sent = selected;
    const [grid, , cell] = selected.split(":");
    setTriggerValue("pin", { map: Number(grid.slice(3)), cell: Number(cell) });
  };
  const draw = () => {
    const text = told(root.data, root.stage?.dataset.selected);
    if (text && text !== root.text) root.innerHTML = root.text = text;
  };
  let tries = 0;
  const follow = () => {
    const stage = stageOfPage();
    if (!stage?.dataset.selected) return tries++ < 200 && (root.timer = setTimeout(follow, 100));
    if (stage !== root.stage) {
      root.watch?.disconnect();
      root.stage = stage;
      root.watch = new MutationObserver(() => {
        draw();
        pin();
      });
      root.watch.observe(stage, { attributes: true, attributeFilter: ["data-selected", "data-renders", "data-pinned"] });
    }
    draw();
  };
  clearTimeout(root.timer);
  follow();
  return () => {
    clearTimeout(root.timer);
    root.watch?.disconnect();
    root.stage = null;
  };
}
