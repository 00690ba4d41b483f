// Walking through the outputs, by itself or step by step.

import { hint } from "./describe.js";
import { isPadding } from "./scene.js";

const PAUSE = "M4 2.5h3v11H4zM9.5 2.5h3v11h-3z";
export const PLAY = "M4 2.5v11l9.5-5.5z";

function target(stage) {
  return stage.out && stage.scene.byId[stage.out.grid];
}

// The next output position; large grids are walked in strides so that a round stays watchable.
export function advance(stage, by, stride) {
  const g = target(stage);
  if (!g) return;
  const sx = stride ? Math.max(1, Math.round(g.W / 28)) : 1, sy = stride ? Math.max(1, Math.round(g.H / 16)) : 1;
  const plane = g.H * g.W;
  let { ch, cell } = stage.out, guard = 0;
  do {
    let d = Math.floor(cell / plane), y = Math.floor((cell % plane) / g.W), x = (cell % g.W) + by * sx;
    if (x < 0 || x >= g.W) {
      x = by > 0 ? 0 : g.W - 1;
      y += by * sy;
    }
    if (y < 0 || y >= g.H) {
      y = by > 0 ? 0 : g.H - 1;
      d += by;
    }
    if (d < 0 || d >= g.D) {
      d = by > 0 ? 0 : g.D - 1;
      ch = (ch + by + g.C) % g.C;
    }
    cell = d * plane + y * g.W + x;
  } while (isPadding(g, cell) && guard++ < g.n);
  stage.pinned = false;
  stage.tap = null;
  stage.opCol = null;
  stage.out = stage.sel = { grid: g.id, ch, cell };
  hint(stage);
  stage.select();
}

export function play(stage, on) {
  if (!stage.scene.last) return;
  stage.playing = on;
  if (!on) stage.auto = false;
  clearTimeout(stage.timer);
  stage.$(".eq").setAttribute("aria-live", on ? "off" : "polite");
  const b = stage.$(".play");
  b.querySelector("path").setAttribute("d", on ? PAUSE : PLAY);
  b.querySelector("span").textContent = on ? "Pause" : "Play";
  b.setAttribute("aria-label", on ? "Pause" : "Play");
  if (on) {
    stage.pinned = false;
    hint(stage);
    if (stage.out) stage.sel = stage.out;
    const tick = () => {
      if (!stage.playing) return;
      if (!document.hidden && stage.root.isConnected) stage.advance(1, true);
      stage.timer = setTimeout(tick, 900 / stage.speed);
    };
    stage.timer = setTimeout(tick, 450 / stage.speed);
  }
  stage.select();
}
