// What the stage shows, as a file.

import { composed, together } from "./figure.js";
import { surface } from "./surface.js";
import { css } from "./theme.js";
import { el } from "./words.js";

const SCALE = 2;

export function save(stage) {
  const canvas = el("canvas"), ctx = canvas.getContext("2d"), { host } = stage;
  const measure = (text, font) => {
    ctx.font = font;
    return ctx.measureText(text).width;
  };
  const { width, height, items } = host ? together(host.panels, host.root.clientWidth, measure) : composed(stage, measure);
  canvas.width = width * SCALE;
  canvas.height = height * SCALE;
  ctx.fillStyle = css(stage.theme.bg);
  ctx.fillRect(0, 0, canvas.width, canvas.height);
  for (const { x, y, paint } of items) {
    ctx.setTransform(SCALE, 0, 0, SCALE, x * SCALE, y * SCALE);
    paint(ctx, surface);
  }
  canvas.toBlob((blob) => {
    const a = el("a");
    a.href = URL.createObjectURL(blob);
    a.download = "convscope.png";
    a.click();
    setTimeout(() => URL.revokeObjectURL(a.href), 1000);
  }, "image/png");
}
