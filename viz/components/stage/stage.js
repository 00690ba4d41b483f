// Data in, events out: one stage, or several panels that share their selection.

import { Board } from "./board.js";
import { Panels } from "./panels.js";

export default function (component) {
  const root = component.parentElement.querySelector(".stage");
  const stage = (root._stage ??= new (component.data.panels ? Panels : Board)(root));
  stage.beside = component.parentElement.querySelector(".readout");
  if (!component.data.readout) stage.beside.innerHTML = stage.beside.text = "";
  stage.update(component);
  return () => stage.dispose();
}
