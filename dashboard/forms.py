"""The two plain HTML forms in front of the pages, sign-in and new password. Password managers know such
forms."""

from __future__ import annotations

from html import escape

from dashboard.language import N_, Speaker, speak

# What the sign-in form says back, by the reason of the refusal. Which half was wrong is not said.
REFUSED = {
    "wrong": N_("The account name or the password is not right."),
    "locked": N_("Too many attempts. Wait a quarter of an hour, or ask your administrator for a new password."),
    "busy": N_("Many people are signing in just now. Try again in a moment."),
    "stale": N_("The form had been open too long. Sign in again."),
}

_STYLE = """
@font-face { font-family: NSTL; src: url(/app/static/fonts/noto-sans-thai-looped-thai-400-normal.woff2);
  unicode-range: U+0E01-0E5B, U+200C-200D, U+25CC; }
@font-face { font-family: NSTL; src: url(/app/static/fonts/noto-sans-thai-looped-latin-400-normal.woff2);
  unicode-range: U+0000-00FF, U+2000-206F; }
* { box-sizing: border-box; }
body { font: 16px/1.7 NSTL, sans-serif; color: #1c2b29; background: #f2f6f5; margin: 0; }
main { max-width: 24rem; margin: 6vh auto; padding: 1.5rem; background: #fff; border-radius: .5rem; }
h1 { font-size: 1.4rem; margin: 0 0 .25rem; } p { margin: .25rem 0 1rem; }
label { display: block; margin-top: .75rem; }
input { width: 100%; font: inherit; padding: .5rem .6rem; border: 1px solid #5d7370; border-radius: .4rem; }
button { width: 100%; margin-top: 1.25rem; font: inherit; padding: .6rem; border: 0; border-radius: .4rem;
  background: #0b6b61; color: #fff; }
input:focus, button:focus, a:focus { outline: 3px solid #f0a202; outline-offset: 1px; }
[role=alert] { background: #fdf1dc; padding: .6rem .8rem; border-radius: .4rem; }
a { color: #0b6b61; }
"""


def sign_in(language: str, csrf: str, refused: str = "") -> str:
    """The sign-in form, with what went wrong the last time."""
    _ = speak(language)
    other = "en" if language == "th" else "th"
    return _page(
        language,
        _("Sign in to Raksa"),
        f"""<p>{escape(_("Children who need someone, and why"))}</p>
{_alert(_(REFUSED[refused]) if refused else "")}
<form method="post" action="/login?lang={language}">
<input type="hidden" name="csrf" value="{escape(csrf)}">
{_field(_("Account name"), "username", "text", "username")}
{_field(_("Password"), "password", "password", "current-password")}
<button>{escape(_("Sign in"))}</button></form>
<p style="margin:1rem 0 0"><a href="/login?lang={other}">{"English" if other == "en" else "ภาษาไทย"}</a></p>""",
    )


def new_password(language: str, wrong: str = "") -> str:
    """The form a person must fill in before the first page, and may at any time."""
    _ = speak(language)
    return _page(
        language,
        _("Choose a new password"),
        f"""<p>{escape(_("At least ten letters. A short sentence is easy to remember and hard to guess."))}</p>
{_alert(wrong)}
<form method="post" action="/password">
{_field(_("Present password"), "present", "password", "current-password")}
{_field(_("New password"), "password", "password", "new-password")}
{_field(_("New password once more"), "again", "password", "new-password")}
<button>{escape(_("Save"))}</button></form>""",
    )


def _page(language: str, title: str, body: str) -> str:
    return (
        f'<!DOCTYPE html><html lang="{language}" translate="no"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<link rel="icon" href="/favicon.png">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>"
        f"<body><main><h1>{escape(title)}</h1>{body}</main></body></html>"
    )


def _field(label: str, name: str, kind: str, filled_by: str) -> str:
    return (
        f'<label for="{name}">{escape(label)}</label>'
        f'<input id="{name}" name="{name}" type="{kind}" autocomplete="{filled_by}" required maxlength="200">'
    )


def _alert(text: str) -> str:
    return f'<p role="alert">{escape(text)}</p>' if text else ""


def mismatch(say: Speaker) -> str:
    return say("The two new passwords are not the same.")
