//! A device that asks: whose it is, what is known of it, and whether it is served.

use std::sync::Arc;

use hongyan_activesync::{Command, ProtocolVersion, RequestLine, Status};
use hongyan_directory::AccountRecord;
use hongyan_http_front::Caller;
use hongyan_mailbox::{
    Acting, Client, FolderId, FolderInfo, FolderRef, ListFolders, MailboxEntity, MailboxError, MailboxId, OpenFolder,
    OpenFolderReply,
};
use hongyan_router::Ask;
use hongyan_types::Uid;

use crate::answer::{Found, Stop};
use crate::devices;
use crate::record::{self, DeviceRecord, Wipe};
use crate::service::ActiveSync;

const HOUR_MILLIS: i64 = 3_600_000;
/// Longest text that is kept of what a device says of itself, in characters.
const SAID_MAX: usize = 128;

/// A request of a device.
pub(crate) struct Asking<'a> {
    pub(crate) service: &'a Arc<ActiveSync>,
    pub(crate) account: Arc<AccountRecord>,
    pub(crate) mailbox: MailboxId,
    pub(crate) read_only: bool,
    pub(crate) line: RequestLine,
    pub(crate) version: ProtocolVersion,
    pub(crate) device: DeviceRecord,
    /// The key of the policy that the device shows; 0 is none.
    key: u32,
}

/// What is kept of what a device says.
pub(crate) fn said(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(SAID_MAX).collect()
}

impl<'a> Asking<'a> {
    pub(crate) fn new(
        service: &'a Arc<ActiveSync>,
        caller: &Caller,
        line: RequestLine,
        version: ProtocolVersion,
    ) -> Self {
        let account = Arc::clone(&caller.identity().account);
        Self {
            service,
            mailbox: MailboxId {
                tenant: account.tenant,
                account: account.id,
            },
            account,
            read_only: caller.identity().is_read_only(),
            line,
            version,
            device: DeviceRecord::default(),
            key: 0,
        }
    }

    pub(crate) fn now_millis(&self) -> i64 {
        self.service.services.env.wall_millis()
    }

    /// Looks whether the device is served, and notes that it came.
    pub(crate) async fn admit(&mut self, key: u32, user_agent: &str) -> Found<()> {
        let (account, id) = (self.account.id, self.line.device_id.clone());
        let mut transaction = self.service.services.database.begin();
        let known = devices::device(&mut transaction, account, &id).await?;
        let hour = self.now_millis().div_euclid(HOUR_MILLIS) * HOUR_MILLIS;
        let is_new = known.is_none();
        if is_new && devices::list(&mut transaction, account).await?.len() >= self.service.settings.devices_max {
            return Err(Status::MaximumDevicesReached.into());
        }
        let before = known.unwrap_or_default();
        let mut device = before.clone();
        if is_new {
            device.first_seen_millis = hour;
        }
        device.last_seen_millis = hour;
        device.kind = said(&self.line.device_type);
        device.user_agent = said(user_agent);
        self.version.text().clone_into(&mut device.version);
        if is_new || device != before {
            transaction.set(record::device(account, &id), device.encode());
            transaction.commit().await?;
        }
        (self.device, self.key) = (device, key);
        match self.line.command {
            Command::Provision => Ok(()),
            _ => self.serves(&self.device),
        }
    }

    /// Whether a device is served, as it is known.
    fn serves(&self, device: &DeviceRecord) -> Found<()> {
        match device.wipe() {
            Wipe::None => {}
            // Only 16.1 knows how to remove one account; others are just not served any more.
            Wipe::Asked | Wipe::Told if self.version == ProtocolVersion::V16_1 => {
                return Err(Status::RemoteWipeRequested.into());
            }
            Wipe::Asked | Wipe::Told | Wipe::Done => return Err(Status::DeviceIsBlockedForThisUser.into()),
        }
        // [MS-ASPROV] §3.1.5.1: without a policy no other command is served.
        match device.policy_key {
            0 => Err(Status::DeviceNotProvisioned.into()),
            _ if self.key == 0 => Err(Status::DeviceNotProvisioned.into()),
            taken if taken != self.key => Err(Status::InvalidPolicyKey.into()),
            _ => Ok(()),
        }
    }

    /// Does what may wait for long; ends as soon as the device is served no more, with what it is then told.
    pub(crate) async fn unless_cut<T>(&self, waits: impl Future<Output = Found<T>>) -> Found<T> {
        tokio::select! {
            biased;
            stop = self.cut() => Err(stop),
            done = waits => done,
        }
    }

    /// Waits until the device is wiped or removed.
    async fn cut(&self) -> Stop {
        let services = &self.service.services;
        let (account, id) = (self.account.id, &self.line.device_id);
        let mut news = services.directory.news_of(account);
        loop {
            let known = devices::device(&mut services.database.begin(), account, id).await;
            let served = match known {
                Ok(Some(device)) => self.serves(&device),
                Ok(None) => Err(Status::DeviceNotProvisioned.into()),
                Err(error) => Err(error.into()),
            };
            if let Err(stop) = served {
                return stop;
            }
            news.changed().await;
        }
    }

    /// Notes something of the device.
    pub(crate) async fn note(&mut self, change: impl Fn(&mut DeviceRecord) + Send + Sync) -> Found<()> {
        let (account, id) = (self.account.id, self.line.device_id.clone());
        let mut transaction = self.service.services.database.begin();
        let Some(mut device) = devices::device(&mut transaction, account, &id).await? else {
            return Err(Status::DeviceNotProvisioned.into());
        };
        change(&mut device);
        transaction.set(record::device(account, &id), device.encode());
        transaction.commit().await?;
        self.device = device;
        Ok(())
    }

    /// Asks the mailbox.
    pub(crate) async fn ask<R, T>(&self, request: R) -> Found<T>
    where
        R: Ask<Entity = MailboxEntity, Reply = Result<T, MailboxError>>,
    {
        let request = Acting::new(request, None).through(Client::ActiveSync);
        let timeout = self.service.settings.ask_timeout;
        Ok(self
            .service
            .services
            .router
            .ask(&self.mailbox, request, timeout)
            .await??)
    }

    /// The folders that are offered (ACC-11), those above first.
    pub(crate) async fn folders(&self) -> Found<Vec<FolderInfo>> {
        let all = self.ask(ListFolders).await?.folders;
        let own = self.account.settings.active_sync_own_folders;
        let is_offered = |folder: &&FolderInfo| own || folder.path.is_inbox() || folder.special_use.is_some();
        Ok(all.iter().filter(is_offered).cloned().collect())
    }

    /// A folder by what the device calls it, if that is one and is offered.
    pub(crate) async fn open(&self, id: FolderId) -> Found<Option<OpenFolderReply>> {
        let folder = FolderRef::Id(id);
        let opened = match self.ask(OpenFolder { folder }).await {
            Ok(opened) => opened,
            Err(Stop::Mailbox(MailboxError::NoSuchFolder)) => return Ok(None),
            Err(stop) => return Err(stop),
        };
        let info = &opened.info;
        let own = self.account.settings.active_sync_own_folders;
        let is_offered = own || info.path.is_inbox() || info.special_use.is_some();
        Ok(is_offered.then_some(opened))
    }
}

/// A folder as devices call it.
pub(crate) fn folder_name(id: FolderId) -> String {
    id.0.to_string()
}

/// A message as devices call it.
pub(crate) fn message_name(folder: FolderId, uid: Uid) -> String {
    format!("{}:{}", folder.0, uid.get())
}

/// The folder of a message that a device names.
pub(crate) fn read_folder_of(message: &str) -> Option<FolderId> {
    read_folder(message.split_once(':')?.0)
}

/// The folder that a device names.
pub(crate) fn read_folder(text: &str) -> Option<FolderId> {
    let number: u32 = text.parse().ok()?;
    (number.to_string() == text).then_some(FolderId(number))
}
