//! What an asker on another node has of a folder already, so that a reply needs to tell only what came since.

use hongyan_types::{ModSeq, UidValidity};

use crate::{FolderId, FolderView};

/// What an asker has of a folder. Only how far it has come leaves the node.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// How far the view has come.
    pub(crate) mark: Option<Mark>,
    /// The view itself, on the asker's node.
    pub(crate) view: Option<FolderView>,
}

/// How far a view has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) folder: FolderId,
    pub(crate) uid_validity: UidValidity,
    /// It has all commits up to this one.
    pub(crate) as_of: ModSeq,
    /// Keywords whose names it has: they only become more.
    pub(crate) keywords: usize,
}

impl From<&FolderView> for Known {
    fn from(view: &FolderView) -> Self {
        Self {
            mark: Some(Mark {
                folder: view.folder,
                uid_validity: view.uid_validity,
                as_of: view.as_of,
                keywords: view.keywords.len(),
            }),
            view: Some(view.clone()),
        }
    }
}

impl Mark {
    /// Whether it is one of an earlier moment of the folder that `view` shows.
    pub(crate) fn is_before(&self, view: &FolderView) -> bool {
        (self.folder, self.uid_validity) == (view.folder, view.uid_validity)
            && self.as_of <= view.as_of
            && self.keywords <= view.keywords.len()
    }
}
