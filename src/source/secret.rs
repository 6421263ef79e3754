//! Secrets: where the owner says they lie, and a type for them that shows itself to nobody.
//!
//! They come from the environment, from a private file, or from the credentials that systemd hands a
//! service; never from the command line or the config itself.
//! Does not: print, log or store one.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::{self, File};
use std::io::Read as _;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use super::buffer::{Buffer, wipe};

/// A password, key or token. It prints as dots.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    pub(super) fn new(text: String) -> Self {
        Self(text)
    }

    /// The secret itself, for the request that needs it.
    pub(super) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("••••")
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        wipe(&mut std::mem::take(&mut self.0).into_bytes());
    }
}

/// The process's environment, as `main` read it. Its values print as dots.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// The variables that are text.
    pub fn new(variables: impl IntoIterator<Item = (String, String)>) -> Self {
        Self(variables.into_iter().collect())
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.trim().is_empty())
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Environment({} variables)", self.0.len())
    }
}

/// Where a secret lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A variable of the environment.
    Env(String),
    /// A file that nobody else may read; relative to the review folder.
    File(PathBuf),
    /// A credential of the service, in the folder that `$CREDENTIALS_DIRECTORY` names.
    Credential(String),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(f, "the variable {name}"),
            Self::File(path) => write!(f, "the file {}", path.display()),
            Self::Credential(name) => write!(f, "the credential {name}"),
        }
    }
}

/// Why a secret was not had. Never with a byte of it.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// It is not there.
    #[error("{place} is not set or empty\n  hint: set it for the user that runs this job")]
    Absent {
        /// Where it was looked for.
        place: Place,
    },
    /// The service was given no credentials.
    #[error(
        "{place} cannot be read: $CREDENTIALS_DIRECTORY is not set\n  \
         hint: give the service `LoadCredential={name}:/path/to/it`, or name a file or a variable instead"
    )]
    NoCredentials {
        /// Where it was looked for.
        place: Place,
        /// Its name.
        name: String,
    },
    /// The file cannot be read.
    #[error("{place} cannot be read: {why}")]
    Unreadable {
        /// Where it was looked for.
        place: Place,
        /// What the system said.
        why: std::io::Error,
    },
    /// Others could read it.
    #[error(
        "{place} is open to other users (mode {mode:03o})\n  hint: chmod 600 it, and replace the secret if it may have been read"
    )]
    Open {
        /// Where it lies.
        place: Place,
        /// Its permissions.
        mode: u32,
    },
    /// It belongs to someone else, or is no plain file.
    #[error("{place} is not a plain file of this user or of root")]
    Foreign {
        /// Where it lies.
        place: Place,
    },
    /// It cannot be a secret.
    #[error("{place} does not hold a secret: it is not one text of at most 64 KB")]
    Shape {
        /// Where it lies.
        place: Place,
    },
}

/// No secret is longer.
const LONGEST: u64 = 64 << 10;
/// Most are no longer than this.
const BLOCK: usize = 4 << 10;

impl Place {
    /// The secret that lies here.
    pub fn fetch(&self, folder: &Path, environment: &Environment) -> Result<Secret, SecretError> {
        match self {
            Self::Env(name) => match environment.get(name) {
                Some(value) => Ok(Secret::new(value.trim().to_owned())),
                None => Err(SecretError::Absent { place: self.clone() }),
            },
            Self::File(path) => self.read(&folder.join(path), Owner::UserOrRoot),
            Self::Credential(name) => match environment.get("CREDENTIALS_DIRECTORY") {
                Some(directory) => self.read(&Path::new(directory).join(name), Owner::Anybody),
                None => Err(SecretError::NoCredentials { place: self.clone(), name: name.clone() }),
            },
        }
    }

    fn read(&self, path: &Path, owner: Owner) -> Result<Secret, SecretError> {
        let place = || self.clone();
        let unreadable = |why| SecretError::Unreadable { place: place(), why };
        // The permissions are those of what was opened, whatever the name means a moment later.
        let no_follow = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
        let mut file: File = fs::OpenOptions::new()
            .read(true)
            .custom_flags(no_follow.bits().cast_signed())
            .open(path)
            .map_err(unreadable)?;
        let meta = file.metadata().map_err(unreadable)?;
        let ours = [0, rustix::process::geteuid().as_raw()].contains(&meta.uid());
        if !meta.is_file() || (owner == Owner::UserOrRoot && !ours) {
            return Err(SecretError::Foreign { place: place() });
        }
        let mode = meta.mode() & 0o777;
        if owner == Owner::UserOrRoot && mode & 0o077 != 0 {
            return Err(SecretError::Open { place: place(), mode });
        }
        if meta.len() > LONGEST {
            return Err(SecretError::Shape { place: place() });
        }
        // However it is left, what was read is overwritten.
        let mut read = Buffer::default();
        loop {
            match file.read(read.spare(BLOCK)).map_err(unreadable)? {
                0 => break,
                bytes => read.advance(bytes),
            }
            if read.filled().len() as u64 > LONGEST {
                return Err(SecretError::Shape { place: place() });
            }
        }
        let text = str::from_utf8(read.filled());
        let text = text.map_err(|_| SecretError::Shape { place: place() })?.trim();
        if text.is_empty() {
            return Err(SecretError::Absent { place: place() });
        }
        Ok(Secret::new(text.to_owned()))
    }
}

/// Who may own the file of a secret. The service manager keeps its credentials as it likes: where it
/// opens them to a user by an access list, they look open to a group.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Owner {
    UserOrRoot,
    Anybody,
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_secret_is_taken_from_a_private_place_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let put = |mode: u32, text: &str| {
            let _ = fs::remove_file(&path);
            crate::folder::write_new(&path, text.as_bytes()).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        };
        let none = Environment::default();
        let file = Place::File(PathBuf::from("key"));
        put(0o600, "s3cret\n");
        assert_eq!(file.fetch(folder.path(), &none).unwrap().reveal(), "s3cret");
        put(0o640, "s3cret\n");
        let said = file.fetch(folder.path(), &none).unwrap_err().to_string();
        assert!(said.contains("mode 640") && !said.contains("s3cret"), "{said}");
        put(0o600, "  \n");
        assert!(matches!(file.fetch(folder.path(), &none), Err(SecretError::Absent { .. })));
        for (secret, fits) in [(64 << 10, true), ((64 << 10) + 1, false)] {
            put(0o600, &"s".repeat(secret));
            assert_eq!(file.fetch(folder.path(), &none).is_ok(), fits, "{secret}");
        }
        fs::remove_file(&path).unwrap();
        crate::folder::write_new(&path, b"s3cret\xff").unwrap();
        assert!(matches!(file.fetch(folder.path(), &none), Err(SecretError::Shape { .. })));
        put(0o400, "s3cret");
        std::os::unix::fs::symlink(&path, folder.path().join("link")).unwrap();
        let link = Place::File(PathBuf::from("link"));
        assert!(matches!(link.fetch(folder.path(), &none), Err(SecretError::Unreadable { .. })));

        let credential = Place::Credential("key".to_owned());
        let said = credential.fetch(folder.path(), &none).unwrap_err().to_string();
        assert!(said.contains("LoadCredential=key:"), "{said}");
        let service = Environment::new([(
            "CREDENTIALS_DIRECTORY".to_owned(),
            folder.path().display().to_string(),
        )]);
        assert_eq!(credential.fetch(Path::new("/"), &service).unwrap().reveal(), "s3cret");

        let variable = Place::Env("KEY".to_owned());
        let set = Environment::new([("KEY".to_owned(), "s3cret".to_owned())]);
        assert_eq!(variable.fetch(Path::new("/"), &set).unwrap().reveal(), "s3cret");
        assert!(matches!(variable.fetch(Path::new("/"), &none), Err(SecretError::Absent { .. })));
        assert_eq!(
            format!("{:?} {set:?}", variable.fetch(Path::new("/"), &set).unwrap()),
            "•••• Environment(1 variables)"
        );
    }
}
