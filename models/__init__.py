"""Settings → real layer → measurement. Pure PyTorch and NumPy: everything here works in a notebook, without Streamlit."""
