//! Mail groups (RFC 7643 §4.2) and the addresses they have.

use super::{Attribute, Kind, Mutability, ResourceType, Schema};

/// Mail groups of the organisation.
pub static GROUP: ResourceType = ResourceType {
    name: "Group",
    endpoint: "/Groups",
    description: "An address that many get mail for.",
    schema: &SCHEMA,
    extension: &GROUP_ADDRESS,
};

static SCHEMA: Schema = Schema {
    id: "urn:ietf:params:scim:schemas:core:2.0:Group",
    name: "Group",
    description: "An address that many get mail for.",
    attributes: &ATTRIBUTES,
};

static ATTRIBUTES: [Attribute; 2] = [
    Attribute::text(
        "displayName",
        "The name. The group of a department is called as the department is.",
    )
    .required(),
    Attribute::complex(
        "members",
        "Those named by address. Whoever belongs to it by department or tag is not told of here.",
        &MEMBER,
    )
    .many(),
];

static MEMBER: [Attribute; 4] = [
    Attribute::text("value", "The identifier of a member or group, or an address elsewhere.")
        .exact()
        .required()
        .changed(Mutability::Immutable),
    Attribute::text("$ref", "Where the member is.")
        .of(Kind::Reference)
        .exact()
        .read_only(),
    Attribute::text("type", "What the member is.")
        .usually(&["User", "Group", "Address"])
        .changed(Mutability::Immutable),
    Attribute::text("display", "The member's address.").read_only(),
];

/// What mail groups add.
pub static GROUP_ADDRESS: Schema = Schema {
    id: "urn:hongyan:params:scim:schemas:extension:1.0:Group",
    name: "MailGroup",
    description: "The group's address.",
    attributes: &ADDRESS,
};

static ADDRESS: [Attribute; 2] = [
    Attribute::text("address", "Its mail address; made from the name when none is said.")
        .unique()
        .changed(Mutability::Immutable),
    Attribute::text("department", "The department that it is the group of.").read_only(),
];
