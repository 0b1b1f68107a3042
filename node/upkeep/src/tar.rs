//! The heads of files in a tar archive (POSIX.1-2001 pax interchange format).

/// What an archive ends with.
pub(crate) const END: [u8; 1_024] = [0; 1_024];
/// Files begin where this many octets end.
const BLOCK: u64 = 512;
/// Longest name, and largest size, that a plain head has.
const NAME_OCTETS_MAX: usize = 100;
const SIZE_MAX: u64 = 0o77_777_777_777;

/// What follows a file of that many octets.
pub(crate) fn padding(octets: u64) -> &'static [u8] {
    let left = (BLOCK - octets % BLOCK) % BLOCK;
    let left = usize::try_from(left).unwrap_or(0);
    END.get(..left).unwrap_or(&[])
}

/// The head of a file; `seconds` is when it was changed last.
pub(crate) fn file(path: &str, octets: u64, seconds: u64) -> Vec<u8> {
    entry(path, octets, seconds, b'0')
}

/// A folder; `path` ends with `/`.
pub(crate) fn folder(path: &str) -> Vec<u8> {
    entry(path, 0, 0, b'5')
}

fn entry(path: &str, octets: u64, seconds: u64, kind: u8) -> Vec<u8> {
    let mut more = String::new();
    if path.len() > NAME_OCTETS_MAX || !path.is_ascii() {
        more.push_str(&line("path", path));
    }
    if octets > SIZE_MAX {
        more.push_str(&line("size", &octets.to_string()));
    }
    let mut head = Vec::new();
    if !more.is_empty() {
        head = plain("pax", more.len() as u64, seconds, b'x');
        head.extend_from_slice(more.as_bytes());
        head.extend_from_slice(padding(more.len() as u64));
    }
    head.extend(plain(path, octets.min(SIZE_MAX), seconds, kind));
    head
}

/// A line of an extended head: it begins with its own length.
fn line(key: &str, value: &str) -> String {
    let rest = format!(" {key}={value}\n");
    let mut length = rest.len();
    loop {
        let whole = format!("{length}{rest}");
        if whole.len() == length {
            return whole;
        }
        length = whole.len();
    }
}

fn plain(path: &str, octets: u64, seconds: u64, kind: u8) -> Vec<u8> {
    let write = |sum: &str| {
        let mut head = Vec::with_capacity(512);
        let mut field = |text: &[u8], length: usize| {
            let end = head.len() + length;
            head.extend(text.iter().take(length));
            head.resize(end, 0);
        };
        // A name that does not fit is in the extended head before.
        let name: Vec<u8> = path
            .bytes()
            .map(|octet| if octet.is_ascii() { octet } else { b'_' })
            .collect();
        field(&name, NAME_OCTETS_MAX);
        let mode = if kind == b'5' { "0000700" } else { "0000600" };
        for (text, length) in [(mode, 8), ("0000000", 8), ("0000000", 8)] {
            field(text.as_bytes(), length);
        }
        field(format!("{octets:011o}").as_bytes(), 12);
        field(format!("{:011o}", seconds.min(SIZE_MAX)).as_bytes(), 12);
        field(sum.as_bytes(), 8);
        field(&[kind], 1);
        field(b"", 100);
        field(b"ustar\x0000", 8);
        field(b"", 247);
        head
    };
    let sum: u64 = write("        ").iter().map(|octet| u64::from(*octet)).sum();
    write(&format!("{sum:06o}\0 "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_what_others_read() {
        let head = file("a/cur/1:2,S", 5, 1_000);
        assert_eq!(head.len(), 512);
        // As GNU tar writes it for the same name, mode, owner, size and time.
        assert_eq!(&head[..12], b"a/cur/1:2,S\0");
        assert_eq!(
            &head[100..148],
            b"0000600\x000000000\x000000000\x0000000000005\x0000000001750\0"
        );
        assert_eq!(&head[156..157], b"0");
        assert_eq!(&head[257..265], b"ustar\x0000");
        let sum: u64 = head.iter().map(|octet| u64::from(*octet)).sum();
        let field: u64 = head[148..156].iter().map(|octet| u64::from(*octet)).sum();
        let expect = format!("{:06o}\0 ", sum - field + 8 * 32);
        assert_eq!(&head[148..156], expect.as_bytes());
    }

    #[test]
    fn long_and_foreign_names_are_whole() {
        let long = format!("{}/cur/1", "项目".repeat(40));
        let head = file(&long, 5, 1_000);
        assert_eq!(head[156], b'x');
        let text = String::from_utf8_lossy(&head[512..1_024]);
        let (length, rest) = text.split_once(' ').unwrap();
        let length: usize = length.parse().unwrap();
        assert!(rest.starts_with(&format!("path={long}\n")));
        assert_eq!(&head[512 + length - 1..512 + length + 1], b"\n\0");
        assert_eq!(head.len(), 512 * 3);
        assert_eq!(line("path", &"x".repeat(90)).len(), 99);
        assert_eq!(line("path", &"x".repeat(91)).len(), 101, "the length grows with itself");
        assert_eq!((padding(0).len(), padding(1).len(), padding(512).len()), (0, 511, 0));
    }
}
