// The stage as a picture.

import { css } from "./theme.js";
import { el } from "./words.js";

export function picture(stage) {
  const { root, theme } = stage, r = root.getBoundingClientRect(), k = 2, out = document.createElement("canvas");
  const cut = stage.bottom() - r.top + 8;
  out.width = r.width * k;
  out.height = cut * k;
  const ctx = out.getContext("2d");
  ctx.scale(k, k);
  ctx.fillStyle = css(theme.bg);
  ctx.fillRect(0, 0, r.width, cut);
  const text = (node, clip) => {
    const walk = document.createTreeWalker(node, NodeFilter.SHOW_TEXT);
    while (walk.nextNode()) {
      const t = walk.currentNode, style = getComputedStyle(t.parentElement), range = document.createRange();
      ctx.font = `${style.fontWeight} ${style.fontSize} ${style.fontFamily}`;
      ctx.fillStyle = style.color;
      ctx.textAlign = "left";
      ctx.textBaseline = "middle";
      // Word by word, so that wrapped lines land where the browser put them.
      for (const m of t.data.matchAll(/\S+/g)) {
        range.setStart(t, m.index);
        range.setEnd(t, m.index + m[0].length);
        const b = range.getBoundingClientRect();
        if (b.width && (!clip || (b.top >= clip.top - 2 && b.bottom <= clip.bottom + 2))) ctx.fillText(m[0], b.left - r.left, b.top - r.top + b.height / 2);
      }
    }
  };
  for (const c of root.querySelectorAll(".cv canvas")) {
    if (stage.big && !stage.opFig.fig.contains(c)) continue;
    const b = c.getBoundingClientRect();
    ctx.drawImage(c, b.left - r.left, b.top - r.top, b.width, b.height);
  }
  for (const n of root.querySelectorAll(".name, .sym, .note")) if (!stage.big || stage.opFig.fig.contains(n)) text(n);
  text(stage.$(".eq"), stage.$(".eq").getBoundingClientRect());
  return out;
}

export function save(stage) {
  stage.picture().toBlob((blob) => {
    const a = el("a");
    a.href = URL.createObjectURL(blob);
    a.download = "convscope.png";
    a.click();
    setTimeout(() => URL.revokeObjectURL(a.href), 1000);
  }, "image/png");
}
