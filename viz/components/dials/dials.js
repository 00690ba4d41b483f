import { answered, dials } from "./turning.js";

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".turning");
  root.send = setTriggerValue;
  root.edits ??= 0;
  dials(root, data);
  root.dataset.heard = data.heard;
  answered(root);
}
