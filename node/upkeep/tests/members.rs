//! Members from files and into files, on a real entity over the memory store.

use std::time::Duration;

use hongyan_actor::{Arbiters, EntityOptions};
use hongyan_audit::Author;
use hongyan_directory::{Directory, DirectoryOptions, NewAccount, NewTag, NewTenant};
use hongyan_env::Env;
use hongyan_kv::Database;
use hongyan_memory::MemoryStore;
use hongyan_router::Router;
use hongyan_types::{Address, Domain, TenantId};
use hongyan_upkeep::{
    ExportMembers, ImportMembers, SheetFormat, TaskEntity, TaskId, TaskRecord, TaskServices, TaskState, Tasks,
    UpkeepOptions, Work,
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
        let text = format!(
            "Name,Address,Account ID,Mobile,Gender,Departments,Tags\n\
             Good,good,E1,+86 138,,Tech/Web;Sales,T\n\
             Taken,taken,,,,,\n\
             ,no one@d.test,,,,,\n\
             Twice,GOOD@d.test,e1,,,,\n\
             Elsewhere,x@far.test,,,,,\n\
             Deep,deep,,,,{deep},\n\
             Words,words,,12x,unsure,,\n\
             Tagged,tagged,,,,,None\n\
             ,,E9,,,,\n"
        );
        let dry = ImportMembers {
            dry_run: true,
            ..import()
        };
        let looked = ground.run(dry, &text).await;
        assert_eq!((looked.state, looked.total, looked.bad), (TaskState::Done, 9, 8));
        let problems = ground.problems(looked.id).await;
        let expect = [
            "3 address: member taken@d.test already exists",
            "4 address: ",
            "5 address: line 2 has the same",
            "5 account id: line 2 has the same",
            "6 address: domain far.test does not exist",
            "7 departments: department_levels_max is 15 and 16 are in use",
            "8 gender: unsure is none of female, f, male, m",
            "9 tags: there is no tag None",
            "10 address: it is missing",
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
        assert_eq!((taken.state, taken.good, taken.bad), (TaskState::Done, 1, 8));
        let again = ground.run(good, &text).await;
        assert_eq!(
            (again.good, again.bad, ground.count().await),
            (0, 9, 2),
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
            let file = ground.tasks.output(ground.tenant, done.id).await.unwrap();
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
