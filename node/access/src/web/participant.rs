//! Who was told of a web session and is to hear of its end: applications that its owner goes to with it, and the provider that began
//! it. What is kept of them with the session is for whoever has it kept (`node/saml`), and gone with the session.

use hongyan_directory::Error;
use hongyan_kv::Transaction;

use super::record::{self, ParticipantRecord, SessionRecord, TokenHash};
use crate::{Access, AccessError, SessionFilter, SessionId};

/// Sessions looked at for their participants.
const SESSIONS_MAX: usize = 500;

/// Somebody who was told of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Participant {
    /// Names it among those of the session.
    pub name: String,
    /// What it was told.
    pub note: Vec<u8>,
    /// Whether it began the session: then it is never forgotten for another.
    pub began: bool,
}

impl SessionRecord {
    /// Keeps one in place of another of that name; beyond `max` of those that did not begin it, those told longest ago are forgotten.
    fn keep(&mut self, participant: Participant, max: usize) {
        let all = self.participants.get_or_insert_default();
        all.retain(|known| known.name != participant.name);
        all.push(ParticipantRecord {
            name: participant.name,
            note: participant.note,
            began: participant.began,
        });
        let mut surplus = all
            .iter()
            .filter(|known| !known.began)
            .count()
            .saturating_sub(max.max(1));
        all.retain(|known| {
            let is_surplus = surplus > 0 && !known.began;
            surplus -= usize::from(is_surplus);
            !is_surplus
        });
    }

    fn participants(self) -> Vec<Participant> {
        let all = self.participants.unwrap_or_default().into_iter();
        let shown = all.map(|known| Participant {
            name: known.name,
            note: known.note,
            began: known.began,
        });
        shown.collect()
    }
}

impl Access {
    /// Keeps with a session that somebody was told of it, in place of what was kept under the same name. Of more than `max` that did
    /// not begin it, the one that was told longest ago is forgotten.
    ///
    /// # Errors
    /// `NotSignedIn` when the session is over; `Directory`.
    pub async fn keep_participant(
        &self,
        session: SessionId,
        participant: Participant,
        max: usize,
    ) -> Result<(), AccessError> {
        let keep = async move |transaction: &mut Transaction| {
            let hash = transaction.get(&record::session_id_key(session.0)).await?;
            let Some(hash) = hash.and_then(|hash| TokenHash::try_from(&hash[..]).ok()) else {
                return Ok(false);
            };
            let Some(stored) = transaction.get(&record::session_key(&hash)).await? else {
                return Ok(false);
            };
            let mut kept = record::decode_session(&stored)?;
            kept.keep(participant.clone(), max);
            record::write(transaction, &hash, &kept);
            Ok::<_, hongyan_kv::Error>(true)
        };
        match self.0.database.run(keep).await.map_err(Error::from)? {
            true => Ok(()),
            false => Err(AccessError::NotSignedIn),
        }
    }

    /// Who was told of the sessions of `filter`, of at most 500 of them, those told longest ago first.
    ///
    /// # Errors
    /// `Directory`.
    pub async fn web_participants(
        &self,
        filter: SessionFilter,
    ) -> Result<Vec<(SessionId, Vec<Participant>)>, AccessError> {
        let sessions = self.stored_sessions(filter, None, SESSIONS_MAX).await?.into_iter();
        let told = sessions.map(|(_, record)| (SessionId(record.id), record.participants()));
        Ok(told.collect())
    }
}
