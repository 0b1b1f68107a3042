//! Members from files and into files, on a real entity over the memory store.

use std::time::Duration;

use hongyan_actor::{Arbiters, EntityOptions};
use hongyan_audit::Author;
use hongyan_directory::{
    AccountState, Bounded, BulkAct, Directory, DirectoryOptions, NewAccount, NewGroup, NewTag, NewTenant, Posting,
};
use hongyan_env::Env;
use hongyan_kv::Database;
use hongyan_memory::MemoryStore;
use hongyan_router::Router;
use hongyan_types::{Address, Domain, TenantId};
use hongyan_upkeep::{
    BulkItem, BulkMembers, ExportMembers, ImportGroups, ImportMembers, SheetFormat, TaskEntity, TaskId, TaskRecord,
    TaskServices, TaskState, Tasks, UpkeepOptions, Work,
};

struct Ground {
    env: Env,
    arbiters: Arbiters,
    router: Router,
    directory: Directory,
    tasks: Tasks,
    tenant: TenantId,
}

fn import() -> ImportMembers {
    ImportMembers {
        head: Vec::new(),
        domain: Some("d.test".to_owned()),
        department: None,
        dry_run: false,
        take_good: false,
        invited: true,
    }
}

impl Ground {
    async fn new() -> Self {
        let env = Env::real();
        let directory = Directory::new(
            Database::new(MemoryStore::default()),
            env.clone(),
            DirectoryOptions::default(),
        );
        let tenant = directory.create_tenant(&NewTenant::named("Acme")).await.unwrap().id;
        let domain = Domain::try_from("d.test").unwrap();
        directory.create_domain(tenant, &domain).await.unwrap();
        let arbiters = Arbiters::start(1);
        let router = Router::new(env.clone(), arbiters.clone());
        let this = Self {
            tasks: Tasks::new(env.clone(), directory.clone(), router.clone(), UpkeepOptions::default()),
            env,
            arbiters,
            router,
            directory,
            tenant,
        };
        this.serve();
        this
    }

    /// From now on another node has the tasks: what the one before held in memory alone is gone.
    fn serve(&self) {
        let services = TaskServices {
            env: self.env.clone(),
            directory: self.directory.clone(),
            ldap: None,
            lists: hongyan_upkeep::Lists::default(),
            mail: None,
        };
        self.router
            .serve_everywhere::<TaskEntity>(services, EntityOptions::default());
    }

    async fn begin(&self, import: ImportMembers, text: &str) -> TaskRecord {
        let file = text.to_owned().into_bytes().into();
        let begun = self
            .tasks
            .import_members(self.tenant, Author::system(), import, SheetFormat::Csv, file);
        begun.await.unwrap()
    }

    async fn end(&self, id: TaskId) -> TaskRecord {
        loop {
            let task = self.tasks.show(self.tenant, id).await.unwrap();
            if task.state != TaskState::Running {
                return task;
            }
            self.env.sleep(Duration::from_millis(5)).await;
        }
    }

    /// The file that a task has made.
    async fn output(&self, id: TaskId) -> Vec<u8> {
        let mut output = self.tasks.output(self.tenant, id).await.unwrap();
        let mut file = Vec::new();
        while let Some(piece) = output.read().await.unwrap() {
            file.extend_from_slice(&piece);
        }
        file
    }

    async fn run(&self, import: ImportMembers, text: &str) -> TaskRecord {
        let begun = self.begin(import, text).await;
        self.end(begun.id).await
    }

    /// All that is wrong: `line field: reason`.
    async fn problems(&self, id: TaskId) -> Vec<String> {
        let mut found = Vec::new();
        for row in self.tasks.problems(self.tenant, id, 0, 100_000).await.unwrap() {
            for problem in row.problems {
                found.push(format!("{} {}: {}", row.line, problem.field, problem.reason));
            }
        }
        found
    }

    async fn count(&self) -> u64 {
        self.directory.tenant(self.tenant).await.unwrap().counts.accounts
    }

    async fn stop(self) {
        self.arbiters.stop(&self.env, Duration::from_secs(1)).await;
    }
}

fn on_ground<F: Future<Output = Ground>>(test: impl FnOnce(Ground) -> F) {
    hongyan_actor::run(1, async {
        let ground = Ground::new().await;
        test(ground).await.stop().await;
    });
}

#[test]
fn mem_9_every_wrong_line_is_told_with_field_and_reason() {
    on_ground(|ground| async move {
        let taken = NewAccount::at(Address::try_from("taken@d.test").unwrap());
        ground.directory.create_account(&taken).await.unwrap();
        let tag = NewTag {
            name: "T".to_owned(),
            departments: Vec::new(),
        };
        ground.directory.create_tag(ground.tenant, &tag).await.unwrap();
        let deep = (1..=16).map(|level| format!("L{level}")).collect::<Vec<_>>().join("/");
        // A row with several wrong fields tells of each.
        let text = format!(
            "Name,Address,Account ID,Mobile,Gender,Departments,Tags,Alias\n\
             Good,good,E1,+86 138,,Tech/Web;Sales,T,Goodie\n\
             Taken,taken,,,,,\n\
             ,no one@d.test,,,,,\n\
             Twice,GOOD@d.test,e1,,,,\n\
             Elsewhere,x@far.test,,,,,\n\
             Deep,deep,,,,{deep},\n\
             Words,words,,12x,unsure,,\n\
             Tagged,tagged,,,,,None\n\
             ,,E9,,,,\n\
             Nick,nick,,,,,,Pоstmaster\n\
             <Bad>,no one@d.test,e1,12x,unsure,{deep},None,Pоstmaster\n"
        );
        let dry = ImportMembers {
            dry_run: true,
            ..import()
        };
        let looked = ground.run(dry, &text).await;
        assert_eq!(
            (looked.state, looked.total, looked.bad, looked.good),
            (TaskState::Done, 11, 10, 1),
            "so many could be taken"
        );
        assert_eq!(ground.count().await, 1, "nothing was");
        let problems = ground.problems(looked.id).await;
        let expect = [
            "3 address: member taken@d.test already exists",
            "4 address: ",
            "5 address: line 2 has the same",
            "5 account id: line 2 has the same",
            "6 address: domain far.test does not exist",
            "7 departments: department_levels_max is 15 and 16 are in use",
            "8 gender: unsure is none of female, f, male, m",
            "8 mobile: mobile: a phone number has 3 to 20 digits",
            "9 tags: there is no tag None",
            "10 address: it is missing",
            "11 alias: nickname: that name could be taken for the administrator's",
            "12 address: ",
            "12 gender: unsure is none of female, f, male, m",
            "12 account id: line 2 has the same",
            "12 departments: department_levels_max is 15 and 16 are in use",
            "12 tags: there is no tag None",
            "12 name: a name has no control characters",
            "12 alias: nickname: that name could be taken for the administrator's",
            "12 mobile: mobile: a phone number has 3 to 20 digits",
        ];
        assert_eq!(problems.len(), expect.len(), "{problems:#?}");
        for (problem, expect) in problems.iter().zip(expect) {
            assert!(problem.starts_with(expect), "{problem}");
        }
        let refused = ground.run(import(), &text).await;
        assert_eq!(
            (refused.state, refused.good, ground.count().await),
            (TaskState::Refused, 0, 1)
        );
        assert_eq!(
            ground.directory.departments(ground.tenant).await.unwrap().len(),
            0,
            "nothing half-done"
        );
        let good = ImportMembers {
            take_good: true,
            ..import()
        };
        let taken = ground.run(good.clone(), &text).await;
        assert_eq!((taken.state, taken.good, taken.bad), (TaskState::Done, 1, 10));
        let again = ground.run(good, &text).await;
        assert_eq!(
            (again.good, again.bad, ground.count().await),
            (0, 11, 2),
            "nothing is made twice"
        );
        ground
    });
}

/// Rows of which every tenth is wrong.
fn rows(count: u32) -> String {
    let mut text = "name,address,account id,departments\n".to_owned();
    for n in 0..count {
        let address = if n % 10 == 3 {
            format!("user {n}")
        } else {
            format!("user{n}")
        };
        text.push_str(&format!("User {n},{address},E{n},D{}/T{}\n", n % 20, n % 100));
    }
    text
}

#[test]
fn mem_9_fifty_thousand_rows_with_every_tenth_wrong() {
    on_ground(|ground| async move {
        let looked = ground.run(import(), &rows(50_000)).await;
        assert_eq!(
            (looked.state, looked.total, looked.bad),
            (TaskState::Refused, 50_000, 5_000)
        );
        assert_eq!(ground.count().await, 0, "nothing half-done");
        let problems = ground.problems(looked.id).await;
        assert_eq!(problems.len(), 5_000);
        for (number, problem) in (0_u32..).zip(&problems) {
            assert!(
                problem.starts_with(&format!("{} address: ", number * 10 + 5)),
                "{problem}"
            );
        }
        ground
    });
}

#[test]
fn gen_3_a_task_goes_on_where_its_node_died_and_does_nothing_twice() {
    on_ground(|ground| async move {
        let good = ImportMembers {
            take_good: true,
            ..import()
        };
        let begun = ground.begin(good, &rows(2_000)).await;
        let mut moved = 0;
        loop {
            let task = ground.tasks.show(ground.tenant, begun.id).await.unwrap();
            if task.state != TaskState::Running {
                assert_eq!((task.state, task.good, task.bad), (TaskState::Done, 1_800, 200));
                break;
            }
            if moved < 5 {
                ground.serve();
                moved += 1;
            }
            let _ = ground.router.ask(&begun.id, Work, Duration::from_secs(5)).await;
            ground.env.sleep(Duration::from_millis(2)).await;
        }
        assert_eq!(ground.count().await, 1_800);
        ground
    });
}

#[test]
fn org_13_what_is_exported_can_be_imported() {
    on_ground(|ground| async move {
        let text = "name,address,departments,gender,mobile\n张三,zs,技术/网站;销售,female,+86138\n\"=cmd\",b,,,\n";
        assert_eq!(ground.run(import(), text).await.state, TaskState::Done);
        for format in [SheetFormat::Csv, SheetFormat::Xlsx] {
            let export = ExportMembers {
                format,
                departments: Vec::new(),
            };
            let begun = ground
                .tasks
                .export_members(ground.tenant, Author::system(), export)
                .await
                .unwrap();
            let done = ground.end(begun.id).await;
            assert_eq!((done.state, done.good), (TaskState::Done, 2));
            let file = ground.output(done.id).await;
            let dry = ImportMembers {
                dry_run: true,
                ..import()
            };
            let back = ground
                .tasks
                .import_members(ground.tenant, Author::system(), dry, format, file.into())
                .await
                .unwrap();
            let back = ground.end(back.id).await;
            assert_eq!((back.total, back.bad), (2, 2), "both are there already");
            let problems = ground.problems(back.id).await;
            assert!(
                problems.iter().all(|problem| problem.contains("already exists")),
                "{problems:?}"
            );
        }
        ground
    });
}

fn at(local: &str) -> Address {
    Address::try_from(format!("{local}@d.test").as_str()).unwrap()
}

fn item(local: &str) -> BulkItem {
    BulkItem {
        address: format!("{local}@d.test"),
        ..BulkItem::default()
    }
}

async fn bulk(ground: &Ground, act: BulkAct, dry_run: bool, items: Vec<BulkItem>) -> TaskRecord {
    let bulk = BulkMembers {
        act,
        bounded: Bounded::default(),
        dry_run,
    };
    let begun = ground
        .tasks
        .bulk_members(ground.tenant, Author::system(), bulk, items)
        .await;
    ground.end(begun.unwrap().id).await
}

#[test]
fn mem_10_a_bulk_action_reports_each_and_does_the_rest() {
    on_ground(|ground| async move {
        for local in ["anna", "ben", "carl"] {
            let new = NewAccount::at(at(local));
            ground.directory.create_account(&new).await.unwrap();
        }
        ground.directory.create_group(&NewGroup::at(at("all"))).await.unwrap();
        let items = vec![
            item("anna"),
            item("nobody"),
            BulkItem {
                refused: "not yours".to_owned(),
                ..item("carl")
            },
            item("ben"),
        ];
        let looked = bulk(&ground, BulkAct::Disable, true, items.clone()).await;
        assert_eq!((looked.state, looked.good, looked.bad), (TaskState::Done, 2, 2));
        let anna = ground.directory.account_at(&at("anna")).await.unwrap();
        assert_eq!(anna.state, AccountState::Active, "it only looked");
        let done = bulk(&ground, BulkAct::Disable, false, items).await;
        assert_eq!((done.state, done.good, done.bad), (TaskState::Done, 2, 2));
        let expect = ["2 address: account nobody@d.test does not exist", "3 : not yours"];
        assert_eq!(ground.problems(done.id).await, expect);
        let ben = ground.directory.account_at(&at("ben")).await.unwrap();
        assert_eq!(ben.state, AccountState::Disabled);
        let carl = ground.directory.account_at(&at("carl")).await.unwrap();
        assert_eq!(carl.state, AccountState::Active);

        let aliases = ["a", "all"].map(|alias| BulkItem {
            alias: format!("{alias}@d.test"),
            ..item("anna")
        });
        let done = bulk(&ground, BulkAct::AddAlias, false, aliases.into()).await;
        assert_eq!((done.good, done.bad), (1, 1));
        let anna = ground.directory.account_at(&at("a")).await.unwrap();
        assert_eq!(anna.aliases, [at("a")], "what was refused left nothing behind");
        ground
    });
}

#[test]
fn gen_3_a_bulk_action_goes_on_where_its_node_died_and_does_nothing_twice() {
    on_ground(|ground| async move {
        let good = ImportMembers {
            take_good: true,
            ..import()
        };
        ground.run(good, &rows(300)).await;
        let items: Vec<BulkItem> = (0..300).map(|n| item(&format!("user{n}"))).collect();
        let wanted = BulkMembers {
            act: BulkAct::Delete,
            bounded: Bounded::default(),
            dry_run: false,
        };
        let begun = ground
            .tasks
            .bulk_members(ground.tenant, Author::system(), wanted, items)
            .await
            .unwrap();
        for _ in 0..3 {
            ground.serve();
            let _ = ground.router.ask(&begun.id, Work, Duration::from_secs(5)).await;
        }
        loop {
            let task = ground.tasks.show(ground.tenant, begun.id).await.unwrap();
            if task.state != TaskState::Running {
                assert_eq!((task.state, task.good, task.bad), (TaskState::Done, 270, 30));
                break;
            }
            let _ = ground.router.ask(&begun.id, Work, Duration::from_secs(5)).await;
            ground.env.sleep(Duration::from_millis(2)).await;
        }
        assert_eq!(ground.count().await, 0);
        ground
    });
}

async fn groups(ground: &Ground, import: ImportGroups, format: SheetFormat, file: Vec<u8>) -> TaskRecord {
    let begun = ground
        .tasks
        .import_groups(ground.tenant, Author::system(), import, format, file.into())
        .await;
    ground.end(begun.unwrap().id).await
}

#[test]
fn grp_7_groups_come_from_a_file_and_go_into_one() {
    on_ground(|ground| async move {
        let people = "name,address,departments\nAnna,anna,Tech/Web\nBen,ben,Sales\n";
        assert_eq!(ground.run(import(), people).await.state, TaskState::Done);
        let import = ImportGroups {
            head: Vec::new(),
            domain: Some("d.test".to_owned()),
            dry_run: false,
            take_good: false,
        };
        let text = "name,address,members,member departments,use,posters,representatives\n\
            Team,team,anna;x@far.test,Tech/Web,members,,ben\n\
            所有人,all,,/,custom,anna@d.test,\n\
            Twice,TEAM,,,,,\n\
            Taken,anna,,,,,\n\
            Lost,lost,,Nowhere,,,\n\
            Used,used,,,everybody,,\n\
            Nobody,nobody,,,,,eve\n";
        let refused = groups(&ground, import.clone(), SheetFormat::Csv, text.into()).await;
        assert_eq!((refused.state, refused.bad), (TaskState::Refused, 5));
        let expect = [
            "4 address: line 2 has the same",
            "5 address: member anna@d.test already exists",
            "6 member departments: department Nowhere does not exist",
            "7 use: everybody is none of anyone, organisation, members, custom, unset",
            "8 representatives: account eve@d.test does not exist",
        ];
        assert_eq!(ground.problems(refused.id).await, expect);
        assert!(ground.directory.all_groups(ground.tenant).await.unwrap().is_empty());
        let dry = ImportGroups {
            dry_run: true,
            ..import.clone()
        };
        let looked = groups(&ground, dry.clone(), SheetFormat::Csv, text.into()).await;
        assert_eq!((looked.state, looked.good, looked.bad), (TaskState::Done, 2, 5));
        let good = ImportGroups {
            take_good: true,
            ..import
        };
        let taken = groups(&ground, good.clone(), SheetFormat::Csv, text.into()).await;
        assert_eq!((taken.state, taken.good, taken.bad), (TaskState::Done, 2, 5));
        let team = ground.directory.group_at(&at("team")).await.unwrap();
        assert_eq!((team.members, team.posting), (2, Posting::Members));
        assert_eq!((team.member_departments.len(), team.representatives.len()), (1, 1));

        for format in [SheetFormat::Csv, SheetFormat::Xlsx] {
            let begun = ground
                .tasks
                .export_groups(ground.tenant, Author::system(), format)
                .await;
            let done = ground.end(begun.unwrap().id).await;
            assert_eq!((done.state, done.good), (TaskState::Done, 2));
            let file = ground.output(done.id).await;
            let back = groups(&ground, dry.clone(), format, file.clone()).await;
            assert_eq!((back.total, back.bad), (2, 2), "both are there already");
            for local in ["team", "all"] {
                ground.directory.delete_group(&at(local)).await.unwrap();
            }
            let back = groups(&ground, good.clone(), format, file).await;
            assert_eq!((back.state, back.good), (TaskState::Done, 2));
            let again = ground.directory.group_at(&at("team")).await.unwrap();
            assert_eq!(
                (
                    again.members,
                    again.posting,
                    &again.member_departments,
                    &again.representatives
                ),
                (2, team.posting, &team.member_departments, &team.representatives)
            );
        }
        ground
    });
}
