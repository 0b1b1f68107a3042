//! GetItemEstimate: how many changes Sync would bring ([MS-ASCMD] §2.2.1.9).

use crate::body::flag;
use crate::command::sync::SyncOptions;
use crate::command::{number, required, root};
use crate::page::{air_sync, get_item_estimate as page};
use crate::status::statuses;
use crate::{CommandError, Element, ProtocolVersion};

statuses! {
    /// [MS-ASCMD] §2.2.3.177.7.
    EstimateStatus {
        /// All is well.
        Success = 1,
        /// There is no such folder.
        InvalidCollection = 2,
        /// The device has not begun with this folder.
        NotPrimed = 3,
        /// The key is not the last one.
        InvalidSyncKey = 4,
    }
}

/// What is asked of one folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EstimateCollection {
    /// What the device was given last for this folder.
    pub sync_key: String,
    /// Which folder.
    pub collection_id: String,
    /// Whether whole conversations are wanted.
    pub conversation_mode: Option<bool>,
    /// How items are wanted; empty: as last said to Sync.
    pub options: Vec<SyncOptions>,
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GetItemEstimateRequest {
    /// Of these folders.
    pub collections: Vec<EstimateCollection>,
}

impl GetItemEstimateRequest {
    /// Reads it.
    ///
    /// # Errors
    /// It is none: 103, 4 for an option, or 101 for another command's.
    pub fn read(body: &Element, _version: ProtocolVersion) -> Result<Self, CommandError> {
        root(body, page::GET_ITEM_ESTIMATE)?;
        let missing = CommandError::invalid("GetItemEstimate has no folder, or one without key or identifier");
        let collections = body.children(page::COLLECTIONS);
        let collections = collections
            .flat_map(|list| list.children(page::COLLECTION))
            .map(|element| {
                let mode = element.has(air_sync::CONVERSATION_MODE);
                let options = element.children(air_sync::OPTIONS).map(SyncOptions::read);
                Ok(EstimateCollection {
                    sync_key: required(element, air_sync::SYNC_KEY, missing)?.to_owned(),
                    collection_id: required(element, page::COLLECTION_ID, missing)?.to_owned(),
                    conversation_mode: mode.then(|| flag(element, air_sync::CONVERSATION_MODE)),
                    options: options.collect::<Result<_, _>>()?,
                })
            });
        let collections: Vec<EstimateCollection> = collections.collect::<Result<_, _>>()?;
        if collections.is_empty() {
            return Err(missing);
        }
        Ok(Self { collections })
    }

    /// Writes it.
    #[must_use]
    pub fn write(&self) -> Element {
        let collections = self.collections.iter().map(|one| {
            Element::new(page::COLLECTION)
                .text(air_sync::SYNC_KEY, &one.sync_key)
                .text(page::COLLECTION_ID, &one.collection_id)
                .number_if(air_sync::CONVERSATION_MODE, one.conversation_mode.map(u8::from))
                .with_all(one.options.iter().map(SyncOptions::write))
        });
        let list = Element::new(page::COLLECTIONS).with_all(collections);
        Element::new(page::GET_ITEM_ESTIMATE).with(list)
    }
}

/// What is answered of one folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Estimate {
    /// Which folder.
    pub collection_id: String,
    /// How many changes, or why that is not known.
    pub outcome: Result<u32, EstimateStatus>,
}

/// What is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GetItemEstimateResponse {
    /// Of each folder.
    pub estimates: Vec<Estimate>,
}

impl GetItemEstimateResponse {
    /// Writes it.
    #[must_use]
    pub fn write(&self) -> Element {
        let estimates = self.estimates.iter().map(|one| {
            let status = one.outcome.err().unwrap_or(EstimateStatus::Success);
            let collection = Element::new(page::COLLECTION)
                .text(page::COLLECTION_ID, &one.collection_id)
                .number_if(page::ESTIMATE, one.outcome.ok());
            Element::new(page::RESPONSE)
                .number(page::STATUS, status.number())
                .with(collection)
        });
        Element::new(page::GET_ITEM_ESTIMATE).with_all(estimates)
    }

    /// Reads it.
    ///
    /// # Errors
    /// It is none.
    pub fn read(body: &Element) -> Result<Self, CommandError> {
        root(body, page::GET_ITEM_ESTIMATE)?;
        let wrong = CommandError::invalid("GetItemEstimate answers without status, folder or number");
        let estimates = body.children(page::RESPONSE).map(|element| {
            let collection = element.child(page::COLLECTION).ok_or(wrong)?;
            let status = number(element, page::STATUS, wrong)?.and_then(EstimateStatus::from_number);
            Ok(Estimate {
                collection_id: required(collection, page::COLLECTION_ID, wrong)?.to_owned(),
                outcome: match status.ok_or(wrong)? {
                    EstimateStatus::Success => Ok(number(collection, page::ESTIMATE, wrong)?.ok_or(wrong)?),
                    refused => Err(refused),
                },
            })
        });
        Ok(Self {
            estimates: estimates.collect::<Result<_, _>>()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::testing::{octets, tree};

    #[test]
    fn acc_4_both_ways() {
        let mut request = GetItemEstimateRequest {
            collections: vec![EstimateCollection {
                sync_key: "3".to_owned(),
                collection_id: "5".to_owned(),
                conversation_mode: None,
                options: Vec::new(),
            }],
        };
        let golden =
            b"\x03\x01\x6a\x00\x00\x06\x45\x47\x48\x00\x00\x4b\x033\x00\x01\x00\x06\x4a\x035\x00\x01\x01\x01\x01";
        assert_eq!(octets(&request.write()), golden);
        let read = |body: &Element| GetItemEstimateRequest::read(body, ProtocolVersion::V14_1);
        assert_eq!(read(&tree(golden)).as_ref(), Ok(&request));
        request.collections[0].conversation_mode = Some(true);
        request.collections[0].options.push(SyncOptions::default());
        assert_eq!(read(&request.write()), Ok(request));
        assert_eq!(read(&Element::new(page::GET_ITEM_ESTIMATE)).unwrap_err().status, 103);
        let estimate = |outcome| Estimate {
            collection_id: "5".to_owned(),
            outcome,
        };
        let response = GetItemEstimateResponse {
            estimates: vec![estimate(Ok(12)), estimate(Err(EstimateStatus::NotPrimed))],
        };
        let golden =
            b"\x03\x01\x6a\x00\x00\x06\x45\x4d\x4e\x031\x00\x01\x48\x4a\x035\x00\x01\x4c\x0312\x00\x01\x01\x01\
            \x4d\x4e\x033\x00\x01\x48\x4a\x035\x00\x01\x01\x01\x01";
        assert_eq!(octets(&response.write()), golden);
        assert_eq!(GetItemEstimateResponse::read(&tree(golden)), Ok(response));
    }
}
