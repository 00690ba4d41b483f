// The colours of tint.css as numbers, for what is painted: of the element `.tint`, as the theme is now. `changed` is
// called whenever the theme changes.
export function tints(root, changed) {
  const probe = root.querySelector(".tint"), style = getComputedStyle(probe);
  probe.ontransitionend = changed;
  const of = (text) => text.match(/[\d.]+/g).slice(0, 3).map(Number);
  return { zero: of(style.outlineColor), negative: of(style.color), positive: of(style.backgroundColor), rectified: of(style.borderTopColor) };
}
