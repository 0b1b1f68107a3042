//! JMAP over HTTP, as clients see it.

mod agreement;
mod begun_replies;
mod clean_up;
mod folder_shares;
mod histories;
mod http;
mod limits;
mod person;
mod principals;
mod push;
mod rights;
mod share_notifications;
mod shared;
mod socket;
mod sorting;
mod submission;
mod support;
mod transcript;
