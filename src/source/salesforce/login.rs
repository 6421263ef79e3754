//! How this job logs in to Salesforce: as an app with a secret, or as a user by a signed word of the app.
//!
//! Does not: send anything.

use std::path::Path;

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};

use crate::source::secret::{Environment, Place, Secret, SecretError};

/// How the config says to log in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoginBy {
    /// As the app's own user, by its secret.
    ClientCredentials {
        /// The app.
        client_id: String,
        /// Where its secret lies.
        secret: Place,
    },
    /// As a user whom an administrator let the app stand for, by the app's key.
    Jwt {
        /// The app.
        client_id: String,
        /// The user.
        user: String,
        /// Where the key lies.
        key: Place,
        /// Who is to believe it.
        audience: Audience,
    },
}

/// Which of Salesforce's two login hosts is to believe a signed word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// That of production orgs.
    Login,
    /// That of sandboxes.
    Test,
}

/// Why there is nothing to log in with.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// The secret was not had.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The key is none.
    #[error("{0} does not hold an RSA key in PEM form (`BEGIN PRIVATE KEY`)")]
    Key(Place),
}

/// What is shown for a token.
#[derive(Debug)]
pub enum Login {
    /// The app and its secret.
    App {
        /// The app.
        client_id: Secret,
        /// Its secret.
        secret: Secret,
    },
    /// A signed word.
    Signed(Secret),
}

/// A signed word is believed for so long, in seconds.
const BELIEVED: i64 = 180;

impl LoginBy {
    /// As whom it logs in, whatever it shows for it: the app, or a user whom it stands for.
    pub(super) fn who(&self) -> String {
        match self {
            Self::ClientCredentials { client_id, .. } => client_id.clone(),
            Self::Jwt { client_id, user, .. } => format!("{client_id} {user}"),
        }
    }

    /// What to show for a token at this instant.
    pub fn login(
        &self,
        folder: &Path,
        environment: &Environment,
        now: DateTime<Utc>,
    ) -> Result<Login, LoginError> {
        match self {
            Self::ClientCredentials { client_id, secret } => Ok(Login::App {
                client_id: Secret::new(client_id.clone()),
                secret: secret.fetch(folder, environment)?,
            }),
            Self::Jwt { client_id, user, key, audience } => {
                let audience = match audience {
                    Audience::Login => "https://login.salesforce.com",
                    Audience::Test => "https://test.salesforce.com",
                };
                let claims = serde_json::json!({
                    "iss": client_id,
                    "sub": user,
                    "aud": audience,
                    "exp": now.timestamp() + BELIEVED,
                });
                let pem = key.fetch(folder, environment)?;
                let signed = sign(&claims.to_string(), pem.reveal());
                signed.map(Login::Signed).ok_or_else(|| LoginError::Key(key.clone()))
            }
        }
    }
}

/// The claims as a JSON Web Token, signed with RS256 (RFC 7515, RFC 7518).
fn sign(claims: &str, pem: &str) -> Option<Secret> {
    let pair = key_pair(pem)?;
    let part = |text: &str| BASE64_URL_SAFE_NO_PAD.encode(text);
    let signed = format!("{}.{}", part(r#"{"alg":"RS256"}"#), part(claims));
    let mut signature = vec![0; pair.public().modulus_len()];
    pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature).ok()?;
    Some(Secret::new(format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))))
}

/// An RSA key in either of the forms that openssl writes.
fn key_pair(pem: &str) -> Option<RsaKeyPair> {
    let between = |begin: &str, end: &str| {
        let (_, rest) = pem.split_once(begin)?;
        let (body, _) = rest.split_once(end)?;
        let body: String = body.split_whitespace().collect();
        BASE64_STANDARD.decode(body).ok()
    };
    if let Some(der) = between("-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----") {
        return RsaKeyPair::from_pkcs8(&der).ok();
    }
    let der = between("-----BEGIN RSA PRIVATE KEY-----", "-----END RSA PRIVATE KEY-----")?;
    RsaKeyPair::from_der(&der).ok()
}

impl Login {
    /// The fields of the form that asks for a token.
    pub(in crate::source) fn form(&self) -> Vec<(&'static str, Secret)> {
        let plain = |text: &str| Secret::new(text.to_owned());
        match self {
            Self::App { client_id, secret } => vec![
                ("grant_type", plain("client_credentials")),
                ("client_id", client_id.clone()),
                ("client_secret", secret.clone()),
            ],
            Self::Signed(word) => vec![
                ("grant_type", plain("urn:ietf:params:oauth:grant-type:jwt-bearer")),
                ("assertion", word.clone()),
            ],
        }
    }
}

#[cfg(test)]
mod tests {
    use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
    use serde_json::Value;

    use super::*;

    /// Made for these tests, and good for nothing else.
    const KEY: &str = include_str!("../../../tests/it/mock/app.key.pem");

    #[test]
    fn a_signed_word_says_who_and_until_when_and_is_signed_by_the_key() {
        let by = LoginBy::Jwt {
            client_id: "3MVG9".to_owned(),
            user: "review@acme.example".to_owned(),
            key: Place::Env("KEY".to_owned()),
            audience: Audience::Test,
        };
        let environment = Environment::new([("KEY".to_owned(), KEY.to_owned())]);
        let now = DateTime::from_timestamp(1_795_000_000, 0).unwrap();
        let Login::Signed(word) = by.login(Path::new("/"), &environment, now).unwrap() else {
            panic!("an app's login");
        };
        let (signed, signature) = word.reveal().rsplit_once('.').unwrap();
        let (_, claims) = signed.split_once('.').unwrap();
        let decoded = |text: &str| BASE64_URL_SAFE_NO_PAD.decode(text).unwrap();
        let claims: Value = serde_json::from_slice(&decoded(claims)).unwrap();
        assert_eq!(claims["iss"], "3MVG9");
        assert_eq!(claims["sub"], "review@acme.example");
        assert_eq!(claims["aud"], "https://test.salesforce.com");
        assert_eq!(claims["exp"], 1_795_000_180);
        let public = key_pair(KEY).unwrap().public().as_ref().to_vec();
        UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, public)
            .verify(signed.as_bytes(), &decoded(signature))
            .unwrap();

        let broken = Environment::new([("KEY".to_owned(), KEY.replace('M', "N"))]);
        let said = by.login(Path::new("/"), &broken, now).unwrap_err().to_string();
        assert_eq!(
            said,
            "the variable KEY does not hold an RSA key in PEM form (`BEGIN PRIVATE KEY`)"
        );
    }
}
