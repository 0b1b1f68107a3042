//! The form of the page behind an invitation: what was typed stays, what is wrong stands under its field, and the rules of a
//! password are a list that is ticked off.

use std::fmt::Write;

use hongyan_access::{PasswordRule, PasswordRules};

use crate::form::Fields;
use crate::join_text::{JoinWords as Words, rule};
use crate::page::{Page, escape};
use crate::text::Language;

/// Ticks the rules off while one types.
const SCRIPT: &str = include_str!("join.js");

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Field {
    Name,
    Address,
    Mobile,
    PrivateAddress,
    Password,
}

impl Field {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Address => "address",
            Self::Mobile => "mobile",
            Self::PrivateAddress => "private_address",
            Self::Password => "password",
        }
    }
}

/// What a form is made of.
pub(crate) struct JoinForm<'f> {
    /// Behind the address that is typed.
    pub(crate) domain: String,
    /// The address of somebody who is there already.
    pub(crate) given: Option<String>,
    /// The name as it is known.
    pub(crate) name: String,
    /// What was typed before; the password is not shown again.
    pub(crate) typed: &'f Fields,
    /// What is wrong with a field.
    pub(crate) wrong: Option<(Field, String)>,
    pub(crate) rules: PasswordRules,
    /// Rules that the password typed breaks.
    pub(crate) broken: Vec<PasswordRule>,
    /// An administrator looks at it first.
    pub(crate) review: bool,
}

/// How an input is asked for.
struct Asked {
    field: Field,
    label: Words,
    /// The attributes that say what may be typed.
    attributes: &'static str,
    hint: Option<Words>,
    needed: bool,
}

impl JoinForm<'_> {
    /// The form at the end of a page.
    pub(crate) fn write(&self, page: Page, language: Language) -> Page {
        let mut html = String::from("<form method=\"post\" id=\"join\">");
        if let Some(given) = &self.given {
            let label = escape(Words::Address.say(language));
            let given = escape(given);
            let _ = write!(
                html,
                "<label for=\"given\">{label}</label>\
                 <input id=\"given\" value=\"{given}\" autocomplete=\"username\" readonly>"
            );
        }
        self.input(&mut html, language, &NAME);
        if self.given.is_none() {
            self.input(&mut html, language, &ADDRESS);
            self.input(&mut html, language, &MOBILE);
            self.input(&mut html, language, &PRIVATE_ADDRESS);
        }
        self.password(&mut html, language);
        if self.review && self.given.is_none() {
            let _ = write!(html, "<p class=\"m\">{}</p>", escape(Words::ReviewHint.say(language)));
        }
        let send = match (&self.given, self.review) {
            (Some(_), _) => Words::Open,
            (None, true) => Words::Apply,
            (None, false) => Words::Join,
        };
        let send = escape(send.say(language));
        let _ = write!(
            html,
            "<div class=\"r\"><button class=\"p\">{send}</button></div></form>"
        );
        page.markup(&html).script(SCRIPT)
    }

    fn value(&self, field: Field) -> &str {
        let typed = self.typed.value(field.name());
        match (typed, field) {
            (Some(typed), _) => typed,
            (None, Field::Name) => &self.name,
            (None, _) => "",
        }
    }

    /// What is wrong with a field, or what helps, and the attributes that tie it to the input.
    fn beside(&self, field: Field, hint: Option<Words>, language: Language) -> (String, String) {
        let name = field.name();
        let wrong = self.wrong.as_ref().filter(|(at, _)| *at == field);
        match (wrong, hint) {
            (Some((_, text)), _) => (
                format!(" aria-invalid=\"true\" aria-describedby=\"{name}-note\" autofocus"),
                format!(
                    "<p class=\"h e\" id=\"{name}-note\" role=\"alert\">{}</p>",
                    escape(text)
                ),
            ),
            (None, Some(hint)) => (
                format!(" aria-describedby=\"{name}-note\""),
                format!("<p class=\"h\" id=\"{name}-note\">{}</p>", escape(hint.say(language))),
            ),
            (None, None) => (String::new(), String::new()),
        }
    }

    fn input(&self, html: &mut String, language: Language, asked: &Asked) {
        let name = asked.field.name();
        let label = escape(asked.label.say(language));
        let optional = match asked.needed {
            true => String::new(),
            false => format!(" <span class=\"o\">{}</span>", escape(Words::Optional.say(language))),
        };
        let (ties, note) = self.beside(asked.field, asked.hint, language);
        let needed = if asked.needed { " required" } else { "" };
        let value = escape(self.value(asked.field));
        let attributes = asked.attributes;
        let input = format!("<input id=\"{name}\" name=\"{name}\" value=\"{value}\" {attributes}{needed}{ties}>");
        let input = match asked.field {
            Field::Address => {
                let domain = escape(&self.domain);
                format!("<div class=\"s\">{input}<span>@{domain}</span></div>")
            }
            _ => input,
        };
        let _ = write!(html, "<label for=\"{name}\">{label}{optional}</label>{input}{note}");
    }

    fn password(&self, html: &mut String, language: Language) {
        let (ties, note) = self.beside(Field::Password, None, language);
        let label = escape(Words::Password.say(language));
        let (show, hide) = (Words::Show.say(language), Words::Hide.say(language));
        let _ = write!(
            html,
            "<label for=\"password\">{label}</label><div class=\"s\">\
             <input id=\"password\" name=\"password\" type=\"password\" autocomplete=\"new-password\" required \
             maxlength=\"1024\" aria-controls=\"rules\"{ties}>\
             <button type=\"button\" class=\"t\" id=\"show\" data-hide=\"{}\" hidden>{}</button></div>{note}",
            escape(hide),
            escape(show)
        );
        let title = escape(Words::RulesTitle.say(language));
        let (min, max) = (self.rules.characters_min, self.rules.characters_max);
        let _ = write!(
            html,
            "<p class=\"h\">{title}</p><ul class=\"ticks\" id=\"rules\" data-min=\"{min}\" data-max=\"{max}\">"
        );
        for told in self.rules.told() {
            let class = if self.broken.contains(&told) {
                " class=\"no\""
            } else {
                ""
            };
            let text = escape(&rule(language, told, &self.rules));
            let _ = write!(html, "<li data-rule=\"{}\"{class}>{text}</li>", told.label());
        }
        html.push_str("</ul>");
    }
}

const NAME: Asked = Asked {
    field: Field::Name,
    label: Words::Name,
    attributes: "autocomplete=\"name\" maxlength=\"128\"",
    hint: None,
    needed: true,
};
const ADDRESS: Asked = Asked {
    field: Field::Address,
    label: Words::Address,
    attributes: "autocomplete=\"off\" autocapitalize=\"none\" spellcheck=\"false\" maxlength=\"64\"",
    hint: Some(Words::AddressHint),
    needed: true,
};
const MOBILE: Asked = Asked {
    field: Field::Mobile,
    label: Words::Mobile,
    attributes: "type=\"tel\" autocomplete=\"tel\" maxlength=\"32\"",
    hint: None,
    needed: false,
};
const PRIVATE_ADDRESS: Asked = Asked {
    field: Field::PrivateAddress,
    label: Words::PrivateAddress,
    attributes: "type=\"email\" autocomplete=\"email\" maxlength=\"254\"",
    hint: Some(Words::PrivateHint),
    needed: false,
};

/// What a page says before all else, by how it looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Note {
    Good,
    Waits,
    Bad,
}

impl Note {
    /// Its class and its sign.
    pub(crate) fn looks(self) -> (&'static str, &'static str) {
        match self {
            Self::Good => ("good", "\u{2713}"),
            Self::Waits => ("waits", "\u{2026}"),
            Self::Bad => ("bad", "!"),
        }
    }
}
