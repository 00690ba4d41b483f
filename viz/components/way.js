// A page that the server turns to arrives in steps, in no certain order, and Streamlit makes each an entry of the browser's
// history: the new settings under the old address, the new address, the page's own settings. The first step's link says in
// `go` (`viz.state.ON_THE_WAY`) which page is meant. Until that has said its own link, each step takes the place of the one
// before, so that the way back meets whole pages alone.

const { pushState } = history;
const page = (path) => path.slice(path.lastIndexOf("/") + 1);
let way = null;

history.pushState = function (state, title, url) {
  const { pathname, searchParams } = new URL(url ?? "", location.href), go = searchParams.get("go"), first = !way;
  if (go !== null) way = { from: way?.from ?? location.pathname, to: go };
  const set = way && !first ? history.replaceState : pushState;
  if (way && go === null && (pathname !== way.from || way.to === page(pathname))) way = null;
  return set.call(this, state, title, url);
};

addEventListener("popstate", () => (way = null));
