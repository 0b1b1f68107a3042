//! The sections, one file each, and the macro that keeps struct, defaults and description together.

pub(crate) mod access;
pub(crate) mod acme;
pub(crate) mod active_sync;
pub(crate) mod cluster;
pub(crate) mod directory;
pub(crate) mod geoip;
pub(crate) mod http;
pub(crate) mod ldap;
pub(crate) mod ldap_server;
pub(crate) mod limits;
pub(crate) mod listen;
pub(crate) mod log;
pub(crate) mod migration;
pub(crate) mod node;
pub(crate) mod public;
pub(crate) mod queue;
pub(crate) mod registry;
pub(crate) mod single_sign_on;
pub(crate) mod sms;
pub(crate) mod storage;
pub(crate) mod tls;
pub(crate) mod webhook;

/// Makes a section: each setting with its description, default, unit, range and what a reload does with it.
macro_rules! section {
    (
        $(#[doc = $about:literal])*
        $name:ident = $table:literal {
            $(
                $(#[doc = $text:literal])*
                $field:ident: $type:ty = $default:expr, $unit:literal, $range:literal, $reload:literal;
            )*
        }
    ) => {
        $(#[doc = $about])*
        #[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct $name {
            $(
                $(#[doc = $text])*
                pub $field: $type,
            )*
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $($field: $default,)* }
            }
        }

        impl $name {
            pub(crate) fn document() -> crate::SectionDoc {
                crate::SectionDoc {
                    table: $table,
                    about: concat!($($about, "\n",)*),
                    settings: vec![$(crate::SettingDoc {
                        name: stringify!($field),
                        text: concat!($($text, "\n",)*),
                        default: crate::document::value(&Self::default().$field),
                        unit: $unit,
                        range: $range,
                        reload: $reload,
                    },)*],
                }
            }
        }
    };
}

pub(crate) use section;
