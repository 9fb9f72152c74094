"""The pages of the person who is signed in. Every click begins here."""

from __future__ import annotations

import streamlit as st

from dashboard import forms, page
from dashboard.pages import PAGES, pages_for
from raksa.people import PeopleAway

st.set_page_config(page_title="Raksa", layout="wide", initial_sidebar_state="collapsed")
try:
    who = page.here()
    names = pages_for(who.person)
    shown = [st.Page(f"views/{name}.py", title=who.say(PAGES[name]), url_path=name) for name in names]
    # Streamlit gives its default page no address of its own, and then a copied link to it opens for nobody else. So the
    # first page stands twice: once with its address, and once, hidden, for "/".
    first = [
        st.Page(f"views/{name}.py", title=who.say(PAGES[name]), url_path="home", default=True, visibility="hidden")
        for name in names[:1]
    ]
    chosen = st.navigation([*shown, *first], position="top")
    page.bar(who)
    chosen.run()
except PeopleAway:
    st.html(forms.away_on_a_page())
