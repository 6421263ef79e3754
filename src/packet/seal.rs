//! What the browser enforces: nothing is loaded, and only the packet's own style and script apply.
//!
//! Does not: allow another script, markup made from text, a form, a frame or a request of any kind.

use sha2::{Digest as _, Sha256};

/// The packet's style sheet.
pub(super) const STYLE: &str = include_str!("../../templates/packet.css");

/// The packet's script: its parts in the order in which they use each other, in one scope of their own.
pub(super) const SCRIPT: &str = concat!(
    "(() => {\n'use strict';\n",
    include_str!("../../templates/script/page.js"),
    include_str!("../../templates/script/desk.js"),
    include_str!("../../templates/script/filter.js"),
    include_str!("../../templates/script/bulk.js"),
    include_str!("../../templates/script/file.js"),
    include_str!("../../templates/script/start.js"),
    "})();\n",
);

/// The content security policy, with the digests of the inline style and script.
pub(super) fn policy() -> String {
    let [style, script] = [STYLE, SCRIPT].map(|text| base64(&Sha256::digest(text.as_bytes())));
    format!(
        "default-src 'none'; style-src 'sha256-{style}'; script-src 'sha256-{script}'; img-src data:; \
         base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    )
}

/// The digest of some bytes in lower-case hex.
pub(super) fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// A digest in lower-case hex.
pub(super) fn hex(digest: &[u8]) -> String {
    digest.iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
}

/// RFC 4648 with padding, as a policy's hashes are written.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for three in bytes.chunks(3) {
        let bits =
            (0..3).fold(0_u32, |bits, at| bits << 8 | three.get(at).copied().map_or(0, u32::from));
        for at in 0..4 {
            let six = usize::try_from(bits >> (18 - 6 * at) & 63).unwrap_or_default();
            let digit = ALPHABET.get(six).copied().map_or('=', char::from);
            out.push(if at <= three.len() { digit } else { '=' });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_as_in_the_standard() {
        for (bytes, expect) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")]
        {
            assert_eq!(base64(bytes.as_bytes()), expect);
        }
    }
}
