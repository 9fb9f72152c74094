"""The pages of the person who is signed in. Every click begins here."""

from __future__ import annotations

import streamlit as st

from dashboard import forms, page
from dashboard.pages import PAGES, pages_for
from raksa.people import PeopleAway

st.set_page_config(page_title="Raksa", layout="wide", initial_sidebar_state="collapsed")
if st.session_state.pop("away", False):  # nothing of a page that broke off half-way, only the message
    st.html(forms.away_on_a_page())
    st.button(forms.try_again())
else:
    try:
        who = page.here()
        names = pages_for(who.person)
        shown = [st.Page(f"views/{name}.py", title=who.say(PAGES[name]), url_path=name) for name in names]
        # Streamlit gives its default page no address of its own, and then a copied link to it opens for nobody else.
        # So the first page stands twice: once with its address, and once, hidden, for "/".
        first = [
            st.Page(f"views/{name}.py", title=who.say(PAGES[name]), url_path="home", default=True, visibility="hidden")
            for name in names[:1]
        ]
        chosen = st.navigation([*shown, *first], position="top")
        page.bar(who)
        if (missing := st.query_params.get("missing", "")) in PAGES:
            title = who.say(PAGES[missing])
            st.info(who.say("This account has no page “{page}”; here is the first of those it has.", page=title))
        chosen.run()
    except PeopleAway:
        # Not st.stop(): Streamlit would then keep what stands in fields the browser no longer shows.
        st.session_state["away"] = True
        st.rerun()
