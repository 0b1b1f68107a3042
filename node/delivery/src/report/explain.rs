//! Status codes in plain words: what happened and what the sender can do.

use super::Status;

/// A status for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Explanation {
    /// What happened.
    pub reason: &'static str,
    /// What to do about it.
    pub advice: &'static str,
}

const fn say(reason: &'static str, advice: &'static str) -> Explanation {
    Explanation { reason, advice }
}

/// Explains `status` (RFC 3463 §3, and the registry it began).
#[must_use]
pub fn explain(status: Status) -> Explanation {
    match (status.1, status.2) {
        (1, 0 | 1 | 6) => say(
            "There is no mailbox with this address.",
            "Check the spelling, or ask the recipient for the current address, and send again.",
        ),
        (1, 2) => say(
            "The part of the address after the @ does not exist or cannot receive mail.",
            "Check the spelling of the domain.",
        ),
        (1, 10) => say(
            "The domain of this address accepts no mail at all.",
            "Ask the recipient for another address.",
        ),
        (1, 3) => say(
            "The address is not written correctly.",
            "Correct the address and send again.",
        ),
        (1, 7 | 8) => say(
            "The recipient's server does not accept your address as a sender.",
            "Ask your administrator to check the settings of your mail domain.",
        ),
        (2, 1) => say(
            "The mailbox has been switched off.",
            "Reach the recipient in another way, or ask for another address.",
        ),
        (2, 2) => say(
            "The recipient's mailbox is full.",
            "Tell the recipient in another way, and send again later.",
        ),
        (2, 3) | (3, 4) => say(
            "The message is larger than the recipient's server accepts.",
            "Make attachments smaller, or share them with a link, and send again.",
        ),
        (2, 4) => say(
            "The mailing list could not be expanded.",
            "Ask the owner of the list to check it.",
        ),
        (3, 1) => say("The recipient's server has no space left.", "Send again later."),
        (4, 1 | 2 | 5) => say(
            "The recipient's server could not be reached or broke off the connection.",
            "Nothing is wrong with your message. Send again later, or reach the recipient in another way.",
        ),
        (4, 3 | 4) => say(
            "The recipient's server could not be found in the domain name system.",
            "Check the spelling of the domain; if it is right, send again later.",
        ),
        (4, 6) => say(
            "The message went round in circles between servers.",
            "Tell your administrator or the recipient: a forwarding somewhere leads back to itself.",
        ),
        (4, 7) => say(
            "The message could not be delivered in the time allowed.",
            "Send again later, or reach the recipient in another way.",
        ),
        (6, 7..=9) => say(
            "The recipient's server cannot handle addresses with international characters.",
            "Use an address in plain letters for yourself and the recipient, if there is one.",
        ),
        (6, _) => say(
            "The recipient's server cannot handle the form of this message.",
            "Send it as plain text, or share attachments with a link.",
        ),
        (7, 10 | 11) => say(
            "No sufficiently protected connection to the recipient's server was possible.",
            "Ask your administrator; the recipient's server may be set up wrongly.",
        ),
        (7, _) => say(
            "The recipient's server refused the message by its rules.",
            "Look at the answer of the server below. If you think the refusal is a mistake, ask your administrator or the recipient.",
        ),
        _ if status.0 == 4 => say(
            "The recipient's server could not take the message for the time being.",
            "Send again later, or reach the recipient in another way.",
        ),
        _ => say(
            "The recipient's server refused the message.",
            "Look at the answer of the server below, or ask your administrator.",
        ),
    }
}
