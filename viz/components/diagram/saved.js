// What makes the saved page of drawing and table answer: it stands in that file and knows nothing but that page.

export function live(page) {
  const frame = page.querySelector(".frame"), svg = frame.querySelector("svg"), wide = +svg.getAttribute("width"), high = +svg.getAttribute("height");
  const rows = [...page.querySelectorAll("table tbody tr")], nodes = [...svg.querySelectorAll("[data-rows]")];
  const span = (node) => node.dataset.rows.split(" ").map(Number);
  const fits = () => Math.min(1, (frame.clientWidth - 4) / wide);
  let scale = 1;
  const zoom = (by) => {
    const x = (frame.scrollLeft + frame.clientWidth / 2) / scale, y = (frame.scrollTop + frame.clientHeight / 2) / scale;
    scale = by ? Math.min(4, Math.max(0.1, scale * by)) : fits();
    svg.setAttribute("width", wide * scale);
    svg.setAttribute("height", high * scale);
    frame.scrollTo(x * scale - frame.clientWidth / 2, y * scale - frame.clientHeight / 2);
  };
  const mark = (node) => {
    for (const one of page.querySelectorAll(".marked")) one.classList.remove("marked");
    if (!node) return;
    node.classList.add("marked");
    const [from, to] = span(node);
    rows.slice(from, to).forEach((row) => row.classList.add("marked"));
  };
  const of = (row) => nodes.find((node) => span(node)[0] <= row && row < span(node)[1]);
  for (const node of nodes) {
    node.onmouseenter = () => mark(node);
    node.onclick = () => {
      mark(node);
      rows[span(node)[0]]?.scrollIntoView({ block: "center" });
    };
  }
  rows.forEach((row, at) => {
    row.onmouseenter = () => mark(of(at));
    row.onclick = () => {
      mark(of(at));
      of(at)?.scrollIntoView({ block: "center", inline: "center" });
    };
  });
  for (const [name, by] of [["out", 0.8], ["fit", 0], ["in", 1.25]]) page.querySelector(`.${name}`).onclick = () => zoom(by);
  frame.onwheel = (e) => {
    if (!e.ctrlKey && !e.metaKey) return;
    e.preventDefault();
    zoom(e.deltaY < 0 ? 1.1 : 1 / 1.1);
  };
  frame.onpointermove = (e) => {
    if (e.buttons === 1 && e.pointerType === "mouse") frame.scrollBy(-e.movementX, -e.movementY);
  };
  zoom(0);
}
