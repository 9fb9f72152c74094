"""Child: who she is, what is needed and why, and whom to call."""

from html import escape

import streamlit as st

from dashboard import page, roster

who = page.here()
run = page.run_now(who)
_ = who.say
learner = st.session_state.get("learner")
if learner is None:
    st.title(_("Child"))
    st.info(_("Choose a child on the list first."))
    st.page_link("views/lists.py", label=_("To the list"))
    st.stop()
child, decision = roster.child(run, who.person, learner)
page.note(
    who, "read_child" if child else "read_child_refused", learner_id=learner, about=f"run {run.id}",
    reason=decision.reason,
)  # fmt: skip
if child is None:
    st.title(_("Child"))
    st.info(_("This child is not among those you look after, or is no longer on the school's list."))
    st.stop()

# Not st.title, which would read a name as Markdown.
place = " · ".join(filter(None, (child.class_name, child.school)))
st.html(f'<div class="raksa"><h1>{escape(child.name)}</h1><p class="small">{escape(place)}</p></div>')
with st.container(border=True):
    st.header(_("What stands out"))
    if child.reasons:
        st.html(f'<div class="raksa">{page.sentences(getattr(r, who.language) for r in child.reasons)}</div>')
        if what := [said for r in child.reasons if (said := getattr(r, f"lower_{who.language}"))]:
            st.html(f'<div class="raksa"><p>{escape(_("What could lower it"))}</p>{page.sentences(what)}</div>')
    elif child.cannot_score:
        gap = roster.why_not(run, child)
        st.write(getattr(gap, f"why_{who.language}"))
        st.write(f"**{_('Whose turn')}**: {getattr(gap, f'turn_{who.language}')}")
    else:
        st.write(_("Nothing that stands out today. The child is not on the list."))
    if child.risk is not None:
        day = page.day(who, run.horizon)
        st.caption(
            _("Estimated chance of leaving by {day}: about {n}%", day=day, n=max(1, round(100 * child.risk)))
            + " — "
            + _("an estimate to plan help with, not a verdict on the child.")
        )
with st.container(border=True):
    st.header(_("Whom to call"))
    relation = f"({child.guardian_relation})" if child.guardian_relation else ""
    guardian = escape(f"{child.guardian_name or _('No guardian is recorded.')} {relation}")
    phone = escape(child.phone or "")
    call = f'<a href="tel:{phone}">{phone}</a>' if phone else escape(_("No telephone is recorded."))
    st.html(f'<div class="raksa"><p>{guardian}</p><p>{call}</p></div>')
numbers = [(_("Roll no."), child.roll_number), (_("Student no."), child.student_number)]
st.caption(" · ".join(f"{label} {value}" for label, value in numbers if value))
st.caption(_("As known on {day}", day=page.day(who, run.as_of)))
st.page_link("views/lists.py", label=_("To the list"))
