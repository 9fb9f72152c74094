"""The pages of the person who is signed in. Every click begins here."""

from __future__ import annotations

import streamlit as st

from dashboard import page
from dashboard.pages import PAGES, pages_for

st.set_page_config(page_title="Raksa", layout="wide", initial_sidebar_state="collapsed")
who = page.here()
chosen = st.navigation(
    [
        st.Page(f"views/{name}.py", title=who.say(PAGES[name]), url_path=name, default=first == 0)
        for first, name in enumerate(pages_for(who.person))
    ],
    position="top",
)
page.bar(who)
chosen.run()
