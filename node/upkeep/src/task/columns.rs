//! The columns of a sheet of members (MEM-9): the same for what is imported and what is exported.

use crate::Sheet;

/// A column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Column {
    /// The person's name.
    Name,
    /// The mail address; without `@` its local part.
    Address,
    /// Alias beside the name.
    Nickname,
    /// The organisation's own account id.
    EmployeeId,
    /// Mobile phone.
    Mobile,
    /// Landline phone.
    Landline,
    /// Gender.
    Gender,
    /// Title.
    Title,
    /// Ordinary or superior.
    Rank,
    /// Departments: levels joined by `/`, several by `;`.
    Departments,
    /// Tags, several by `;`.
    Tags,
    /// Standard or advanced.
    Seat,
    /// Where they are.
    Location,
    /// A mail address outside.
    PrivateAddress,
}

impl Column {
    /// All there are, in the order of the template.
    pub const ALL: [Self; 14] = [
        Self::Name,
        Self::Address,
        Self::Nickname,
        Self::EmployeeId,
        Self::Mobile,
        Self::Landline,
        Self::Gender,
        Self::Title,
        Self::Rank,
        Self::Departments,
        Self::Tags,
        Self::Seat,
        Self::Location,
        Self::PrivateAddress,
    ];

    /// Its name in a file, in English and in Chinese.
    #[must_use]
    pub fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Name => ("name", "姓名"),
            Self::Address => ("address", "邮箱地址"),
            Self::Nickname => ("alias", "别名"),
            Self::EmployeeId => ("account id", "账号"),
            Self::Mobile => ("mobile", "手机"),
            Self::Landline => ("landline", "座机"),
            Self::Gender => ("gender", "性别"),
            Self::Title => ("title", "职务"),
            Self::Rank => ("rank", "级别"),
            Self::Departments => ("departments", "部门"),
            Self::Tags => ("tags", "标签"),
            Self::Seat => ("seat", "账号类型"),
            Self::Location => ("location", "地址"),
            Self::PrivateAddress => ("private address", "私人邮箱"),
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
pub fn template(chinese: bool) -> Sheet {
    let name = |column: &Column| if chinese { column.names().1 } else { column.names().0 };
    Sheet {
        head: Column::ALL.iter().map(|column| name(column).to_owned()).collect(),
        rows: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mem_9_columns_are_known_by_either_name() {
        for column in Column::ALL {
            let (english, chinese) = column.names();
            assert_eq!(Column::named(&english.to_uppercase()), Some(column));
            assert_eq!(Column::named(chinese), Some(column));
        }
        assert_eq!(Column::named("Account_ID"), Some(Column::EmployeeId));
        assert_eq!(Column::named("salary"), None);
    }
}
