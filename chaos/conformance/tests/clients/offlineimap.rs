//! offlineimap: mirrors INBOX, and a folder that exists only here; a second run finds nothing to do.

use anyhow::Result;

use crate::maildir;
use crate::place::Client;

const OFFLINEIMAP: Client = Client {
    commands: &["offlineimap"],
    // Its mark of an upload.
    adds: &["X-OfflineIMAP"],
};

const CONFIG: &str = "[general]\naccounts = test\nmetadata = HOME/meta\nui = quiet\n\n[Account test]\nlocalrepository = here\n\
    remoterepository = node\n\n[Repository here]\ntype = Maildir\nlocalfolders = HOME/here\n\n\
    [Repository node]\ntype = IMAP\nremotehost = 127.0.0.1\nremoteport = PORT143\nremoteuser = USER\n\
    remotepass = PASSWORD\nssl = no\nstarttls = no\nauth_mechanisms = LOGIN\n\
    folderfilter = lambda name: name in ('INBOX', 'Pushed')\n";

#[test]
fn offlineimap_mirrors_both_ways() -> Result<()> {
    OFFLINEIMAP.test(|place| {
        place.fill_inbox()?;
        maildir::fill(place, "here/Pushed")?;
        place.configure("offlineimaprc", CONFIG)?;
        for _ in 0..2 {
            place.run("offlineimap", &["-o", "-c", "offlineimaprc"], b"")?;
            for folder in ["INBOX", "Pushed"] {
                maildir::check(place, &format!("here/{folder}"))?;
                place.check_folder(folder)?;
            }
        }
        Ok(())
    })
}
