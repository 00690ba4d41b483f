// Several stages in one frame that share their selection: the same cell, weight or product is marked in each of them.

import { Board, onPhone } from "./board.js";
import { hint } from "./describe.js";
import { Presented } from "./present.js";
import { filling, stamped } from "./selection.js";
import { shared, take, tellLater, unshare } from "./share.js";
import { el, shorten } from "./words.js";

class Panel extends Board {
  constructor(root, host) {
    super(root);
    this.host = host;
    this.frame = { gaps: [24, 8], chrome: 88, narrow: true };
  }

  stepText(text) {
    return this.tight ? shorten(text) : text;
  }

  get playing() {
    return this.host?.playing ?? false;
  }

  set playing(on) {
    if (this.host) this.host.playing = on;
  }

  play(on) {
    const { lead } = this.host;
    if (this === lead) super.play(on);
    else lead.play(on);
  }

  // Stamps: the output as it is after the first `stamped` input cells, each with all its channels; null: the result.
  stampFrame(count) {
    const { scene } = this, { to } = scene.links[0];
    this.stamped = count;
    this.whole ??= to.values;
    to.values = count == null ? this.whole : stamped(scene, count);
    this.root.dataset.stamped = count ?? "";
    this.figs.get(to.id).key = null;
    this.baseOf(to);
    this.host.agree();
  }

  stampMode(on) {
    this.stop();
    this.$(".stamps").setAttribute("aria-pressed", String(on));
    this.stampFrame(on ? 0 : null);
    this.select();
  }

  advance(by, stride) {
    if (this.stamped == null) return super.advance(by, stride);
    const { from } = this.scene.links[0], n = from.n;
    const leap = stride ? Math.max(1, Math.round(n / 256)) : 1;
    let next = this.stamped + by * leap;
    if (next < 0) next = n;
    else if (next > n) next = this.stamped < n ? n : 0;
    this.stampFrame(next);
    this.pinned = false;
    this.tap = this.opCol = null;
    this.sel = { grid: from.id, ch: this.shown[from.id] ?? 0, cell: Math.max(0, next - 1) };
    hint(this);
    this.select();
  }

  isPhone() {
    return onPhone(this.host.root, this.presented);
  }

  room(phone, multi) {
    if (this.presented && !phone) return { terms: 9, chars: this.root.clientWidth / (9 * this.unit) - 28, cells: 9 };
    return phone ? super.room(phone, multi) : { terms: 9, chars: 50, cells: 9 };
  }

  // The host listens, and shares what the screen leaves among its rows.
  present() {
    this.presented = { end() {} };
    this.frame.chrome = 62;
  }

  high(phone) {
    if (phone && this.host.panels[1]) return 320 * this.unit;
    return this.presented && !phone ? this.host.high(this.unit) : super.high(phone);
  }

  update(component) {
    super.update(component);
    // New numbers: the stamps begin again.
    this.whole = null;
    if (this.stamped != null) this.stampFrame(0);
  }

  // Nobody has moved: the others need not follow.
  layout(force) {
    const { busy } = this.host;
    this.host.busy = true;
    super.layout(force);
    this.host.busy = busy;
  }

  // Enlarged, a matrix covers all panels.
  placeOperator(W, opW, wellH, roomH, phone) {
    const { clientWidth, clientHeight } = this.host.root;
    if (this.big) super.placeOperator(clientWidth - 40, opW, clientHeight - 60, roomH, false);
    else super.placeOperator(W, opW, wellH, roomH, phone);
  }

  select() {
    super.select();
    this.host.spread(this);
  }

  tell(sel) {
    if (this.host.tells) tellLater(this.host, sel && this.scene.byId[sel.grid], sel);
  }

  edit(s, typed) {
    const begun = super.edit(s, typed);
    if (begun) clearTimeout(this.host.telling);
    return begun;
  }

  take(other) {
    if (!take(this, other)) return;
    hint(this);
    this.select();
  }
}

export class Panels {
  constructor(root) {
    this.root = root;
    this.template = root.innerHTML;
    this.panels = [];
    this.playing = false;
    root.classList.add("panels");
    root.panels = this;
  }

  get lead() {
    return this.panels[0];
  }

  update(component) {
    const { setTriggerValue } = component, { arrays } = component.data;
    this.send = setTriggerValue;
    this.tells = component.data.tells;
    const data = arrays ? { ...component.data, panels: unshare(component.data.panels, arrays) } : component.data, key = JSON.stringify(data.panels.map((p) => p.id));
    this.busy = true;
    if (key !== this.key) {
      this.key = key;
      this.dispose();
      this.root.textContent = "";
      this.panels = data.panels.map((p) => this.make(p));
      this.active = null;
    }
    if (data.presented) this.present();
    else this.aside();
    this.root.classList.toggle("single", data.panels.length === 1);
    data.panels.forEach((p, i) => {
      const { root } = this.panels[i], put = (cls, text) => (root.querySelector(`.ph ${cls}`).textContent = text);
      root.setAttribute("aria-label", p.title);
      put("strong", p.title);
      put(".pnote", p.note ?? "");
      const mark = root.querySelector(".ph .mark");
      mark.textContent = p.mark == null ? "" : p.mark ? "✓" : "≠";
      mark.title = p.says ?? "";
      mark.setAttribute("aria-label", p.says ?? "");
      mark.classList.toggle("no", p.mark === false);
      this.panels[i].update({ data: { ...p, height: p.height || data.height, presented: data.presented, legend: !i && p.legend }, setTriggerValue });
    });
    this.busy = false;
    this.agree();
    this.root.dataset.renders = String(Number(this.root.dataset.renders ?? 0) + 1);
    this.spread(this.active ?? this.lead);
  }

  // While the output fills, no panel says that it agrees.
  agree() {
    const hidden = filling(this.panels);
    for (const { root } of this.panels) {
      const mark = root.querySelector(".ph .mark");
      mark.hidden = hidden || !mark.textContent;
    }
  }

  present() {
    this.presented ??= new Presented(this.root, {
      walk: (by) => {
        this.lead.stop();
        this.lead.advance(by);
      },
      moved: () => this.panels.forEach((panel) => panel.layout()),
      matrix() {},
    });
  }

  aside() {
    this.presented?.end();
    this.presented = null;
  }

  // Two beside each other, where there is room, above the bar: panels.css.
  high(unit) {
    const rows = Math.ceil(this.panels.length / (this.root.clientWidth < 860 ? 1 : 2));
    return (this.presented.height(unit) - 52 * unit) / rows;
  }

  make(p) {
    const root = el("div", "stage panel");
    root.setAttribute("role", "group");
    root.dataset.panel = p.id;
    root.innerHTML = `<div class="ph"><strong></strong><span class="mark" role="img"></span><span class="pnote"></span></div>${this.template}`;
    this.root.append(root);
    const panel = new Panel(root, this);
    if (p.stamps) {
      const b = el("button", "stamps");
      b.type = "button";
      b.textContent = "Stamps";
      b.title = "Play stamp by stamp: the output as it fills";
      b.setAttribute("aria-pressed", "false");
      b.onclick = () => panel.stampMode(panel.stamped == null);
      root.querySelector(".btns").append(b);
    }
    return panel;
  }

  // One panel moved: the others follow, and do not answer.
  spread(from) {
    if (this.busy || !from?.sel) return;
    const said = shared(from);
    this.active = from;
    this.busy = true;
    for (const panel of this.panels) if (panel !== from && panel.scene) panel.take(said);
    this.busy = false;
  }

  dispose() {
    clearTimeout(this.telling);
    for (const panel of this.panels) panel.dispose();
    this.aside();
  }
}
