"""Settings → real layer → measurement. Pure PyTorch and NumPy: it all works in a notebook, without Streamlit."""
