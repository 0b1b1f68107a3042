//! Lists, tree steps and searches over an organisation of 100,000 members in 5,000 departments.

use criterion::{Criterion, criterion_group, criterion_main};
use hongyan_directory::{
    DepartmentId, Directory, DirectoryOptions, DisplayNames, MemberQuery, NewAccount, NewDepartment, NewTenant,
    OrganisationPage, Profile,
};
use hongyan_env::Env;
use hongyan_kv::Database;
use hongyan_memory::MemoryStore;
use hongyan_types::{Address, Domain, TenantId};

const MEMBERS: usize = 100_000;
const DEPARTMENTS: u32 = 5_000;
const SURNAMES: [&str; 12] = [
    "张", "王", "李", "赵", "刘", "陈", "杨", "Berg", "Smith", "曾", "单", "欧阳",
];
const NAMES: [&str; 10] = ["伟", "芳", "秀英", "娜", "强", "Anna", "Ben", "静", "丽", "国藩"];

async fn organisation() -> (Directory, TenantId) {
    let (env, _) = Env::manual(1);
    let database = Database::new(MemoryStore::default());
    let directory = Directory::new(database, env, DirectoryOptions::default());
    let tenant = directory.create_tenant(&NewTenant::named("Large")).await.unwrap().id;
    let domain = Domain::try_from("large.test").unwrap();
    directory.create_domain(tenant, &domain).await.unwrap();
    for n in 0..DEPARTMENTS {
        let new = NewDepartment {
            name: format!("Department {n}"),
            // Ten at the top, each with ten below it, and so on.
            parent: DepartmentId(n / 10),
            rank: 0,
        };
        directory.create_department(tenant, &new).await.unwrap();
    }
    for first in (0..MEMBERS).step_by(500) {
        let new: Vec<_> = (first..first + 500).map(member).collect();
        directory.create_accounts(&new).await.unwrap();
    }
    (directory, tenant)
}

fn member(n: usize) -> NewAccount {
    let department = u32::try_from(n).unwrap() % DEPARTMENTS + 1;
    NewAccount {
        display_name: format!("{}{}{n}", SURNAMES[n % 12], NAMES[n / 12 % 10]),
        departments: vec![DepartmentId(department)],
        profile: Profile {
            employee_id: format!("E{n}"),
            title: "Engineer".to_owned(),
            private_address: format!("user{n}@home.test"),
            nickname: format!("{}{n}", NAMES[n / 7 % 10]),
            ..Profile::default()
        },
        ..NewAccount::at(Address::try_from(format!("user{n}@large.test").as_str()).unwrap())
    }
}

fn bench(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let (directory, tenant) = runtime.block_on(organisation());
    let find = |query: &MemberQuery| {
        runtime
            .block_on(directory.find_members(tenant, query, None, 100))
            .unwrap()
    };
    assert_eq!(find(&MemberQuery::default()).total, MEMBERS);
    let text = |text: &str| MemberQuery {
        text: text.to_owned(),
        ..MemberQuery::default()
    };
    for (name, query) in [
        ("list_all", MemberQuery::default()),
        ("search_name", text("秀英")),
        ("search_address", text("user77777@")),
        ("search_pinyin", text("ouyangguofan")),
        ("search_initials", text("oygf")),
        ("search_nothing", text("zzzz")),
        (
            "list_department_deep",
            MemberQuery {
                department: Some(DepartmentId(1)),
                deep: true,
                ..MemberQuery::default()
            },
        ),
    ] {
        criterion.bench_function(name, |bench| bench.iter(|| find(&query).total));
    }
    for (name, display_names) in [
        ("list_for_a_member_by_name", DisplayNames::Name),
        ("list_for_a_member_by_alias", DisplayNames::Alias),
    ] {
        let page = OrganisationPage {
            display_names,
            ..OrganisationPage::default()
        };
        runtime.block_on(directory.set_page(tenant, &page, None)).unwrap();
        let member = runtime.block_on(directory.accounts(tenant, None, 1)).unwrap();
        let sight = runtime.block_on(directory.sight_of(&member[0])).unwrap();
        let query = MemberQuery {
            sight: Some(sight),
            ..MemberQuery::default()
        };
        criterion.bench_function(name, |bench| bench.iter(|| find(&query).total));
    }
    criterion.bench_function("last_page_by_id", |bench| {
        let all = MemberQuery::default();
        let page = || directory.member_ids_between(tenant, &all, MEMBERS - 100, 100);
        bench.iter(|| assert_eq!(runtime.block_on(page()).unwrap().0.len(), 100));
    });
    criterion.bench_function("find_private_address", |bench| {
        let query = MemberQuery {
            private_address: Some("USER77777@home.test".to_owned()),
            ..MemberQuery::default()
        };
        bench.iter(|| assert_eq!(runtime.block_on(directory.member_ids(tenant, &query)).unwrap().len(), 1));
    });
    criterion.bench_function("tree_step", |bench| {
        bench.iter(|| {
            runtime
                .block_on(directory.departments_below(tenant, DepartmentId(1)))
                .unwrap()
        });
    });
    criterion.bench_function("tree_step_after_a_change", |bench| {
        let rename = hongyan_directory::AccountChange::default();
        bench.iter(|| {
            runtime.block_on(async {
                let account = directory.accounts(tenant, None, 1).await.unwrap();
                directory.change_account(account[0].id, &rename).await.unwrap();
                directory.departments_below(tenant, DepartmentId(1)).await.unwrap()
            })
        });
    });
}

criterion_group!(benches, bench);
criterion_main!(benches);
