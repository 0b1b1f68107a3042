//! mbsync (isync): pushes a Maildir into a folder that it makes, pulls it into another, and then finds nothing to do.

use std::fs;

use anyhow::Result;

use crate::maildir;
use crate::place::Client;

const MBSYNC: Client = Client {
    commands: &["mbsync"],
    // Its mark of an upload.
    adds: &["X-TUID"],
};

const CONFIG: &str = "IMAPStore node\nHost 127.0.0.1\nPort PORT143\nUser USER\nPass PASSWORD\nSSLType None\nAuthMechs LOGIN\n\n\
    MaildirStore here\nPath HOME/here/\n\nMaildirStore there\nPath HOME/there/\n\n\
    Channel push\nFar :node:\nNear :here:\nPatterns Pushed\nCreate Far\nSync Push\nSyncState *\n\n\
    Channel pull\nFar :node:\nNear :there:\nPatterns Pushed\nCreate Near\nSync Pull\nSyncState *\n";

#[test]
fn mbsync_pushes_and_pulls() -> Result<()> {
    MBSYNC.test(|place| {
        maildir::fill(place, "here/Pushed")?;
        fs::create_dir(place.path("there"))?;
        place.configure("mbsyncrc", CONFIG)?;
        // The second run finds nothing to do.
        for _ in 0..2 {
            // One at a time: both together would list the folders before there is one to pull.
            for channel in ["push", "pull"] {
                place.run("mbsync", &["--config", "mbsyncrc", channel], b"")?;
            }
            place.check_folder("Pushed")?;
            maildir::check(place, "there/Pushed")?;
        }
        Ok(())
    })
}
