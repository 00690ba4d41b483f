// Data in, events out: one stage, or several panels that share their selection.

import { Board, PHONE } from "./board.js";
import { Panels } from "./panels.js";

export default function (component) {
  const root = component.parentElement.querySelector(".stage");
  const stage = (root._stage ??= new (component.data.panels ? Panels : Board)(root));
  stage.beside = component.parentElement.querySelector(".readout");
  stage.update(component);
  const { veiled, still, panels } = component.data, waits = veiled || panels?.some((one) => one.veiled);
  // On a phone the answer stands below the picture, which has become higher with it: stage.css leaves room for it. Not
  // where one goes on clicking in the picture.
  if (stage.waits && !waits && !still && root.clientWidth < PHONE) {
    requestAnimationFrame(() => requestAnimationFrame(() => root.scrollIntoView({ block: "end", behavior: "instant" })));
  }
  stage.waits = waits;
  return () => stage.dispose();
}
