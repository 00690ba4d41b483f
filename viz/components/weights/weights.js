// One kernel whose weights can be typed over.

import { kernels, listen } from "./cells.js";

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".weights");
  root.send = setTriggerValue;
  root.d = data;
  kernels(root, data);
  listen(root);
  root.watch ??= new ResizeObserver(() => kernels(root, root.d));
  root.watch.observe(root);
  return () => root.watch.disconnect();
}
