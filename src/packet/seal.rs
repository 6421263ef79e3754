//! What the browser enforces: nothing is loaded, and only the packet's own style and script apply.
//!
//! Does not: allow another script, markup made from text, a form, a frame or a request of any kind.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
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
    let [style, script] =
        [STYLE, SCRIPT].map(|text| BASE64_STANDARD.encode(Sha256::digest(text.as_bytes())));
    format!(
        "default-src 'none'; style-src 'sha256-{style}'; script-src 'sha256-{script}'; img-src data:; \
         base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    )
}
