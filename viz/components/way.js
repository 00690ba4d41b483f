// A page that the server turns to arrives in steps, and Streamlit makes each an entry of the browser's history: the new
// settings under the old address first. On the way its link holds `go` (`viz.state.ON_THE_WAY`): until the page has said
// its own, each step takes the place of the one before, so that the way back meets whole pages alone.

const { pushState } = history;

history.pushState = function (...entry) {
  const way = new URLSearchParams(location.search).has("go");
  return (way ? history.replaceState : pushState).apply(this, entry);
};
