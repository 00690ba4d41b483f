"""Any convolution, measured live."""

import streamlit as st

st.title("What is one output number made of?")
