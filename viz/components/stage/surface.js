// What painting needs besides a 2-D context, on a screen: the hatch, and pictures of as many pixels as there are cells.

import { css } from "../common.js";
import { HATCH, hatchColours } from "./theme.js";

export const surface = {
  // How many px of a canvas a px that is written is.
  get scale() {
    return Math.max(1, Math.min(3, window.devicePixelRatio || 1));
  },

  hatch(ctx, theme) {
    const { scale } = this, tile = document.createElement("canvas"), size = Math.round(HATCH * scale);
    tile.width = tile.height = size;
    const t = tile.getContext("2d"), { ground, line } = hatchColours(theme);
    t.fillStyle = css(ground);
    t.fillRect(0, 0, size, size);
    t.strokeStyle = css(line);
    t.lineWidth = scale;
    t.beginPath();
    for (const d of [-size, 0, size]) {
      t.moveTo(d, size);
      t.lineTo(d + size, 0);
    }
    t.stroke();
    const pattern = ctx.createPattern(tile, "repeat");
    pattern.setTransform(new DOMMatrix().scale(1 / scale));
    return pattern;
  },

  // `rgba`: bytes, row by row, of w × h pixels.
  pixels(ctx, rgba, w, h, x, y, width, height) {
    const off = document.createElement("canvas");
    off.width = w;
    off.height = h;
    off.getContext("2d").putImageData(new ImageData(new Uint8ClampedArray(rgba.buffer), w, h), 0, 0);
    // Cells that can be told apart have edges.
    ctx.imageSmoothingEnabled = width < 2 * w;
    ctx.drawImage(off, x, y, width, height);
  },
};
