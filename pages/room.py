"""Where phones come into a room: by its link, or by typing its four letters."""

import streamlit as st

from pages import _room
from viz import state

if not _room.joined() and (code := state.parameter("code")):
    _room.enter(code)
if not _room.joined():
    st.title("Join the room")
    if _room.held():
        st.write(
            "You hold a room yourself. To see it as your class does, open its link on a phone or in a private window."
        )
    with st.form("join", border=False, width="content"):
        st.text_input("The four letters on the lecturer's screen", key="typed_code", max_chars=20, autocomplete="off")
        st.form_submit_button("Join", type="primary", on_click=_room.enter)
    if told := state.recall("room_told"):
        state.forget("room_told")
        st.error(told)
else:
    st.title("Your answer")
