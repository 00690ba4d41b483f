// Walking through the outputs, by itself or step by step.

import { hint } from "./describe.js";
import { step } from "./selection.js";

const PAUSE = "M4 2.5h3v11H4zM9.5 2.5h3v11h-3z";
export const PLAY = "M4 2.5v11l9.5-5.5z";

// The next output position is chosen.
export function advance(stage, by, stride) {
  if (!stage.out) return;
  stage.pinned = false;
  stage.tap = null;
  stage.opCol = null;
  stage.out = stage.sel = step(stage.scene, stage.out, by, stride);
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
