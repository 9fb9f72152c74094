"""The plain HTML forms in front of and beside the pages: sign-in, new password, second factor, one's own sign-ins.
Password managers know such forms, and they need no script."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from html import escape

import pyotp
import segno

from dashboard.language import N_, Speaker, speak
from raksa.accounts import SignIn
from raksa.calendar import BANGKOK
from raksa.thai import format_date

# What the sign-in form says back, by the reason of the refusal. Which half was wrong is not said.
REFUSED = {
    "wrong": N_("The account name or the password is not right."),
    "locked": N_("Too many attempts. Wait a quarter of an hour, or ask your administrator for a new password."),
    "busy": N_("Many people are signing in just now. Try again in a moment."),
    "stale": N_("The form had been open too long. Sign in again."),
    "run_out": N_("This first password has run out. Ask your administrator for a new one."),
    "no_key": N_("Codes cannot be checked just now. Use a recovery code, or ask your administrator."),
}
# What whoever comes from an identity provider is told, by the reason of the refusal.
NOT_LET_IN = {
    "unknown": N_("There is no account here for {name}. Ask your administrator for one."),
    "off": N_("The account {name} is switched off. Ask your administrator."),
    "role": N_("Your provider gives {name} no role that Raksa knows. Ask your administrator."),
    "stale": N_("The sign-in took too long or was begun elsewhere. Begin again."),
    "provider": N_("The identity provider did not confirm who you are. Try again in a moment."),
}
_AWAY = N_("Raksa cannot be used just now")

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
a.button { display: block; margin-top: .75rem; padding: .6rem; border: 1px solid #0b6b61; border-radius: .4rem;
  text-align: center; text-decoration: none; }
li form button { width: auto; margin: .25rem 0 0; padding: .4rem .9rem; }
ul, ol { padding-left: 1.2rem; } li { margin: .75rem 0; overflow-wrap: anywhere; }
h2 { font-size: 1.1rem; margin: 1.5rem 0 .25rem; }
code { font-size: 1.05rem; letter-spacing: .05em; overflow-wrap: anywhere; }
svg { display: block; margin: .5rem auto; max-width: 100%; height: auto; }
[role=alert] { background: #fdf1dc; padding: .6rem .8rem; border-radius: .4rem; }
a { color: #0b6b61; }
"""


def sign_in(language: str, csrf: str, refused: str = "", provider: str = "") -> str:
    """The sign-in form, with what went wrong the last time, and a way to the identity provider if there is one."""
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
{_provider_link(_, language, provider)}
<p style="margin:1rem 0 0"><a href="/login?lang={other}">{"English" if other == "en" else "ภาษาไทย"}</a></p>""",
    )


def _provider_link(say: Speaker, language: str, provider: str) -> str:
    words = escape(say("Sign in with {provider}", provider=provider))
    return f'<a class="button" href="/oidc/login?lang={language}">{words}</a>' if provider else ""


def enter_code(language: str, wrong: str = "") -> str:
    """The second half of the sign-in."""
    _ = speak(language)
    return _page(
        language,
        _("Enter your code"),
        f"""<p>{escape(_("The six digits your authenticator app shows for Raksa, or one of your recovery codes."))}</p>
{_alert(wrong)}
<form method="post" action="/login/code?lang={language}">
{_code_field(_)}
<button>{escape(_("Sign in"))}</button></form>
<p style="margin:1rem 0 0"><a href="/login?lang={language}">{escape(_("Begin again"))}</a></p>""",
    )


def second_factor(language: str, is_on: bool, must: bool, left: int, wrong: str = "") -> str:
    """The page of the second factor: turn it on, or see that it is on, take new recovery codes, turn it off."""
    _ = speak(language)
    ask = _field(_("Present password"), "present", "password", "current-password")
    if is_on:
        says = _("A code is asked when you sign in. Recovery codes left: {n}.", n=left)
        forms = f"""<form method="post" action="/second-factor">{ask}
{_code_field(_)}
<button name="do" value="codes">{escape(_("New recovery codes"))}</button>
{"" if must else f'<button name="do" value="off">{escape(_("Turn codes off"))}</button>'}</form>"""
    else:
        says = _("A code from an app on your phone, asked after the password, keeps out whoever learns the password.")
        forms = f"""{f"<p>{escape(_('Your role needs it before the first page.'))}</p>" if must else ""}
<form method="post" action="/second-factor">{ask}
<button name="do" value="begin">{escape(_("Turn codes on"))}</button></form>"""
    return _page(language, _("Codes at sign-in"), f"<p>{escape(says)}</p>{_alert(wrong)}{forms}{_back(_)}")


def no_second_factor(language: str, door: str) -> str:
    """What is said instead where codes are not asked: switched off, or the provider's to ask."""
    _ = speak(language)
    says = (
        _("Raksa asks no codes here: a setting says so.")
        if door == "password"
        else _("You came through your identity provider, which may ask a second factor itself.")
    )
    return _page(language, _("Codes at sign-in"), f"<p>{escape(says)}</p>{_back(_)}")


def confirm_second_factor(language: str, wrong: str = "", username: str = "", secret: str = "") -> str:
    """The secret as a picture and as text, shown once, and the question for the first code."""
    _ = speak(language)
    shown = ""
    if secret:
        address = pyotp.TOTP(secret).provisioning_uri(name=username, issuer_name="Raksa")
        picture = segno.make(address, micro=False).svg_inline(scale=5, border=4, light="#fff")
        grouped = " ".join(secret[n : n + 4] for n in range(0, len(secret), 4))
        shown = f"""<p>{escape(_("Scan this picture with an authenticator app, or type the letters into it."))}</p>
<div role="img" aria-label="{escape(_("QR code; the letters below say the same"))}">{picture}</div>
<p><code>{grouped}</code></p>"""
    return _page(
        language,
        _("Codes at sign-in"),
        f"""{shown}{_alert(wrong)}<form method="post" action="/second-factor">
{_code_field(_)}
<button name="do" value="confirm">{escape(_("Confirm"))}</button></form>
<p style="margin:1rem 0 0"><a href="/second-factor">{escape(_("Begin again"))}</a></p>""",
    )


def recovery_codes(language: str, codes: Sequence[str]) -> str:
    """The recovery codes, which are shown this once."""
    _ = speak(language)
    says = _("Each signs you in once if the phone is lost. Write them down now: they are not shown again.")
    listed = "".join(f"<li><code>{escape(code)}</code></li>" for code in codes)
    return _page(language, _("Your recovery codes"), f"<p>{escape(says)}</p><ol>{listed}</ol>{_back(_)}")


def sessions(language: str, rows: Sequence[SignIn], here: str) -> str:
    """A person's sign-ins, the last seen first, each with a button that ends it."""
    _ = speak(language)
    listed = "".join(_one_sign_in(_, language, one, here) for one in rows)
    return _page(
        language,
        _("Where you are signed in"),
        f"""<ul>{listed}</ul>
<form method="post" action="/sessions"><button name="do" value="all">{escape(_("Sign out everywhere"))}</button></form>
<p style="margin:1rem 0 0"><a href="/second-factor">{escape(_("Codes at sign-in"))}</a> ·
<a href="/password">{escape(_("Choose a new password"))}</a></p>{_back(_)}""",
    )


def _one_sign_in(say: Speaker, language: str, one: SignIn, here: str) -> str:
    when, address = _moment(one.created, language), one.address or "?"
    began = (
        say("Since {when} by password, from {address}", when=when, address=address)
        if one.door == "password"
        else say("Since {when} through the identity provider, from {address}", when=when, address=address)
    )
    mark = f" · {escape(say('this one'))}" if one.id == here else ""
    return f"""<li><strong>{escape(one.browser)}</strong>{mark}<br>{escape(began)}<br>
{escape(say("Last seen {when}", when=_moment(one.last_seen, language)))}
<form method="post" action="/sessions"><input type="hidden" name="id" value="{one.id[:16]}">
<button>{escape(say("End"))}</button></form></li>"""


def not_let_in(language: str, why: str, name: str) -> str:
    """The page for whom a provider sent and we do not let in."""
    _ = speak(language)
    says = _(NOT_LET_IN[why]).format(name=name)
    return _page(
        language,
        _("Not signed in"),
        f"""{_alert(says)}<p><a href="/login?lang={language}">{escape(_("Begin again"))}</a></p>
<p><a href="/oidc/login?lang={language}&amp;again=1">{escape(_("Sign in there as somebody else"))}</a></p>""",
    )


def onward(language: str, address: str) -> str:
    """Signed out here; the browser goes on to sign out at the provider."""
    _ = speak(language)
    link = f'<a href="{escape(address)}">{escape(_("Sign out at the provider too"))}</a>'
    head = f'<meta http-equiv="refresh" content="0; url={escape(address)}">'
    return _page(language, _("You are signed out"), f"<p>{link}</p>", head)


def link_ran_out(language: str) -> str:
    """Where the link of a mail leads after a week, or one that was tampered with."""
    _ = speak(language)
    says = _("Links in mails hold for a week. Your pages are where they always are.")
    return _page(language, _("This link has run out"), f"<p>{escape(says)}</p>{_back(_)}")


def away() -> str:
    """The page while the people database does not answer, in both languages: whose it is cannot be known then."""
    return _page("th", speak("th")(_AWAY), _away_words())


def away_on_a_page() -> str:
    """The same in the place of a page that was open."""
    typed = N_(
        "What you typed stays in its form, as long as you do not reload. If you were not told that it was written, "
        "press again later; nothing is written twice."
    )
    return f'<main class="raksa"><h1>{escape(speak("th")(_AWAY))}</h1>{_away_words()}{_both(typed)}</main>'


def try_again() -> str:
    """What stands on the button below it."""
    again = N_("Try again")
    return f"{speak('th')(again)} · {again}"


def _away_words() -> str:
    return _both(N_("The database of people does not answer. Nothing is shown. Try again in a minute."))


def _both(words: str) -> str:
    return f'<p>{escape(speak("th")(words))}</p><p lang="en">{escape(words)}</p>'


def _back(say: Speaker) -> str:
    return f'<p style="margin:1rem 0 0"><a href="/">{escape(say("Back to the pages"))}</a></p>'


def _code_field(say: Speaker) -> str:
    return (
        f'<label for="code">{escape(say("Code"))}</label>'
        '<input id="code" name="code" autocomplete="one-time-code" autocapitalize="none" spellcheck="false" '
        'required maxlength="40">'
    )


def _moment(when: datetime, language: str) -> str:
    """A moment on the clocks of Thailand."""
    there = when.astimezone(BANGKOK)
    return f"{format_date(there.date(), language)} {there:%H:%M}"


def new_password(language: str, wrong: str = "") -> str:
    """The form a person must fill in before the first page, and may at any time."""
    _ = speak(language)
    return _page(
        language,
        _("Choose a new password"),
        f"""<p>{escape(_("At least twelve letters. A short sentence is easy to remember and hard to guess."))}</p>
{_alert(wrong)}
<form method="post" action="/password">
{_field(_("Present password"), "present", "password", "current-password")}
{_field(_("New password"), "password", "password", "new-password")}
{_field(_("New password once more"), "again", "password", "new-password")}
<button>{escape(_("Save"))}</button></form>""",
    )


def _page(language: str, title: str, body: str, head: str = "") -> str:
    return (
        f'<!DOCTYPE html><html lang="{language}" translate="no"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<link rel="icon" href="/favicon.png">'
        f"{head}<title>{escape(title)}</title><style>{_STYLE}</style></head>"
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
