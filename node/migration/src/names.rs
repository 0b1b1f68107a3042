//! What folders of a use are called, where the source does not say what they are for. Compared without regard to case.

use hongyan_mailbox::SpecialUse;

const SENT: &[&str] = &[
    "sent",
    "sent items",
    "sent mail",
    "sent messages",
    "sent-mail",
    "outbox sent",
    "已发送",
    "已发送邮件",
    "已发邮件",
    "发件箱",
    "寄件備份",
    "已寄出",
    "寄件夾",
    "已傳送的郵件",
    "gesendet",
    "gesendete elemente",
    "gesendete objekte",
    "éléments envoyés",
    "envoyés",
    "messages envoyés",
    "enviados",
    "elementos enviados",
    "itens enviados",
    "mensajes enviados",
    "posta inviata",
    "inviata",
    "inviati",
    "verzonden",
    "verzonden items",
    "отправленные",
    "отправлено",
    "送信済み",
    "送信済みトレイ",
    "送信済みアイテム",
    "送信済みメール",
    "보낸편지함",
    "보낸 편지함",
    "보낸 메일함",
    "wysłane",
    "elementy wysłane",
    "gönderilmiş öğeler",
    "gönderilenler",
    "skickat",
    "skickade objekt",
    "sendt",
    "sendte elementer",
    "lähetetyt",
    "odeslaná pošta",
    "thư đã gửi",
    "terkirim",
];
const DRAFTS: &[&str] = &[
    "drafts",
    "draft",
    "草稿",
    "草稿箱",
    "草稿夹",
    "草稿匣",
    "entwürfe",
    "brouillons",
    "borradores",
    "rascunhos",
    "bozze",
    "concepten",
    "черновики",
    "下書き",
    "임시보관함",
    "임시 보관함",
    "kopie robocze",
    "szkice",
    "wersje robocze",
    "taslaklar",
    "utkast",
    "kladder",
    "luonnokset",
    "koncepty",
    "thư nháp",
    "konsep",
];
const TRASH: &[&str] = &[
    "trash",
    "deleted",
    "deleted items",
    "deleted messages",
    "bin",
    "已删除",
    "已删除邮件",
    "废件箱",
    "垃圾桶",
    "刪除的郵件",
    "已刪除的郵件",
    "回收站",
    "废纸篓",
    "papierkorb",
    "gelöscht",
    "gelöschte elemente",
    "gelöschte objekte",
    "corbeille",
    "éléments supprimés",
    "papelera",
    "elementos eliminados",
    "lixeira",
    "itens excluídos",
    "cestino",
    "posta eliminata",
    "prullenbak",
    "verwijderde items",
    "корзина",
    "удаленные",
    "удалённые",
    "ごみ箱",
    "ゴミ箱",
    "削除済みアイテム",
    "휴지통",
    "지운 편지함",
    "kosz",
    "elementy usunięte",
    "çöp kutusu",
    "silinmiş öğeler",
    "papperskorgen",
    "borttagna objekt",
    "papirkurv",
    "roskakori",
    "koš",
    "thùng rác",
    "sampah",
];
const JUNK: &[&str] = &[
    "junk",
    "junk mail",
    "junk e-mail",
    "junk email",
    "spam",
    "bulk mail",
    "垃圾箱",
    "垃圾邮件",
    "垃圾郵件",
    "广告邮件",
    "junk-e-mail",
    "unerwünscht",
    "spamverdacht",
    "courrier indésirable",
    "indésirables",
    "pourriel",
    "correo no deseado",
    "no deseado",
    "lixo eletrônico",
    "lixo eletrónico",
    "posta indesiderata",
    "ongewenste e-mail",
    "спам",
    "нежелательная почта",
    "迷惑メール",
    "스팸메일함",
    "스팸",
    "정크 메일",
    "niechciane",
    "wiadomości-śmieci",
    "önemsiz e-posta",
    "gereksiz",
    "skräppost",
    "uønsket",
    "roskaposti",
    "nevyžádaná pošta",
    "thư rác",
];
const ARCHIVE: &[&str] = &[
    "archive",
    "archives",
    "归档",
    "归档邮件",
    "存档",
    "封存",
    "archiv",
    "archivo",
    "arquivo",
    "archivio",
    "archief",
    "архив",
    "アーカイブ",
    "보관함",
    "보관",
    "archiwum",
    "arşiv",
    "arkiv",
    "arkisto",
    "lưu trữ",
    "arsip",
];
const INBOX: &[&str] = &[
    "inbox",
    "收件箱",
    "收件匣",
    "posteingang",
    "boîte de réception",
    "bandeja de entrada",
    "caixa de entrada",
    "posta in arrivo",
    "postvak in",
    "входящие",
    "受信トレイ",
    "받은편지함",
    "받은 편지함",
];

/// What a folder of that name is for.
pub(crate) fn use_of(name: &str) -> Option<SpecialUse> {
    let name = name.trim().to_lowercase();
    let lists = [
        (SpecialUse::Sent, SENT),
        (SpecialUse::Drafts, DRAFTS),
        (SpecialUse::Trash, TRASH),
        (SpecialUse::Junk, JUNK),
        (SpecialUse::Archive, ARCHIVE),
    ];
    let found = lists.into_iter().find(|(_, names)| names.contains(&name.as_str()));
    found.map(|(special_use, _)| special_use)
}

/// Whether it is what some servers call the inbox.
pub(crate) fn is_inbox(name: &str) -> bool {
    INBOX.contains(&name.trim().to_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mig_system_folders_are_known_in_several_languages() {
        for (name, expect) in [
            ("Sent Items", Some(SpecialUse::Sent)),
            ("已发送", Some(SpecialUse::Sent)),
            ("Gelöschte Elemente", Some(SpecialUse::Trash)),
            ("БРОУЗЕР", None),
            ("Черновики", Some(SpecialUse::Drafts)),
            ("垃圾邮件", Some(SpecialUse::Junk)),
            ("アーカイブ", Some(SpecialUse::Archive)),
            ("Projects", None),
        ] {
            assert_eq!(use_of(name), expect, "{name}");
        }
        let lists = [SENT, DRAFTS, TRASH, JUNK, ARCHIVE, INBOX];
        let mut all: Vec<&str> = lists.iter().flat_map(|names| names.iter().copied()).collect();
        for name in &all {
            assert_eq!(name.to_lowercase(), *name, "in lower case");
        }
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count, "no name has two uses");
    }
}
