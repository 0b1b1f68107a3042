//! ACC-13: mail sent with clients is in Sent once, whether the server or the client keeps it first.

use std::sync::Arc;
use std::time::Duration;

use hongyan_actor::{Arbiters, EntityOptions};
use hongyan_blob::{BlobOptions, BlobStore, Sources};
use hongyan_env::Env;
use hongyan_kv::Database;
use hongyan_mailbox::{
    Append, AppendMessage, Deliver, DeliveryId, FolderRef, MailboxEntity, MailboxId, MailboxServices, MessageWriter,
    NewMessage, OpenFolder, SpecialUse,
};
use hongyan_memory::MemoryStore;
use hongyan_router::Router;
use hongyan_types::{AccountId, TenantId};

const WITHIN: Duration = Duration::from_secs(5);
const SENT: FolderRef = FolderRef::Use(SpecialUse::Sent);

struct Mailbox {
    id: MailboxId,
    router: Router,
    blobs: BlobStore,
}

impl Mailbox {
    async fn new() -> Self {
        let env = Env::real();
        let database = Database::new(MemoryStore::default());
        let sources = Sources {
            wall_millis: Arc::new(|| 0),
            random: Arc::new(|bytes| bytes.fill(7)),
        };
        let blobs = BlobStore::open(database.clone(), BlobOptions::default(), sources)
            .await
            .unwrap();
        let router = Router::new(env.clone(), Arbiters::start(1));
        let services = MailboxServices {
            database,
            blobs: blobs.clone(),
            env,
            hints: router.hints(),
            sums: None,
            options: Default::default(),
        };
        router.serve::<MailboxEntity>(services, EntityOptions::default());
        let id = MailboxId {
            tenant: TenantId(1),
            account: AccountId(1),
        };
        Self { id, router, blobs }
    }

    async fn message(&self, text: &str) -> NewMessage {
        let mut writer = MessageWriter::new(&self.blobs, self.id.tenant);
        writer.push(text.as_bytes()).await.unwrap();
        writer.finish().await.unwrap()
    }

    async fn submitted(&self, text: &str, delivery: u8) -> u32 {
        let request = Deliver {
            message: self.message(text).await,
            folder: SENT,
            flags: vec![],
            internal_date: None,
            delivery_id: Some(DeliveryId([delivery; 16])),
            ignore_quota: false,
        };
        let reply = self.router.ask(&self.id, request, WITHIN).await.unwrap().unwrap();
        reply.uid.get()
    }

    async fn appended(&self, text: &str) -> u32 {
        let request = Append {
            folder: SENT,
            messages: vec![AppendMessage {
                message: self.message(text).await,
                flags: vec![],
                internal_date: None,
            }],
        };
        let reply = self.router.ask(&self.id, request, WITHIN).await.unwrap().unwrap();
        reply.uids[0].get()
    }

    async fn count(&self) -> usize {
        let open = OpenFolder { folder: SENT };
        let reply = self.router.ask(&self.id, open, WITHIN).await.unwrap().unwrap();
        reply.view.len()
    }
}

#[test]
fn acc_13_mail_sent_with_clients_is_in_sent_once() {
    hongyan_actor::run(0, async {
        let mailbox = Mailbox::new().await;
        let server = "Received: x\r\nMessage-ID: <1@a.test>\r\nSubject: a\r\n\r\nx\r\n";
        let client = "Message-ID: <1@a.test>\r\nSubject: a\r\n\r\nx\r\n";
        let first = mailbox.submitted(server, 1).await;
        assert_eq!(
            mailbox.appended(client).await,
            first,
            "the client's copy is the server's"
        );
        assert_eq!(mailbox.count().await, 1);
        assert_ne!(mailbox.appended(client).await, first, "a second APPEND is meant");
        assert_eq!(mailbox.count().await, 2);
        let other = client.replace("<1@", "<2@");
        let kept = mailbox.appended(&other).await;
        assert_eq!(
            mailbox.submitted(&other, 2).await,
            kept,
            "the server's copy is the client's"
        );
        assert_eq!(mailbox.count().await, 3);
    });
}
