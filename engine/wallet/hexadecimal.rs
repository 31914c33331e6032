//! Bytes from hexadecimal digits, which may be a secret's.

use zeroize::Zeroizing;

/// As many bytes as asked for, with or without `0x` before the digits; none where the text is anything else.
pub fn from_hex<const N: usize>(text: &str) -> Option<Zeroizing<[u8; N]>> {
    let digits = text.strip_prefix("0x").unwrap_or(text).as_bytes();
    if digits.len() != 2 * N {
        return None;
    }
    let mut bytes = Zeroizing::new([0; N]);
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}

fn digit(character: u8) -> Option<u8> {
    char::from(character).to_digit(16).map(|value| value as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_back() {
        let check =
            |text: &str, expected: Option<[u8; 2]>| assert_eq!(from_hex(text).map(|bytes| *bytes), expected);
        check("0x00fF", Some([0, 255]));
        check("00ff", Some([0, 255]));
        check("00f", None);
        check("00ff0", None);
        check("0xé1", None);
        check("+1+1", None);
    }
}
