//! A list of any length becomes a CSV file, page by page (STAT): each step writes a page and notes where the next begins, so a
//! task that moves to another node goes on there.

use hongyan_directory::Error;
use minicbor::{Decode, Encode};

use crate::list::{ListAsked, ListError};
use crate::step::Steps;
use crate::store::PART_OCTETS_MAX;
use crate::{Job, Sheet, SheetFormat, TaskState, key};

/// A list into a file, and how far it is.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct ExportList {
    /// The list's name.
    #[n(0)]
    pub list: String,
    /// What narrows it, by name.
    #[n(1)]
    pub query: Vec<(String, String)>,
    /// Where the next page begins.
    #[n(2)]
    pub after: Option<String>,
    /// Parts that are written.
    #[n(3)]
    pub parts: u64,
}

impl Steps {
    /// Writes the next page.
    pub(crate) async fn export_list(&mut self, export: ExportList) -> Result<(), Error> {
        let asked = ListAsked {
            tenant: self.task().tenant,
            author: self.task().author.clone(),
            list: export.list.clone(),
            query: export.query.clone(),
            after: export.after.clone(),
        };
        let page = match self.lists().page(asked).await {
            Ok(page) => page,
            Err(ListError::Refused(words)) => return self.end(TaskState::Failed, &words).await,
            Err(ListError::Unavailable(words)) => {
                return Err(Error::Storage(hongyan_kv::Error::Unavailable(words)));
            }
        };
        let count = page.rows.len() as u64;
        let written = if export.parts == 0 {
            let rows = page.rows.into_iter().map(|cells| (0, cells)).collect();
            let sheet = Sheet { head: page.head, rows };
            sheet.write(SheetFormat::Csv)
        } else {
            Sheet::more_lines(&page.rows)
        };
        let octets = match written {
            Ok(octets) => octets,
            Err(error) => return self.end(TaskState::Failed, &error.to_string()).await,
        };
        let next = page.next;
        let is_last = next.is_none();
        self.commit(async |change, task| {
            let mut export = export.clone();
            for part in octets.chunks(PART_OCTETS_MAX) {
                change.set(key::outputs(task.id).int(export.parts).pack(), part.to_vec());
                export.parts += 1;
            }
            export.after.clone_from(&next);
            task.position += count;
            task.good += count;
            task.total = task.position;
            task.job = Job::ExportList(export);
            Ok(())
        })
        .await?;
        if is_last {
            return self.end(TaskState::Done, "").await;
        }
        Ok(())
    }
}
