//! An answer in parts ([MS-ASHTTP] §2.2.2.1.2.1): how many there are, where each begins and how long it is, then the parts. The
//! first is the body, others are counted from 1.

/// The type of such an answer.
pub const CONTENT_TYPE: &str = "application/vnd.ms-sync.multipart";

/// Writes parts behind each other; `None` if they are more or longer than 32 bits can say.
#[must_use]
pub fn write(parts: &[Vec<u8>]) -> Option<Vec<u8>> {
    let mut at = 4_usize.checked_add(parts.len().checked_mul(8)?)?;
    let mut out = u32::try_from(parts.len()).ok()?.to_le_bytes().to_vec();
    for part in parts {
        out.extend(u32::try_from(at).ok()?.to_le_bytes());
        out.extend(u32::try_from(part.len()).ok()?.to_le_bytes());
        at = at.checked_add(part.len())?;
    }
    out.extend(parts.iter().flatten());
    Some(out)
}

/// Reads them; `None` where one is said to be where nothing is.
#[must_use]
pub fn read(octets: &[u8]) -> Option<Vec<&[u8]>> {
    let (count, mut head) = octets.split_first_chunk::<4>()?;
    let count = u32::from_le_bytes(*count);
    let mut parts = Vec::new();
    for _ in 0..count {
        let (at, rest) = head.split_first_chunk::<4>()?;
        let (length, rest) = rest.split_first_chunk::<4>()?;
        head = rest;
        let at = usize::try_from(u32::from_le_bytes(*at)).ok()?;
        let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
        parts.push(octets.get(at..at.checked_add(length)?)?);
    }
    Some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn acc_4_parts_are_found_where_the_head_says() {
        let whole = write(&[b"ab".to_vec(), b"cde".to_vec()]).unwrap();
        let golden = [
            &[2, 0, 0, 0, 20, 0, 0, 0, 2, 0, 0, 0, 22, 0, 0, 0, 3, 0, 0, 0][..],
            b"abcde",
        ]
        .concat();
        assert_eq!(whole, golden);
        assert_eq!(read(&golden), Some(vec![&b"ab"[..], b"cde"]));
        assert_eq!(read(&[0; 4]), Some(Vec::new()));
        for end in 0..golden.len() {
            assert_eq!(read(&golden[..end]), None, "{end}");
        }
        assert_eq!(read(&[255; 64]), None);
    }
}
