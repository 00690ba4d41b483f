// The stage on a projector: as high as the screen leaves, its matrix when it is asked for, and keys from anywhere.

import { around, free, left } from "../common.js";

const LEAST = 300, BELOW = 6, TOLD = 64;
const STEPS = { " ": 1, ArrowRight: 1, ArrowDown: 1, PageDown: 1, ArrowLeft: -1, ArrowUp: -1, PageUp: -1 };

export class Presented {
  // `walk(by)`: a step forward or back; `moved()`: something above may have become higher; `matrix()`: the matrix, or not.
  constructor(root, { walk, moved, matrix }) {
    this.root = root;
    this.key = (e) => {
      // Two layers side by side are walked through together.
      if (!(e.walks || free(e))) return;
      const at = e.composedPath()[0];
      if (e.key === "m" || e.key === "M") matrix();
      // Who came to a control by key moves that with them.
      else if (STEPS[e.key] && !(at.matches?.("button, a, input, summary, canvas, [role]") && at.matches(":focus-visible") && !e.key.startsWith("Page") && (e.key !== " " || !at.matches("canvas")))) walk(STEPS[e.key]);
      else return;
      e.walks = true;
      e.preventDefault();
    };
    document.addEventListener("keydown", this.key);
    this.watch = new ResizeObserver(() => this.high !== this.left() && moved());
    for (let node = around(root); node; node = around(node)) if (node.nodeType === 1) this.watch.observe(node);
  }

  left() {
    // With a line of text under it if it is told.
    return Math.floor(Math.max(LEAST * this.unit, left(this.root) - (BELOW + (this.told ? TOLD : 0)) * this.unit));
  }

  // The height of the stage, in px, where a px that is written is so many of the screen.
  height(unit, told) {
    this.unit = unit;
    this.told = told;
    this.high = this.left();
    return this.high;
  }

  end() {
    document.removeEventListener("keydown", this.key);
    this.watch.disconnect();
  }
}
