const KIND = { conv: "convolution", norm: "normalisation", act: "activation", pool: "pooling", other: "layer" };
const WAIT = 350, FEW = 24, EDGE = 40;

class Strip {
  constructor(root) {
    this.root = root;
    this.row = root.querySelector(".row");
    this.select = root.querySelector("select");
    this.number = 0;
    this.steps = [[root.querySelector(".back"), -1, "The layer before"], [root.querySelector(".next"), 1, "The next layer"]];
    for (const [button, by] of this.steps) button.onclick = () => this.choose(this.at + by);
    let keyed = 0;
    this.select.onkeydown = (e) => { keyed = e.timeStamp; };
    this.select.onchange = (e) => {
      const k = this.select.selectedIndex;
      if (e.timeStamp - keyed < 100) this.pass(k); // an arrow, or letters that find a name
      else this.choose(k);
    };
    this.row.onkeydown = (e) => {
      const { at } = this;
      const to = { ArrowRight: at + 1, ArrowDown: at + 1, ArrowLeft: at - 1, ArrowUp: at - 1, Home: 0, End: Infinity }[e.key];
      if (to == null) return;
      e.preventDefault();
      this.pass(to);
      this.buttons[this.at].focus();
    };
    this.row.onscroll = () => this.edges();
    new ResizeObserver(() => this.lay()).observe(this.row);
  }

  // New data from the server; `send` tells it what was chosen.
  take(data, send) {
    const id = JSON.stringify([data.of, data.layers]), other = id !== this.id;
    this.send = send;
    if (other) {
      if (this.later) setTimeout(this.due); // so that the server hears of every choice that was counted
      this.id = id;
      this.of = data.of;
      this.layers = data.layers;
      this.build();
    }
    if (data.number < this.number && !other) return; // an answer to an earlier choice: the one to the last follows
    this.number = Math.max(this.number, data.number);
    this.mark(Math.max(0, data.layers.findIndex(([name]) => name === data.chosen)));
    if (other) this.lay(); // the row may be as large as before
  }

  build() {
    const { layers } = this, few = layers.length <= FEW;
    const tallest = Math.max(...layers.map(([, , shape]) => Math.max(shape[1], shape[2])));
    this.row.classList.toggle("few", few);
    this.select.replaceChildren(...layers.map(([name]) => new Option(name, name)));
    this.stages = [];
    this.buttons = layers.map(([name, kind, [channels, height, width]], k) => {
      const button = document.createElement("button"), bar = document.createElement("b"), text = document.createElement("span");
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
      button.onclick = () => this.choose(k);
      return button;
    });
    if (!few) this.stage();
    this.row.replaceChildren(...this.buttons);
  }

  // Too many for names: below those that follow each other with maps of one size stands that size.
  stage() {
    const { layers, buttons } = this, one = ([, , [, h, w]]) => h === 1 && w === 1;
    const last = layers.findLastIndex((layer) => !one(layer)); // a block may look at the mean of its maps on the way
    layers.forEach((layer, k) => {
      const [, h, w] = layer[2], size = `${h} × ${w}`, now = this.stages[this.stages.length - 1];
      if (now && (now.size === size || (one(layer) && k < last))) now.end = k;
      else this.stages.push({ size, short: h === w ? `${h}²` : "", begin: k, end: k });
    });
    for (const { begin } of this.stages) buttons[begin].classList.add("begins");
  }

  // Sizes where there is room for them, and the chosen layer in sight.
  lay() {
    for (const { size, short, begin, end } of this.stages) {
      const first = this.buttons[begin], last = this.buttons[end], text = first.lastChild;
      const room = last.offsetLeft + last.offsetWidth - first.offsetLeft;
      for (const words of [size, short, ""]) {
        text.textContent = words;
        if (text.scrollWidth <= room) break;
      }
    }
    this.show();
  }

  // What goes on to a side fades there.
  edges() {
    const { scrollLeft, scrollWidth, clientWidth, classList } = this.row;
    classList.toggle("before", scrollLeft > 2);
    classList.toggle("after", scrollLeft + clientWidth < scrollWidth - 2);
  }

  show() {
    const { row } = this, one = this.buttons?.[this.at];
    if (!one) return;
    const left = one.offsetLeft - EDGE < row.scrollLeft, right = one.offsetLeft + one.offsetWidth + EDGE > row.scrollLeft + row.clientWidth;
    if (left || right) row.scrollLeft = one.offsetLeft - row.clientWidth / 2;
    this.edges();
  }

  mark(k) {
    this.at = k;
    this.buttons.forEach((b, i) => {
      b.setAttribute("aria-checked", i === k);
      b.tabIndex = i === k ? 0 : -1;
    });
    this.select.selectedIndex = k;
    for (const [button, by, which] of this.steps) {
      const to = this.layers[k + by];
      button.disabled = !to;
      button.title = to ? `${which}: ${to[0]}` : `${which}: there is none`;
      button.ariaLabel = which;
    }
    this.show();
  }

  go(k) {
    clearTimeout(this.later);
    const name = this.layers[k][0], what = { name, of: this.of, number: Math.max(Date.now(), this.number + 1) };
    this.number = what.number;
    this.mark(k);
    this.due = () => {
      clearTimeout(this.later);
      this.later = 0;
      this.send("layer", what);
    };
  }

  choose(k) {
    this.go(k);
    this.due();
  }

  // One that is held, or clicked again and again, passes through many layers: the server hears of the last.
  pass(to) {
    this.go(Math.max(0, Math.min(this.buttons.length - 1, to)));
    this.later = setTimeout(this.due, WAIT);
  }
}

export default function ({ data, parentElement, setStateValue }) {
  const root = parentElement.querySelector(".strip");
  root.strip ??= new Strip(root);
  root.strip.take(data, (name, value) => setStateValue(name, value));
}
