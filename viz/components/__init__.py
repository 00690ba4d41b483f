"""Components that run in the browser: plain JavaScript, CSS and one Python file each."""
