//! What a new password must be (AUTH-9).
//!
//! A password is common when it is one of a list, or one with digits and signs put before or behind and letters written as
//! look-alikes: what people do to make a common password pass.

use hongyan_types::Address;

use crate::AccessOptions;

/// One a line, in lower case and in order.
const COMMON: &str = include_str!("common_passwords.txt");
/// Account data shorter than this may be part of a password.
const DATA_CHARACTERS_MIN: usize = 4;

/// What is known of the account that gets the password.
#[derive(Debug, Clone, Copy)]
pub struct PasswordOwner<'a> {
    /// Its main address.
    pub address: &'a Address,
    /// Its other addresses.
    pub aliases: &'a [Address],
    /// The person's name.
    pub display_name: &'a str,
}

/// A rule for passwords.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PasswordRule {
    /// Too few characters.
    TooShort,
    /// Too many.
    TooLong,
    /// Spaces or control characters.
    Space,
    /// Not all of upper case, lower case and digits.
    Mixed,
    /// Something of the account's name or address.
    OfAccount,
    /// One that everybody tries first.
    Common,
}

impl PasswordRule {
    const ALL: [Self; 6] = [
        Self::TooShort,
        Self::TooLong,
        Self::Space,
        Self::Mixed,
        Self::OfAccount,
        Self::Common,
    ];

    /// Its name.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::TooShort => "too-short",
            Self::TooLong => "too-long",
            Self::Space => "space",
            Self::Mixed => "mixed",
            Self::OfAccount => "of-account",
            Self::Common => "common",
        }
    }
}

/// What is asked of passwords here, for whoever tells people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PasswordRules {
    /// Fewest characters.
    pub characters_min: usize,
    /// Most.
    pub characters_max: usize,
    /// Whether upper case, lower case and digits have to be there.
    pub mixed: bool,
}

impl PasswordRules {
    pub(crate) fn of(options: &AccessOptions) -> Self {
        Self {
            characters_min: options.password_characters_min,
            characters_max: options.password_characters_max,
            mixed: options.password_mixed,
        }
    }

    /// Those that people are told before they choose one; how long it may be at most is said to whoever goes beyond.
    pub fn told(&self) -> impl Iterator<Item = PasswordRule> {
        let mixed = self.mixed.then_some(PasswordRule::Mixed);
        let before = [PasswordRule::TooShort].into_iter().chain(mixed);
        before.chain([PasswordRule::Space, PasswordRule::OfAccount, PasswordRule::Common])
    }

    /// A rule in words.
    pub(crate) fn say(&self, rule: PasswordRule) -> String {
        match rule {
            PasswordRule::TooShort => format!("a password has at least {} characters", self.characters_min),
            PasswordRule::TooLong => format!("a password has at most {} characters", self.characters_max),
            PasswordRule::Space => "a password has no spaces".to_owned(),
            PasswordRule::Mixed => "a password has upper and lower case letters and digits".to_owned(),
            PasswordRule::OfAccount => "a password has nothing of the account's name or address in it".to_owned(),
            PasswordRule::Common => "the password is one of those that everybody tries first".to_owned(),
        }
    }

    /// The rules that `password` breaks, the plainest first; looked at only as far as asked, for some are work.
    pub(crate) fn broken<'p>(
        self,
        owner: &'p PasswordOwner<'_>,
        password: &'p str,
    ) -> impl Iterator<Item = PasswordRule> + 'p {
        let all = PasswordRule::ALL.into_iter();
        all.filter(move |rule| self.is_broken(*rule, owner, password))
    }

    fn is_broken(self, rule: PasswordRule, owner: &PasswordOwner<'_>, password: &str) -> bool {
        match rule {
            PasswordRule::TooShort => password.chars().count() < self.characters_min,
            PasswordRule::TooLong => password.chars().count() > self.characters_max,
            PasswordRule::Space => has(password, char::is_whitespace) || has(password, char::is_control),
            PasswordRule::Mixed => self.mixed && !is_mixed(password),
            PasswordRule::OfAccount => has_account_data(owner, password),
            PasswordRule::Common => is_common(password),
        }
    }
}

fn has(password: &str, is: fn(char) -> bool) -> bool {
    password.chars().any(is)
}

fn is_mixed(password: &str) -> bool {
    has(password, char::is_uppercase) && has(password, char::is_lowercase) && has(password, |c| c.is_numeric())
}

/// The first rule that `password` breaks, in words.
pub(crate) fn broken(options: &AccessOptions, owner: &PasswordOwner<'_>, password: &str) -> Option<String> {
    let rules = PasswordRules::of(options);
    rules.broken(owner, password).next().map(|rule| rules.say(rule))
}

fn has_account_data(owner: &PasswordOwner<'_>, password: &str) -> bool {
    let password = password.to_lowercase();
    let addresses = std::iter::once(owner.address).chain(owner.aliases);
    let of_addresses = addresses.flat_map(|address| {
        let domain = address.domain.to_unicode();
        let label = domain.split('.').next().unwrap_or_default().to_owned();
        [address.local.key(), label]
    });
    let of_name = owner.display_name.split_whitespace().map(str::to_lowercase);
    of_addresses
        .chain(of_name)
        .flat_map(|data| {
            let words: Vec<_> = data.split(['.', '-', '_', '+']).map(str::to_owned).collect();
            std::iter::once(data).chain(words)
        })
        // Two Chinese characters are a name; four Latin letters at least.
        .filter(|data| data.chars().count() >= if data.is_ascii() { DATA_CHARACTERS_MIN } else { 2 })
        .any(|data| password.contains(&data))
}

fn is_common(password: &str) -> bool {
    let lower = password.to_lowercase();
    let outside = |c: char| !c.is_alphabetic();
    let plain: String = lower.chars().map(letter).collect();
    let mut forms = vec![lower.as_str(), plain.as_str()];
    // Digits and signs around it may be letters in disguise, or just around it.
    forms.extend([lower.trim_matches(outside), plain.trim_matches(outside)]);
    forms.push(lower.trim_end_matches(outside));
    let plain_core: String = lower.trim_end_matches(outside).chars().map(letter).collect();
    forms.push(plain_core.trim_start_matches(outside));
    forms.iter().any(|form| is_listed(form)) || is_run(&lower)
}

fn is_listed(text: &str) -> bool {
    !text.is_empty() && COMMON.lines().any(|common| common == text)
}

/// Three different characters or fewer, or neighbours all the way: `aaa111AAA`, `Abcd1234`.
fn is_run(text: &str) -> bool {
    let mut different: Vec<char> = text.chars().collect();
    let steps = different.windows(2).filter(|pair| match pair {
        [a, b] => u32::from(*a).abs_diff(u32::from(*b)) <= 1,
        _ => false,
    });
    let neighbours = steps.count();
    let count = different.len();
    different.sort_unstable();
    different.dedup();
    different.len() <= 3 || neighbours + 2 >= count
}

/// The letter a sign stands for.
fn letter(sign: char) -> char {
    match sign {
        '0' => 'o',
        '1' | '!' => 'i',
        '3' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '7' => 't',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(password: &str, expect: Option<&str>) {
        let address = Address::try_from("anna.berger@example.test").unwrap();
        let aliases = [Address::try_from("chef@firma.test").unwrap()];
        let owner = PasswordOwner {
            address: &address,
            aliases: &aliases,
            display_name: "Anna Berger 王芳",
        };
        let found = broken(&AccessOptions::default(), &owner, password);
        match expect {
            Some(expect) => assert!(
                found.as_deref().is_some_and(|text| text.contains(expect)),
                "{password}: {found:?}"
            ),
            None => assert_eq!(found, None, "{password}"),
        }
    }

    #[test]
    fn auth_9_good_passwords() {
        for good in [
            "Tr0ut-under-Ice",
            "wEiQ7rmz",
            "鸿雁Gz8传书Kx",
            "x9!Kw$2pLm",
            "Blue7Lamp-sings",
        ] {
            check(good, None);
        }
    }

    #[test]
    fn auth_9_length_signs_and_spaces() {
        check("aB3xyzq", Some("at least 8"));
        check(&"aB3xyzq!".repeat(5), Some("at most 32"));
        check("two Words 7", Some("no spaces"));
        check("tab\tTab77", Some("no spaces"));
        check("lowercase7only", Some("upper and lower"));
        check("NoDigitsHere", Some("upper and lower"));
        check("UPPER7ONLY", Some("upper and lower"));
    }

    #[test]
    fn auth_9_no_account_data() {
        for bad in [
            "xAnna77xyz",
            "Berger2026x",
            "Anna.Berger1",
            "7ExampleX!",
            "MyFirma2026",
            "K7x王芳Kx9w",
            "chefX7wq!",
        ] {
            check(bad, Some("account's name"));
        }
    }

    #[test]
    fn auth_9_not_what_everybody_tries() {
        for bad in [
            "Password1",
            "P@ssw0rd",
            "Passw0rd!2026",
            "2026Welcome",
            "Qwerty123",
            "Admin12345",
            "Woaini1314",
            "Aa123456",
            "1Qaz2wsx",
            "Abcd1234",
            "aaa111AAA",
            "Iloveyou7!",
            "5un5h1ne9X".trim_end_matches('X'),
        ] {
            let found = is_common(bad);
            assert!(found, "{bad}");
        }
    }

    #[test]
    fn the_list_is_in_order() {
        assert!(COMMON.lines().is_sorted());
        assert!(
            COMMON
                .lines()
                .all(|line| !line.is_empty() && line == line.to_lowercase())
        );
    }
}
