// Data in, events out: one stage, or several panels that share their selection.

import { Board, onPhone } from "./board.js";
import { Panels } from "./panels.js";

// The address at which a picture waits: with the answer one of another kind may come in its place.
let waiting = null;

export default function (component) {
  const root = component.parentElement.querySelector(".stage");
  const stage = (root._stage ??= new (component.data.panels ? Panels : Board)(root));
  stage.beside = component.parentElement.querySelector(".readout");
  stage.update(component);
  const { veiled, still, panels } = component.data, waits = veiled || panels?.some((one) => one.veiled);
  // On a phone the answer stands below the picture, which has become higher with it: stage.css leaves room for it. Not
  // where one goes on clicking in the picture.
  if (waiting === location.pathname && !waits && !still && onPhone(root)) {
    requestAnimationFrame(() => requestAnimationFrame(() => root.scrollIntoView({ block: "end", behavior: "instant" })));
  }
  waiting = waits ? location.pathname : null;
  return () => stage.dispose();
}
