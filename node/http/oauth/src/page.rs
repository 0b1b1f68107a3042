//! A page: HTML under a content policy that allows nothing but its own style and, where a passkey may be used, its own script.

use std::fmt::Write;
use std::sync::OnceLock;

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hongyan_profile::SignInLayout;
use ring::digest;
use serde_json::Value;

use crate::form::Fields;
use crate::join_form::Note;
use crate::look::Look;
use crate::text::{Language, Words};

const STYLE: &str = "\
:root{color-scheme:light dark;--b:#f3f5f9;--c:#fff;--t:#1d2433;--m:#5c667a;--l:#d6dce8;--a:#2257d6;--e:#b3261e;--g:#1a7f4b}\
@media(prefers-color-scheme:dark){:root{--b:#12151c;--c:#1b202b;--t:#e8ecf4;--m:#9aa5ba;--l:#333c4e;--a:#7ea4ff;--e:#ff8a80;--g:#6fd69d}}\
*{box-sizing:border-box}\
body{margin:0;min-height:100vh;display:grid;place-items:center;background:var(--b);color:var(--t);\
font:16px/1.6 system-ui,-apple-system,'Segoe UI','PingFang SC','Microsoft YaHei','Noto Sans CJK SC',sans-serif}\
main{width:min(26rem,calc(100vw - 2rem));margin:1rem;padding:2rem;background:var(--c);border:1px solid var(--l);border-radius:16px;\
box-shadow:0 12px 40px rgb(20 30 60/.08)}\
.k{font-weight:600;letter-spacing:.04em;color:var(--a)}h1{font-size:1.375rem;line-height:1.3;margin:.5rem 0 1rem}\
p{margin:.5rem 0}.number{font-size:3rem;font-weight:600;text-align:center}.m{color:var(--m);font-size:.9375rem}.e{color:var(--e)}ul{padding-left:1.25rem;margin:1rem 0}\
label{display:block;margin:1rem 0 .25rem;font-size:.9375rem}label.c{display:flex;gap:.5rem;align-items:center}\
input:not([type=checkbox]){width:100%;padding:.625rem .75rem;font:inherit;color:inherit;background:transparent;\
border:1px solid var(--l);border-radius:8px}\
button{font:inherit;padding:.625rem 1.25rem;border-radius:8px;border:1px solid var(--l);background:transparent;color:inherit;cursor:pointer}\
button.p{background:var(--a);border-color:var(--a);color:var(--c);font-weight:600}button.t{border:0;padding:0;color:var(--a)}\
:focus-visible{outline:2px solid var(--a);outline-offset:2px}a{color:var(--a)}\
.r{display:flex;flex-wrap:wrap;gap:.75rem 1.25rem;justify-content:center;align-items:center;margin-top:1.5rem}.r .p{flex:1 0 100%}.r button:not(.p,.t){flex:1 0 auto}\
a.p{display:block;text-align:center;text-decoration:none;padding:.625rem 1.25rem;border-radius:8px;background:var(--a);color:var(--c);font-weight:600}\
.h{color:var(--m);font-size:.875rem;line-height:1.4;margin:.375rem 0 0}.h.e{color:var(--e)}.o{color:var(--m);font-size:.8125rem;margin-left:.25rem}\
input[aria-invalid],.s:has([aria-invalid]){border-color:var(--e)!important}input[readonly]{color:var(--m)!important;background:var(--b)!important}\
.s{display:flex;align-items:center;border:1px solid var(--l);border-radius:8px}.s input:not([type=checkbox]){border:0;flex:1;min-width:0}\
.s span{color:var(--m);padding-right:.75rem;max-width:60%;overflow-wrap:anywhere}.s button.t{padding:.25rem .75rem;font-size:.875rem;white-space:nowrap}\
.s:focus-within{outline:2px solid var(--a);outline-offset:2px}.s input:focus-visible{outline:0}\
.ticks{list-style:none;padding:0;margin:.25rem 0 0;font-size:.875rem;color:var(--m)}.ticks li{display:flex;gap:.5rem}\
.ticks li::before{content:'\\25CB';flex:none;width:1em;text-align:center}.ticks .yes{color:var(--g)}.ticks .yes::before{content:'\\2713'}\
.ticks .no{color:var(--e)}.ticks .no::before{content:'\\2715'}\
.n{display:flex;gap:.875rem;align-items:center;margin:0 0 1rem}.n b{flex:none;width:2.25rem;height:2.25rem;border-radius:50%;display:grid;place-items:center;\
color:var(--c);background:var(--m)}.n.good b{background:var(--g)}.n.bad b{background:var(--e)}.n p{margin:0;overflow-wrap:anywhere}\
.logo{display:block;max-width:100%;max-height:3.5rem;margin:0 0 .5rem}.bg{position:fixed;inset:0;width:100%;height:100%;object-fit:cover;z-index:-1}\
@media(min-width:50rem){body.left{grid-template-columns:minmax(29rem,2fr) 3fr}body.right{grid-template-columns:3fr minmax(29rem,2fr)}\
body.right main{grid-column:2}body.left .bg,body.right .bg{width:calc(100% - max(29rem,40%))}body.left .bg{left:max(29rem,40%)}}";

/// Asks the browser for a passkey.
const SCRIPT: &str = include_str!("script.js");

/// Sends the one form of the page.
const POST_SCRIPT: &str = "document.querySelector('form[data-goes]').submit()";

/// The hash by which the policy knows the style.
fn style_hash() -> &'static str {
    static HASH: OnceLock<String> = OnceLock::new();
    HASH.get_or_init(|| hash(STYLE))
}

fn hash(text: &str) -> String {
    STANDARD.encode(digest::digest(&digest::SHA256, text.as_bytes()).as_ref())
}

/// A page under way. Texts go in as texts: what is markup is written here only.
pub(crate) struct Page {
    language: Language,
    title: String,
    body: String,
    /// Where a form may lead beside here: a browser follows no answer to a form elsewhere.
    leads_to: Option<String>,
    script: Option<&'static str>,
    /// Where the browser goes on by itself.
    goes_to: Option<String>,
    /// Whether a form of it leads to another site, which may lead on to wherever.
    posts_elsewhere: bool,
    /// How it looks to members of an organisation.
    look: Option<Look>,
}

pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

impl Page {
    pub(crate) fn new(language: Language, title: impl Into<String>) -> Self {
        Self {
            language,
            title: title.into(),
            body: String::new(),
            leads_to: None,
            script: None,
            goes_to: None,
            posts_elsewhere: false,
            look: None,
        }
    }

    /// Looks as an organisation wants it (LGN-4).
    pub(crate) fn looking(mut self, look: Option<Look>) -> Self {
        self.look = look;
        self
    }

    /// A form of this page may be answered by sending the browser to `redirect`, which was checked.
    pub(crate) fn leading_to(mut self, redirect: &str) -> Self {
        let (scheme, rest) = redirect.split_once(':').unwrap_or((redirect, ""));
        let host = rest
            .strip_prefix("//")
            .map(|rest| rest.split(['/', '?']).next().unwrap_or_default());
        // A quote or semicolon would end the directive; a checked redirect has neither, and none is let through.
        let source = match host {
            Some(host) if scheme.starts_with("http") => format!("{scheme}://{host}"),
            _ => format!("{scheme}:"),
        };
        let is_clean = |octet: u8| octet.is_ascii_alphanumeric() || b".-+:/[]".contains(&octet);
        self.leads_to = source.bytes().all(is_clean).then_some(source);
        self
    }

    pub(crate) fn say(self, words: Words) -> Self {
        let text = self.language.say(words);
        self.paragraph("", text)
    }

    pub(crate) fn hint(self, words: Words) -> Self {
        let text = self.language.say(words);
        self.paragraph("m", text)
    }

    pub(crate) fn text(self, text: &str) -> Self {
        self.paragraph("m", text)
    }

    pub(crate) fn error(self, text: Option<&str>) -> Self {
        match text {
            Some(text) => self.paragraph("e", text),
            None => self,
        }
    }

    fn paragraph(mut self, class: &str, text: &str) -> Self {
        let role = if class == "e" { " role=\"alert\"" } else { "" };
        let _ = write!(self.body, "<p class=\"{class}\"{role}>{}</p>", escape(text));
        self
    }

    /// A number that is read from a little away.
    pub(crate) fn number(mut self, number: u8) -> Self {
        let _ = write!(self.body, "<p class=\"number\">{number}</p>");
        self
    }

    pub(crate) fn list(mut self, lines: &[&str]) -> Self {
        self.body.push_str("<ul>");
        for line in lines {
            let _ = write!(self.body, "<li>{}</li>", escape(line));
        }
        self.body.push_str("</ul>");
        self
    }

    /// The browser goes on to another place by itself, or by a link.
    pub(crate) fn going_to(mut self, place: &str) -> Self {
        let text = escape(self.language.say(Words::Continue));
        let _ = write!(self.body, "<p><a href=\"{}\">{text}</a></p>", escape(place));
        self.goes_to = Some(place.to_owned());
        self
    }

    /// A form that the browser sends to another site by itself, or at the press of a button.
    pub(crate) fn posting_to(mut self, place: &str, carried: &Fields) -> Self {
        let _ = write!(
            self.body,
            "<form method=\"post\" action=\"{}\" data-goes>",
            escape(place)
        );
        for (name, value) in carried.iter() {
            let (name, value) = (escape(name), escape(value));
            let _ = write!(self.body, "<input type=\"hidden\" name=\"{name}\" value=\"{value}\">");
        }
        let text = escape(self.language.say(Words::Continue));
        let _ = write!(
            self.body,
            "<div class=\"r\"><button class=\"p\">{text}</button></div></form>"
        );
        self.script = Some(POST_SCRIPT);
        self.posts_elsewhere = true;
        self
    }

    pub(crate) fn link_home(mut self) -> Self {
        let text = escape(self.language.say(Words::ToWebClient));
        let _ = write!(self.body, "<p><a href=\"/\">{text}</a></p>");
        self
    }

    /// What was made of escaped text elsewhere.
    pub(crate) fn markup(mut self, html: &str) -> Self {
        self.body.push_str(html);
        self
    }

    /// One script of ours beside the page.
    pub(crate) fn script(mut self, script: &'static str) -> Self {
        self.script = Some(script);
        self
    }

    /// What the page has to say, with a sign that says how it went.
    pub(crate) fn note(mut self, note: Note, text: &str) -> Self {
        let (class, sign) = note.looks();
        let role = if note == Note::Bad { "alert" } else { "status" };
        let text = escape(text);
        let _ = write!(
            self.body,
            "<div class=\"n {class}\" role=\"{role}\"><b aria-hidden=\"true\">{sign}</b><p>{text}</p></div>"
        );
        self
    }

    /// Leads to the web client, as what comes next.
    pub(crate) fn button_home(mut self, label: &str) -> Self {
        let _ = write!(
            self.body,
            "<div class=\"r\"><a class=\"p\" href=\"/\">{}</a></div>",
            escape(label)
        );
        self
    }

    /// A form that posts to `path`, with what it carries along.
    pub(crate) fn form(mut self, path: &str, carried: &Fields, form: &Form) -> Self {
        let _ = write!(
            self.body,
            "<form method=\"post\" action=\"{}\" autocomplete=\"on\"",
            escape(path)
        );
        if let Some((step, request)) = &form.passkey {
            self.script = Some(SCRIPT);
            let request = escape(&request.to_string());
            let _ = write!(self.body, " data-passkey=\"{request}\" data-step=\"{step}\">");
            self.body
                .push_str("<input type=\"hidden\" name=\"passkey\" value=\"\">");
        } else {
            self.body.push('>');
        }
        for (name, value) in carried.iter() {
            let (name, value) = (escape(name), escape(value));
            let _ = write!(self.body, "<input type=\"hidden\" name=\"{name}\" value=\"{value}\">");
        }
        for input in &form.inputs {
            let label = escape(self.language.say(input.label));
            let value = match input.value.as_str() {
                "" => String::new(),
                value => format!(" value=\"{}\"", escape(value)),
            };
            let _ = match input.kind {
                "checkbox" => write!(
                    self.body,
                    "<label class=\"c\"><input type=\"checkbox\" name=\"{0}\" value=\"on\">{label}</label>",
                    input.name
                ),
                kind => write!(
                    self.body,
                    "<label for=\"{0}\">{label}</label>\
                     <input id=\"{0}\" name=\"{0}\" type=\"{kind}\" autocomplete=\"{1}\"{value} required maxlength=\"1024\">",
                    input.name, input.autocomplete
                ),
            };
        }
        self.body.push_str("<div class=\"r\">");
        // The Enter key presses the first button that sends a form: that has to be the one that goes on.
        let (main, others): (Vec<_>, Vec<_>) = form.buttons.iter().partition(|(_, _, class)| *class == "p");
        self.buttons(&main);
        if form.passkey.is_some() {
            let label = escape(self.language.say(Words::UsePasskey));
            let _ = write!(
                self.body,
                "<button type=\"button\" id=\"use-passkey\" hidden>{label}</button>"
            );
        }
        self.buttons(&others);
        self.body.push_str("</div></form>");
        self
    }

    fn buttons(&mut self, buttons: &[&(&'static str, Words, &'static str)]) {
        for (step, label, class) in buttons {
            let label = escape(self.language.say(*label));
            // What leads away wants nothing filled in.
            let whole = if *class == "t" { " formnovalidate" } else { "" };
            let _ = write!(
                self.body,
                "<button class=\"{class}\" name=\"step\" value=\"{step}\"{whole}>{label}</button>"
            );
        }
    }

    pub(crate) fn answer(self, status: StatusCode) -> Response {
        let (title, body) = (escape(&self.title), &self.body);
        let refresh = self.goes_to.as_deref().map(|place| {
            let place = escape(place);
            format!("<meta http-equiv=\"refresh\" content=\"0;url={place}\">")
        });
        let refresh = refresh.unwrap_or_default();
        let (script, script_source) = match self.script {
            Some(script) => (
                format!("<script>{script}</script>"),
                format!(" script-src 'sha256-{}';", hash(script)),
            ),
            None => (String::new(), String::new()),
        };
        let own = self.look.as_ref().map(Dress::of).unwrap_or_default();
        let html = format!(
            "<!doctype html><html lang=\"{5}\"><head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">{refresh}<title>{title} - {0}</title>\
             <style>{STYLE}</style>{1}</head><body class=\"{2}\">{3}<main>{4}<h1>{title}</h1>{body}</main>{script}</body></html>",
            own.name,
            own.style,
            own.class,
            own.picture,
            own.mark,
            self.language.tag()
        );
        let leads_to = match self.leads_to {
            // Browsers hold the policy against all redirects that follow a form, too, and the place is none that a guest has named.
            _ if self.posts_elsewhere => " https: http:".to_owned(),
            Some(source) => format!(" {source}"),
            None => String::new(),
        };
        let policy = format!(
            "default-src 'none'; style-src 'sha256-{}'{};{script_source} form-action 'self'{leads_to}; frame-ancestors 'none'; base-uri 'none'",
            style_hash(),
            own.sources
        );
        let mut response = (status, html).into_response();
        let fields: [(HeaderName, &str); 6] = [
            (header::CONTENT_TYPE, "text/html; charset=utf-8"),
            (header::CACHE_CONTROL, "no-store"),
            (header::X_FRAME_OPTIONS, "DENY"),
            // Other than no-referrer, this leaves forms of ours their Origin.
            (header::REFERRER_POLICY, "same-origin"),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (header::CONTENT_SECURITY_POLICY, &policy),
        ];
        for (name, value) in fields {
            if let Ok(value) = HeaderValue::from_str(value) {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }
}

/// What a look adds to a page: markup and policy, made of escaped texts and checked values.
struct Dress {
    name: String,
    style: String,
    class: &'static str,
    picture: String,
    mark: String,
    /// What the policy allows more.
    sources: String,
}

impl Default for Dress {
    fn default() -> Self {
        Self {
            name: "Hongyan".to_owned(),
            style: String::new(),
            class: "",
            picture: String::new(),
            mark: "<div class=\"k\">Hongyan</div>".to_owned(),
            sources: String::new(),
        }
    }
}

impl Dress {
    fn of(look: &Look) -> Self {
        let name = match look.title.as_str() {
            "" => "Hongyan".to_owned(),
            title => escape(title),
        };
        let logo = look.logo.as_deref().map(|path| {
            let path = escape(path);
            format!("<img class=\"logo\" src=\"{path}\" alt=\"{name}\">")
        });
        let title = format!("<div class=\"k\">{name}</div>");
        let mark = match logo {
            Some(logo) if look.title.is_empty() => logo,
            Some(logo) => format!("{logo}{title}"),
            None => title,
        };
        let picture = look.picture.as_deref().map(|path| {
            let path = escape(path);
            format!("<img class=\"bg\" src=\"{path}\" alt=\"\">")
        });
        let mut sources = String::new();
        let mut style = String::new();
        if let Some(colour) = &look.colour {
            let ink = if is_light(colour) { "#111" } else { "#fff" };
            let rules = format!(
                "body{{background:{colour}}}button.p,a.p{{background:{colour};border-color:{colour};color:{ink}}}.k{{color:inherit}}"
            );
            let _ = write!(sources, " 'sha256-{}'", hash(&rules));
            let _ = write!(style, "<style>{rules}</style>");
        }
        if look.logo.is_some() || look.picture.is_some() {
            sources.push_str("; img-src 'self'");
        }
        Self {
            name,
            style,
            class: match look.layout {
                SignInLayout::Centre => "",
                SignInLayout::Left => "left",
                SignInLayout::Right => "right",
            },
            picture: picture.unwrap_or_default(),
            mark,
            sources,
        }
    }
}

/// Whether dark text reads better on a colour (WCAG's weights of the three).
fn is_light(colour: &str) -> bool {
    let part = |at: usize| {
        let digits = colour.get(at..at + 2).unwrap_or("00");
        u32::from_str_radix(digits, 16).unwrap_or(0)
    };
    2_126 * part(1) + 7_152 * part(3) + 722 * part(5) > 10_000 * 150
}

/// What a form asks.
#[derive(Debug, Default)]
pub(crate) struct Form {
    inputs: Vec<Input>,
    /// The step that a button takes, what it says, how it looks.
    buttons: Vec<(&'static str, Words, &'static str)>,
    /// The step that a passkey takes, and what the browser is asked for.
    passkey: Option<(&'static str, Value)>,
}

#[derive(Debug)]
struct Input {
    name: &'static str,
    label: Words,
    kind: &'static str,
    autocomplete: &'static str,
    value: String,
}

impl Form {
    pub(crate) fn input(self, name: &'static str, label: Words, autocomplete: &'static str) -> Self {
        self.filled_input(name, label, autocomplete, None)
    }
    /// With what is known already.
    pub(crate) fn filled_input(
        self,
        name: &'static str,
        label: Words,
        autocomplete: &'static str,
        value: Option<&str>,
    ) -> Self {
        let kind = if name == "password" { "password" } else { "text" };
        self.with(Input {
            name,
            label,
            kind,
            autocomplete,
            value: value.unwrap_or_default().chars().take(320).collect(),
        })
    }
    pub(crate) fn checkbox(self, name: &'static str, label: Words) -> Self {
        self.with(Input {
            name,
            label,
            kind: "checkbox",
            autocomplete: "off",
            value: String::new(),
        })
    }
    /// May be answered with a passkey instead, if there is a request for one.
    pub(crate) fn passkey(mut self, step: &'static str, request: Option<Value>) -> Self {
        self.passkey = request.map(|request| (step, request));
        self
    }
    fn with(mut self, input: Input) -> Self {
        self.inputs.push(input);
        self
    }
    pub(crate) fn button(mut self, step: &'static str, label: Words) -> Self {
        self.buttons.push((step, label, ""));
        self
    }
    pub(crate) fn main_button(mut self, step: &'static str, label: Words) -> Self {
        self.buttons.push((step, label, "p"));
        self
    }
    /// Looks like a link.
    pub(crate) fn text_button(mut self, step: &'static str, label: Words) -> Self {
        self.buttons.push((step, label, "t"));
        self
    }
}

/// Sends the browser elsewhere, with what it keeps from now on.
pub(crate) fn see_other(location: &str, cookies: &[String]) -> Response {
    let Ok(location) = HeaderValue::from_str(location) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let fields = [
        (header::LOCATION, location),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    ];
    let mut response = (StatusCode::SEE_OTHER, fields).into_response();
    for cookie in cookies {
        if let Ok(cookie) = HeaderValue::from_str(cookie) {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_enter_key_goes_on_and_not_elsewhere() {
        let form = Form::default()
            .text_button("switch", Words::OtherAccount)
            .input("code", Words::Code, "one-time-code")
            .button("deny", Words::OtherAccount)
            .main_button("code", Words::Continue);
        let page = Page::new(Language::English, "Sign in").form("/x", &Fields::default(), &form);
        let place = |step: &str| page.body.find(&format!("value=\"{step}\"")).unwrap();
        assert!(
            place("code") < place("switch") && place("code") < place("deny"),
            "{}",
            page.body
        );
    }
}
