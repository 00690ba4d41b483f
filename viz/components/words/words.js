// Nothing in the page's text is touched: it holds links, and what points at them is heard of at the document.

import "../way.js"; // here, because each page has this component
import { WORDS } from "./list.js";

const STAYS = 250, GAP = 4, EDGE = 8;
const link = (e) => e.composedPath().find((one) => one.matches?.("a[href*='words#']") && WORDS[one.hash.slice(1)]);

class Meaning {
  constructor(box) {
    this.box = box;
    this.ends = new AbortController();
    const on = (type, does) => document.addEventListener(type, does, { capture: true, passive: type === "scroll", signal: this.ends.signal });
    on("pointerover", (e) => this.over(e));
    // A term that comes to a pointer at rest, as a page changes, is not pointed at.
    on("pointermove", (e) => e.pointerType !== "touch" && this.show(link(e)));
    on("focusin", (e) => this.focus(e));
    on("focusout", () => this.leave());
    on("click", (e) => this.click(e));
    on("keydown", (e) => this.key(e));
    on("scroll", () => this.place());
  }

  within(e) {
    return e.composedPath().includes(this.box);
  }

  over(e) {
    if (this.within(e)) clearTimeout(this.wait);
    else if (e.pointerType !== "touch" && !link(e)) this.leave();
  }

  focus(e) {
    const one = link(e);
    if (one?.matches(":focus-visible")) this.show(one);
  }

  // From the keyboard the link leads on, as links do; pointed at, it tells what it means.
  click(e) {
    const one = link(e);
    if (this.within(e)) return;
    if (!one) this.hide();
    else if (e.detail && !(e.ctrlKey || e.metaKey || e.shiftKey || e.altKey)) {
      e.preventDefault();
      e.stopPropagation();
      this.show(one);
    }
  }

  key(e) {
    if (e.key !== "Escape" || !this.at) return;
    e.stopImmediatePropagation();
    this.hide();
  }

  show(one) {
    if (!one) return;
    clearTimeout(this.wait);
    if (one === this.at) return;
    this.at = one;
    const { name, means, picture } = WORDS[one.hash.slice(1)];
    this.box.innerHTML = `<p><strong></strong>: <span></span></p>${picture}<a target="_blank" rel="noopener">All words</a>`;
    this.box.querySelector("strong").textContent = name;
    this.box.querySelector("span").textContent = means;
    this.box.querySelector("a").href = one.href;
    this.box.showPopover();
    this.place();
  }

  // Below the term, or above where there is no room; of a question, below or above all of it.
  place() {
    if (!this.at) return;
    const term = this.at.getClientRects()[0] ?? this.at.getBoundingClientRect(), { left } = term;
    const { top, bottom } = this.at.closest(".st-key-question p")?.getBoundingClientRect() ?? term;
    const { offsetWidth: width, offsetHeight: height, style } = this.box;
    const below = bottom + GAP + height <= innerHeight - EDGE || top < height + GAP + EDGE;
    style.left = `${Math.max(EDGE, Math.min(left, document.documentElement.clientWidth - width - EDGE))}px`;
    style.top = `${below ? bottom + GAP : top - GAP - height}px`;
  }

  // After a moment, in which the pointer may come from the term to its meaning.
  leave() {
    clearTimeout(this.wait);
    this.wait = setTimeout(() => this.box.matches(":hover, :focus-within") || this.at?.matches(":focus-visible") || this.hide(), STAYS);
  }

  hide() {
    clearTimeout(this.wait);
    this.at = null;
    this.box.hidePopover();
  }
}

export default function ({ parentElement }) {
  const box = parentElement.querySelector(".meaning");
  box._meaning ??= new Meaning(box);
  return () => {
    box._meaning?.ends.abort();
    box._meaning = null;
  };
}
