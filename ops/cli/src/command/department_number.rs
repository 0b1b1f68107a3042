//! Departments as people say them: by number, by name, or by the path from the top.

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use serde_json::Value;

use super::Whose;
use crate::client::{Client, encode};

/// Whose departments are meant.
#[derive(Clone, Copy)]
pub(super) enum Of<'a> {
    /// Those of an organisation.
    Whose(&'a Whose),
    /// Those of the organisation that has this address, or domain.
    Address(&'a str),
}

impl Of<'_> {
    async fn path(self, client: &Client) -> Result<String> {
        let organisation = match self {
            Self::Whose(whose) => return Ok(format!("/api/departments{}", whose.suffix())),
            Self::Address(address) => {
                let domain = address.rsplit_once('@').map_or(address, |(_, domain)| domain);
                let domain = client.get(&format!("/api/domains/{}", encode(domain))).await?;
                domain["organisation"].as_str().unwrap_or_default().to_owned()
            }
        };
        Ok(format!("/api/departments?organisation={}", encode(&organisation)))
    }
}

/// The numbers of departments, in the order in which they are said. Only those that are said by name are asked for.
pub(super) async fn numbers(client: &Client, of: Of<'_>, said: &[String]) -> Result<Vec<u32>> {
    let items = match said.iter().all(|one| one.parse::<u32>().is_ok()) {
        true => Value::Null,
        false => client.get(&of.path(client).await?).await?["items"].take(),
    };
    let items = items.as_array().map_or(&[][..], Vec::as_slice);
    said.iter().map(|said| number(items, said)).collect()
}

/// The number of one.
pub(super) async fn one(client: &Client, of: Of<'_>, said: &str) -> Result<u32> {
    let numbers = numbers(client, of, &[said.to_owned()]).await?;
    Ok(numbers[0])
}

/// The number of one that may be left out.
pub(super) async fn maybe(client: &Client, of: Of<'_>, said: Option<&str>) -> Result<Option<u32>> {
    match said {
        Some(said) => Ok(Some(one(client, of, said).await?)),
        None => Ok(None),
    }
}

fn number(items: &[Value], said: &str) -> Result<u32> {
    if let Ok(number) = said.parse() {
        return Ok(number);
    }
    let wanted: Vec<String> = said.trim_matches('/').split('/').map(folded).collect();
    let is_meant = |path: &[&str]| {
        let path: Vec<String> = path.iter().map(|name| folded(name)).collect();
        match said.starts_with('/') {
            true => path == wanted,
            false => path.ends_with(&wanted),
        }
    };
    let paths = paths(items);
    let found: Vec<_> = paths.iter().filter(|(_, path)| is_meant(path)).collect();
    match found[..] {
        [(number, _)] => Ok(*number),
        [] => bail!("there is no department {said}"),
        _ => {
            let all = found
                .iter()
                .map(|(number, path)| format!("/{} ({number})", path.join("/")));
            let all = all.collect::<Vec<_>>().join(", ");
            bail!("{said} may be {all}: say the path from the top, or the number")
        }
    }
}

fn folded(name: &str) -> String {
    name.trim().to_lowercase()
}

/// The names from the top down to each; of whoever sees a part only, from the top of that part.
fn paths(items: &[Value]) -> BTreeMap<u32, Vec<&str>> {
    let id = |value: &Value| value.as_u64().and_then(|id| u32::try_from(id).ok()).unwrap_or(0);
    let mut paths: BTreeMap<u32, Vec<&str>> = BTreeMap::new();
    // A list comes each after what it is part of.
    for item in items {
        let mut path = paths.get(&id(&item["parent"])).cloned().unwrap_or_default();
        path.push(item["name"].as_str().unwrap_or_default());
        paths.insert(id(&item["id"]), path);
    }
    paths
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn org_6_a_department_is_said_by_number_name_or_path() {
        let items = json!([
            {"id": 1, "parent": 0, "name": "Research"},
            {"id": 2, "parent": 1, "name": "Compilers"},
            {"id": 3, "parent": 0, "name": "Sales"},
            {"id": 4, "parent": 3, "name": "Asia"},
            {"id": 5, "parent": 4, "name": "Sales"},
            {"id": 6, "parent": 0, "name": "2024"},
            {"id": 7, "parent": 0, "name": "研发部"},
        ]);
        let items = items.as_array().unwrap();
        let check = |said: &str, expect: Result<u32, &str>| {
            let found = number(items, said).map_err(|error| error.to_string());
            assert_eq!(found, expect.map_err(str::to_owned), "{said}");
        };
        check("2", Ok(2));
        check("99", Ok(99));
        check("0", Ok(0));
        check("Compilers", Ok(2));
        check("research/compilers", Ok(2));
        check(" Research / Compilers ", Ok(2));
        check("/Research", Ok(1));
        check("研发部", Ok(7));
        check("/2024", Ok(6));
        check("Asia/Sales", Ok(5));
        check("/Sales", Ok(3));
        check("Compilers/Research", Err("there is no department Compilers/Research"));
        check("/Compilers", Err("there is no department /Compilers"));
        check("Comp", Err("there is no department Comp"));
        check("", Err("there is no department "));
        check(
            "Sales",
            Err("Sales may be /Sales (3), /Sales/Asia/Sales (5): say the path from the top, or the number"),
        );
    }
}
