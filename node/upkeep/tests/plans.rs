//! Plans on a small node with real mailboxes: mailboxes learn their room.

use std::collections::BTreeMap;
use std::time::Duration;

use hongyan_directory::{Limit, LimitsChange};
use hongyan_mailbox::GetQuota;
use hongyan_miniature::{Miniature, Options};

#[test]
fn plan_a_mailbox_learns_the_room_that_its_organisation_has_for_each() {
    hongyan_actor::run(1, async {
        let node = Miniature::start(&Options::default()).await;
        let directory = &node.directory;
        let asked = |max: Option<u64>| LimitsChange {
            limits: BTreeMap::from([(Limit::MailboxOctetsMax, max)]),
            by_operator: true,
            expect: None,
        };
        let tenant = node.mailbox.tenant;
        // The tighter one would come in a month: the wider that follows is told at once, and what counts is asked then.
        for max in [1 << 30, 2 << 30] {
            directory.set_limits(tenant, &asked(Some(max))).await.unwrap();
        }
        let (env, router) = (node.env.clone(), node.router.clone());
        let looking = hongyan_upkeep::plans(env, router, directory.clone(), Duration::from_millis(10), || true);
        let test = async {
            loop {
                let quota = node.router.ask(&node.mailbox, GetQuota, Duration::from_secs(5)).await;
                if quota.unwrap().unwrap().quota.limits.octets_max == 2 << 30 {
                    break;
                }
                node.env.sleep(Duration::from_millis(10)).await;
            }
            assert_eq!(directory.tenants_with_plan(None, 9).await.unwrap(), [tenant]);
        };
        tokio::select! {
            () = looking => {}
            () = test => {}
        }
        node.stop().await;
    });
}
