//! The columns of a sheet of groups (GRP-7): the same for what is imported and what is exported.

use crate::Sheet;

/// A column. Several addresses, departments or tags in a cell are parted by `;`, levels of departments by `/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum GroupColumn {
    /// Its name.
    Name,
    /// Its address; without `@` its local part.
    Address,
    /// Members by address.
    Members,
    /// Departments whose members are its members.
    MemberDepartments,
    /// Tags whose bearers are its members.
    MemberTags,
    /// Who may write to it.
    Use,
    /// Who may, by address, where that is a custom set.
    Posters,
    /// By department.
    PosterDepartments,
    /// By tag.
    PosterTags,
    /// Who may send in its name.
    Representatives,
}

impl GroupColumn {
    /// All there are, in the order of the template.
    pub const ALL: [Self; 10] = [
        Self::Name,
        Self::Address,
        Self::Members,
        Self::MemberDepartments,
        Self::MemberTags,
        Self::Use,
        Self::Posters,
        Self::PosterDepartments,
        Self::PosterTags,
        Self::Representatives,
    ];

    /// Its name in a file, in English and in Chinese.
    #[must_use]
    pub fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Name => ("name", "名称"),
            Self::Address => ("address", "邮箱地址"),
            Self::Members => ("members", "成员"),
            Self::MemberDepartments => ("member departments", "成员部门"),
            Self::MemberTags => ("member tags", "成员标签"),
            Self::Use => ("use", "使用权限"),
            Self::Posters => ("posters", "可发信人"),
            Self::PosterDepartments => ("poster departments", "可发信部门"),
            Self::PosterTags => ("poster tags", "可发信标签"),
            Self::Representatives => ("representatives", "代表"),
        }
    }

    /// The column that a file calls so.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let name = name.trim().to_lowercase().replace(['_', '-'], " ");
        let is = |column: &&Self| column.names().0 == name || column.names().1 == name;
        Self::ALL.iter().find(is).copied()
    }
}

/// A sheet with nothing but the names of the columns.
#[must_use]
pub fn group_template(chinese: bool) -> Sheet {
    let name = |column: &GroupColumn| if chinese { column.names().1 } else { column.names().0 };
    Sheet {
        head: GroupColumn::ALL.iter().map(|column| name(column).to_owned()).collect(),
        rows: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grp_7_columns_are_known_by_either_name() {
        for column in GroupColumn::ALL {
            let (english, chinese) = column.names();
            assert_eq!(GroupColumn::named(&english.to_uppercase()), Some(column));
            assert_eq!(GroupColumn::named(chinese), Some(column));
        }
        assert_eq!(GroupColumn::named("size"), None);
    }
}
