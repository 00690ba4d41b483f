const KIND = { conv: "convolution", norm: "normalisation", act: "activation", pool: "pooling", other: "layer" };

export default function ({ data, parentElement, setStateValue }) {
  const root = parentElement.querySelector(".strip"), row = root.querySelector(".row"), { layers } = data;
  const id = JSON.stringify(layers), chosen = Math.max(0, layers.findIndex((l) => l[0] === data.chosen));
  const tallest = Math.max(...layers.map((l) => Math.max(l[2][1], l[2][2])));
  if (!root.pass) {
    const by = (e) => (root.isConnected ? root.pass(e.detail) : removeEventListener("convscope-step", by));
    addEventListener("convscope-step", by);
  }
  if (root.id_ !== id) {
    root.id_ = id;
    clearTimeout(root.later);
    root.later = 0;
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
    root.at = k;
    if (one.offsetLeft < row.scrollLeft || one.offsetLeft + one.offsetWidth > row.scrollLeft + row.clientWidth)
      row.scrollLeft = one.offsetLeft - row.clientWidth / 2;
    // With a number: the same layer may be chosen again after another was chosen elsewhere.
    if (send) setStateValue("layer", { name: layers[k][0], number: Date.now() });
  };
  const hold = () => { clearTimeout(root.later); root.later = 0; };
  // Whoever has the maps of this layer at hand can draw them at once.
  const go = (k, send) => {
    dispatchEvent(new CustomEvent("convscope-layer", { detail: layers[k][0] }));
    mark(k, send);
  };
  buttons.forEach((b, k) => (b.onclick = () => { hold(); go(k, true); }));
  // One that is held, or clicked again and again, passes through many layers: the server hears of the last.
  const pass = (to) => {
    const k = Math.max(0, Math.min(buttons.length - 1, to));
    hold();
    go(k, false);
    root.later = setTimeout(() => { hold(); mark(k, true); }, 350);
  };
  root.pass = (by) => pass(root.at + by);
  row.onkeydown = (e) => {
    const { at } = root;
    const to = { ArrowRight: at + 1, ArrowDown: at + 1, ArrowLeft: at - 1, ArrowUp: at - 1, Home: 0, End: buttons.length - 1 }[e.key];
    if (to == null) return;
    e.preventDefault();
    pass(to);
    buttons[root.at].focus();
  };
  if (!root.later) mark(chosen, false); // else the visitor has gone on meanwhile
}
