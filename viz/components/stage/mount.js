// What every run sends: it hands the element to the drawing code, which came once and waits under its own version.
export default function (component) {
  const code = ((globalThis.convscope ??= {})["%VERSION%"] ??= { waiting: new Set() });
  let dispose = null;
  const go = () => (dispose = code.mount(component));
  if (code.mount) go();
  else code.waiting.add(go);
  return () => {
    code.waiting.delete(go);
    dispose?.();
  };
}
