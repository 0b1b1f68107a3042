//! Members (RFC 7643 §4.1) and what enterprises add to them (§4.3).

use super::{Attribute, Kind, Mutability, ResourceType, Returned, Schema};

/// Members of the organisation.
pub static USER: ResourceType = ResourceType {
    name: "User",
    endpoint: "/Users",
    description: "A member of the organisation.",
    schema: &SCHEMA,
    extension: &ENTERPRISE_USER,
};

static SCHEMA: Schema = Schema {
    id: "urn:ietf:params:scim:schemas:core:2.0:User",
    name: "User",
    description: "A member of the organisation.",
    attributes: &ATTRIBUTES,
};

static ATTRIBUTES: [Attribute; 14] = [
    Attribute::text("userName", "The main mail address, with which the member signs in.")
        .required()
        .unique()
        .changed(Mutability::Immutable),
    Attribute::complex("name", "The name; `formatted` is the display name.", &NAME),
    Attribute::text("displayName", "The name as it is shown."),
    Attribute::text("nickName", "The alias beside the name."),
    Attribute::text("title", "The title, such as Engineer."),
    Attribute::text(
        "preferredLanguage",
        "What the system writes to the member in: en or zh-CN.",
    ),
    Attribute::boolean("active", "Whether the member signs in and gets mail."),
    Attribute::text("password", "Is never read.")
        .exact()
        .changed(Mutability::WriteOnly)
        .returned(Returned::Never),
    Attribute::complex(
        "emails",
        "The main address (work), further addresses of the organisation's domains (other), one address outside (home).",
        &EMAIL,
    )
    .many(),
    Attribute::complex("phoneNumbers", "One mobile phone and one at work.", &PHONE).many(),
    Attribute::complex("addresses", "Where the member works.", &ADDRESS).many(),
    Attribute::complex("groups", "The groups that name the member by address.", &GROUP)
        .many()
        .read_only()
        .returned(Returned::Request),
    Attribute::complex("roles", "What the member may do for the organisation.", &ROLE)
        .many()
        .read_only(),
    Attribute::text("userType", "The seat: standard or advanced.").read_only(),
];

static NAME: [Attribute; 3] = [
    Attribute::text("formatted", "The whole name, the same as displayName."),
    Attribute::text("familyName", "The family name."),
    Attribute::text("givenName", "The given name."),
];

static EMAIL: [Attribute; 3] = [
    Attribute::text("value", "The address.").required(),
    Attribute::text("type", "What it is for.").usually(&["work", "other", "home"]),
    Attribute::boolean("primary", "Whether it is the main one: that is userName."),
];

static PHONE: [Attribute; 2] = [
    Attribute::text("value", "The number.").required(),
    Attribute::text("type", "Which phone.").usually(&["mobile", "work"]),
];

static ADDRESS: [Attribute; 2] = [
    Attribute::text("formatted", "The address, or the room.").required(),
    Attribute::text("type", "Which address.").usually(&["work"]),
];

static GROUP: [Attribute; 3] = [
    Attribute::text("value", "The group's identifier.").exact().read_only(),
    Attribute::text("$ref", "Where the group is.")
        .of(Kind::Reference)
        .exact()
        .read_only(),
    Attribute::text("display", "The group's name.").read_only(),
];

static ROLE: [Attribute; 1] = [Attribute::text("value", "creator, super or delegated.").read_only()];

/// What enterprises add.
pub static ENTERPRISE_USER: Schema = Schema {
    id: "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
    name: "EnterpriseUser",
    description: "The member's place in the organisation.",
    attributes: &ENTERPRISE,
};

static ENTERPRISE: [Attribute; 3] = [
    Attribute::text("employeeNumber", "The account id of the organisation's own.").unique(),
    Attribute::text("organization", "The organisation's name.").read_only(),
    Attribute::text(
        "department",
        "The main department as a path, such as Research/Web team; departments that are missing are made.",
    ),
];
