//! Text messages to phones.

use crate::section::section;

section! {
    /// The SMS gateway: codes to phones, for signing in, as the second factor, for forgotten passwords. Without it, what needs it is not
    /// offered. In `url`, `body` and `text` these are put in: `{number}` (+8613800138000), `{digits}` (8613800138000), `{code}`, `{minutes}`;
    /// in `url` and `body` also `{text}`. It brings invitations to members who are still to come, too, where it has words for them:
    /// `invitation_body`, or a `body` with the `{text}` and without the `{code}`.
    Sms = "sms" {
        /// Where messages are posted to. Empty: there is no gateway.
        url: String = String::new(), "", "a URL of https; of http in `networks`", "restart";
        /// Fields of the header, such as a token.
        headers: Vec<String> = Vec::new(), "", "`Name: value`", "restart";
        /// What is posted. Empty: nothing, the URL is asked with GET.
        body: String = "{\"number\":\"{number}\",\"text\":\"{text}\"}".to_owned(), "", "a text", "restart";
        /// What the body is: values are put into `application/json` and `application/x-www-form-urlencoded` as those need it.
        content_type: String = "application/json".to_owned(), "", "a media type", "restart";
        /// What a message says. Empty: the code in Chinese and English.
        text: String = String::new(), "", "a text with {code}", "restart";
        /// What is posted to bring an invitation, with `{number}`, `{digits}`, `{link}`, `{address}`, `{organisation}`, `{text}`. Empty: the
        /// `body`, if that has no `{code}`.
        invitation_body: String = String::new(), "", "a text", "restart";
        /// What an invitation says. Empty: the address and the link in Chinese and English.
        invitation_text: String = String::new(), "", "a text with {link}", "restart";
        /// What the gateway's answer contains when it took the message, besides a status of success. Empty: nothing.
        taken: String = String::new(), "", "a text", "restart";
        /// Internal networks in which the gateway may be, also without TLS.
        networks: Vec<String> = Vec::new(), "", "addresses, networks or ranges", "restart";
        /// File with certificates (PEM) of authorities that it may be certified by, besides the public ones. Empty: none.
        roots: String = String::new(), "", "a path", "restart";
        /// How long it may take to answer.
        answer_secs_max: u64 = 10, "seconds", "1 to 60", "restart";
    }
}
