//! What is kept with a web session of those who were told of it: by which names they know the member and the session.

use hongyan_access::{Participant, SessionFilter, SessionId, WebSession};
use hongyan_openid::OpenIdError;
use hongyan_types::TenantId;
use minicbor::{Decode, Encode};

use super::NameIdentifier;
use crate::application::{Application, NameId};
use crate::{Saml, SamlError};

/// What the provider that began a session is called among its participants; applications follow `APPLICATION`.
const PROVIDER: &str = "saml provider";
const APPLICATION: &str = "saml application ";

/// Who took part in a session, and what they were told.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Party {
    /// The application; without it, it is the organisation's provider.
    #[n(0)]
    pub(crate) application: Option<String>,
    /// The hash of who that is, in its own words.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub(crate) entity: [u8; 32],
    /// How it knows the member. Who gave an application that name, and to whom, is known.
    #[n(2)]
    pub(crate) name: NameIdentifier,
    /// How it knows the session.
    #[n(3)]
    pub(crate) index: Option<String>,
}

pub(crate) fn entity(entity_id: &str) -> [u8; 32] {
    *blake3::hash(entity_id.as_bytes()).as_bytes()
}

impl Party {
    fn participant(&self) -> Participant {
        let name = match &self.application {
            Some(id) => format!("{APPLICATION}{id}"),
            None => PROVIDER.to_owned(),
        };
        Participant {
            name,
            // Nothing in it can fail to be written.
            note: minicbor::to_vec(self).unwrap_or_default(),
            began: self.application.is_none(),
        }
    }

    /// Those of other kinds are left to whoever has them kept.
    fn of(participant: &Participant) -> Option<Self> {
        let is_ours = participant.name == PROVIDER || participant.name.starts_with(APPLICATION);
        is_ours.then(|| minicbor::decode(&participant.note).ok()).flatten()
    }
}

impl Saml {
    /// How an application was told a member's name, in full.
    pub(crate) fn full_name(
        &self,
        tenant: TenantId,
        application: &Application,
        name: &NameIdentifier,
    ) -> NameIdentifier {
        let is_email = name.format.as_deref() == Some(NameId::Email.format());
        NameIdentifier {
            qualifier: (!is_email).then(|| self.places(tenant).entity_id),
            sp_qualifier: (!is_email).then(|| application.entity_id.clone()),
            ..name.clone()
        }
    }

    /// Keeps with a session that somebody was told of it.
    pub(crate) async fn note_party(&self, session: SessionId, party: &Party) -> Result<(), SamlError> {
        let max = self.0.options.session_applications_max;
        let access = self.0.openid.access();
        let kept = access.keep_participant(session, party.participant(), max).await;
        Ok(kept.map_err(OpenIdError::from)?)
    }

    /// Who was told of each of these sessions.
    pub(crate) async fn parties(&self, filter: SessionFilter) -> Result<Vec<(SessionId, Vec<Party>)>, SamlError> {
        let found = self.0.openid.access().web_participants(filter).await;
        let found = found.map_err(OpenIdError::from)?.into_iter();
        let all = found.map(|(session, all)| (session, all.iter().filter_map(Party::of).collect::<Vec<_>>()));
        Ok(all.collect())
    }

    /// Who was told of a session: asked before it ends, for with it that is forgotten.
    ///
    /// # Errors
    /// `SignIn`: the store's.
    pub async fn session_parties(&self, session: &WebSession) -> Result<Vec<Party>, SamlError> {
        let found = self.parties(SessionFilter::One(session.id)).await?;
        Ok(found.into_iter().flat_map(|(_, parties)| parties).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn golden_bytes() {
        let party = Party {
            application: Some("app".to_owned()),
            entity: [0xAA; 32],
            name: NameIdentifier {
                value: "n".to_owned(),
                format: Some("f".to_owned()),
                ..NameIdentifier::default()
            },
            index: Some("i".to_owned()),
        };
        let participant = party.participant();
        let hex: String = participant.note.iter().map(|octet| format!("{octet:02x}")).collect();
        let expect = format!("84 63617070 5820{} 82 616e 6166 6169", "aa".repeat(32));
        assert_eq!(hex, expect.replace(' ', ""));
        assert_eq!(
            (participant.name.as_str(), participant.began),
            ("saml application app", false)
        );
        assert_eq!(Party::of(&participant), Some(party.clone()));
        let provider = Party {
            application: None,
            index: None,
            ..party
        };
        let participant = provider.participant();
        assert_eq!((participant.name.as_str(), participant.began), (PROVIDER, true));
        assert_eq!(Party::of(&participant), Some(provider));
        let other = Participant {
            name: "other".to_owned(),
            ..participant
        };
        assert_eq!(Party::of(&other), None);
    }
}
