// The drawing code has come: the elements that were there first are drawn now.
export default function () {
  const code = ((globalThis.convscope ??= {})["%VERSION%"] ??= { waiting: new Set() });
  code.mount ??= mount;
  for (const go of code.waiting) go();
  code.waiting.clear();
}
