//! Terms that a member accepts before first use, and again when there are new ones (AUTH-29). They hold for the web client; mail
//! clients with app passwords go on.

use std::net::IpAddr;

use hongyan_directory::{AcceptedTerms, FactorsChange, TermsVersion};
use hongyan_types::Timestamp;

use super::{Stage, WebSession};
use crate::permission::Actor;
use crate::{Access, AccessError};

/// Terms that are asked for, as a member sees them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskedTerms {
    /// Which.
    pub version: TermsVersion,
    /// In English; may be empty.
    pub english: String,
    /// In Chinese; may be empty.
    pub chinese: String,
    /// When this member accepted them.
    pub accepted: Option<Timestamp>,
}

impl Access {
    /// The terms that hold for whoever uses `token`.
    ///
    /// # Errors
    /// `NotSignedIn`, `Unfinished` before the second factor, `Directory`.
    pub async fn web_terms(&self, token: &str, peer: IpAddr) -> Result<Vec<AskedTerms>, AccessError> {
        let found = self.find_session(token, peer).await?;
        if found.view(self.now()).stage == Stage::SecondFactor {
            return Err(AccessError::Unfinished(Stage::SecondFactor));
        }
        let mut asked = Vec::new();
        for version in found.login.terms.iter() {
            let terms = self.0.directory.terms(version.of).await?;
            let is_it = |known: &&AcceptedTerms| known.of == version.of && known.version == terms.version;
            let accepted = found.login.factors.accepted.iter().find(is_it);
            asked.push(AskedTerms {
                version: TermsVersion {
                    version: terms.version,
                    ..*version
                },
                english: terms.english,
                chinese: terms.chinese,
                accepted: accepted.map(|known| known.at),
            });
        }
        Ok(asked)
    }

    /// Accepts terms for whoever uses `token`.
    ///
    /// # Errors
    /// As [`Access::web_terms`]; `Directory`: `Refused` when they are not the present ones.
    pub async fn web_accept_terms(
        &self,
        token: &str,
        versions: &[TermsVersion],
        peer: IpAddr,
    ) -> Result<WebSession, AccessError> {
        let found = self.find_session(token, peer).await?;
        if found.view(self.now()).stage == Stage::SecondFactor {
            return Err(AccessError::Unfinished(Stage::SecondFactor));
        }
        let author = Actor::member(&found.login.account, Some(peer), None).author();
        let directory = self.0.directory.acting(author, None);
        for version in versions {
            let accepted = AcceptedTerms {
                of: version.of,
                version: version.version,
                at: self.now(),
            };
            let accept = FactorsChange::AcceptTerms(accepted);
            directory.change_factors(found.login.id(), &accept).await?;
        }
        self.web_session(token, peer).await
    }
}
