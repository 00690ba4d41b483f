const KIND = { conv: "convolution", norm: "normalisation", act: "activation", pool: "pooling", other: "layer" };

export default function ({ data, parentElement, setStateValue }) {
  const root = parentElement.querySelector(".strip"), row = root.querySelector(".row"), { layers } = data;
  const id = JSON.stringify(layers), chosen = Math.max(0, layers.findIndex((l) => l[0] === data.chosen));
  const tallest = Math.max(...layers.map((l) => Math.max(l[2][1], l[2][2])));
  if (root.id_ !== id) {
    root.id_ = id;
    row.replaceChildren(...layers.map(([name, kind, [channels, height, width]]) => {
      const button = document.createElement("button"), bar = document.createElement("b"), text = document.createElement("span");
      const few = layers.length <= 24;
      bar.className = kind;
      // Areas tell: a quarter of the pixels is half as tall, four times as many maps are twice as wide.
      bar.style.height = `${Math.max(5, 44 * Math.sqrt(Math.max(height, width) / tallest))}px`;
      const wide = (few ? 24 : 6) + Math.sqrt(channels) * (few ? 3 : 0.6);
      button.style.minWidth = `${wide}px`;
      button.style.flexGrow = wide;
      if (few) text.textContent = name;
      button.title = `${name}: ${KIND[kind]}, ${channels} × ${height} × ${width}`;
      button.setAttribute("aria-label", `${name}, ${KIND[kind]}, ${channels} maps of ${height} by ${width}`);
      button.setAttribute("role", "radio");
      button.append(bar, text);
      return button;
    }));
  }
  const buttons = [...row.children];
  const mark = (k, send) => {
    buttons.forEach((b, i) => {
      b.setAttribute("aria-checked", i === k);
      b.tabIndex = i === k ? 0 : -1;
    });
    const one = buttons[k];
    if (one.offsetLeft < row.scrollLeft || one.offsetLeft + one.offsetWidth > row.scrollLeft + row.clientWidth)
      row.scrollLeft = one.offsetLeft - row.clientWidth / 2;
    if (send) setStateValue("layer", layers[k][0]);
  };
  buttons.forEach((b, k) => (b.onclick = () => mark(k, true)));
  row.onkeydown = (e) => {
    const now = buttons.findIndex((b) => b.getAttribute("aria-checked") === "true"), last = buttons.length - 1;
    const to = { ArrowRight: now + 1, ArrowDown: now + 1, ArrowLeft: now - 1, ArrowUp: now - 1, Home: 0, End: last }[e.key];
    if (to == null) return;
    e.preventDefault();
    const k = Math.max(0, Math.min(last, to));
    buttons[k].focus();
    clearTimeout(root.later);
    mark(k, false);
    root.later = setTimeout(() => mark(k, true), 350); // a held key passes through many layers
  };
  mark(chosen, false);
}
