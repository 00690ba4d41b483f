"""A room: a question on the lecturer's screen, answered on many phones. No Streamlit, no names, no addresses.

``room.py`` says what a room does, on a small ``Store``: ``store.py`` keeps it in this process, ``shared.py`` in Redis,
for replicas. ``routes.py`` is what phones ask: one that waits costs the server an open connection and no more.
"""
