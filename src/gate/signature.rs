//! Who signs their decisions files, and whether a file is signed by them.
//!
//! A signature is detached, in minisign's format, and lies beside the file. With it a decision is proved to
//! come from the holder of a key, and not only from somebody who knows the approver's name.
//! Does not: read a file, or hold a secret key.

use std::collections::BTreeMap;

use minisign_verify::{PublicKey, Signature};

use crate::policy::Section;

use super::{Refusal, folded, refusal};

/// The public keys of those who sign.
#[derive(Debug, Clone, Default)]
pub(super) struct Signers(BTreeMap<String, Key>);

#[derive(Debug, Clone)]
struct Key {
    /// As the rules and the ledger write it.
    text: String,
    public: PublicKey,
    /// The line that names it.
    line: usize,
}

impl Signers {
    /// Reads `[signing]`: a person's name and their public key.
    pub(super) fn parse(root: &Section<'_>) -> Self {
        let Some(section) = root.section("signing") else { return Self::default() };
        let mut signers = BTreeMap::new();
        for (name, _) in section.entries() {
            let Some(said) = section.text(&name.value) else { continue };
            match PublicKey::from_base64(said.value) {
                Ok(public) => {
                    let text = said.value.to_owned();
                    signers.insert(folded(&name.value), Key { text, public, line: said.line });
                }
                Err(_) => section.problem_with_hint(
                    said.line,
                    format!("the key of `{}` is not a public key of minisign", name.value),
                    "copy the second line of their minisign.pub: it begins with RW",
                ),
            }
        }
        Self(signers)
    }

    /// The people who sign, each with the line that names their key.
    pub(super) fn people(&self) -> impl Iterator<Item = (&str, usize)> {
        self.0.iter().map(|(name, key)| (name.as_str(), key.line))
    }

    /// The key by which a person signed these bytes; nothing where they need not.
    pub(super) fn check(
        &self,
        name: &str,
        bytes: &[u8],
        signature: Option<&str>,
    ) -> Result<Option<String>, Refusal> {
        let name = folded(name);
        let Some(signer) = self.0.get(&name) else { return Ok(None) };
        let Some(signature) = signature else {
            return refusal(
                format!("{name} signs decisions files, and this one has no signature"),
                "sign it with `minisign -S -m FILE` and keep the .minisig beside it",
            );
        };
        let signature = Signature::decode(signature);
        match signature.map(|signature| signer.public.verify(bytes, &signature, false)) {
            Ok(Ok(())) => Ok(Some(signer.text.clone())),
            Ok(Err(_)) => refusal(
                format!("its signature is not {name}'s over these bytes"),
                "the file was changed after it was signed, or signed with another key: sign it again",
            ),
            Err(_) => refusal(
                format!("the signature of {name} cannot be read"),
                "sign it again with `minisign -S -m FILE`",
            ),
        }
    }
}
